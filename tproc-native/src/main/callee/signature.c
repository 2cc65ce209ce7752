#include "signature.h"

#include <stdlib.h>
#include <string.h>

#define STRUCT_DEPTH_MAX 16
#define FRAME_ALIGNMENT 16
#define RESULT_LEAST 16 /* libffi writes a whole register, or two */

/* What is read from, and the memory for structs: a type and an element cannot be more than letters. */
struct reader {
  const char *at;
  const char *problem;
  ffi_type *next_type;
  ffi_type **next_element;
};

/* A signature and the memory of its structs, in one piece. */
struct block {
  struct signature signature;
  ffi_type types[];
};

static ffi_type *scalar(char letter) {
  switch (letter) {
    case 'v':
      return &ffi_type_void;
    case 'b':
      return &ffi_type_sint8;
    case 'B':
      return &ffi_type_uint8;
    case 's':
      return &ffi_type_sint16;
    case 'S':
      return &ffi_type_uint16;
    case 'i':
      return &ffi_type_sint32;
    case 'I':
      return &ffi_type_uint32;
    case 'l':
      return &ffi_type_sint64;
    case 'L':
      return &ffi_type_uint64;
    case 'f':
      return &ffi_type_float;
    case 'd':
      return &ffi_type_double;
    case 'D':
      return &ffi_type_longdouble;
    case 'p':
      return &ffi_type_pointer;
    default:
      return NULL;
  }
}

static ffi_type *fail(struct reader *reader, const char *problem) {
  reader->problem = problem;
  return NULL;
}

static ffi_type *read_type(struct reader *reader, int depth);

static ffi_type *read_struct(struct reader *reader, int depth) {
  if (depth == STRUCT_DEPTH_MAX) return fail(reader, "a struct in more than 16 others");
  ffi_type *members[SIGNATURE_ARGUMENTS_MAX];
  size_t count = 0;
  while (*reader->at != '}') {
    if (count == SIGNATURE_ARGUMENTS_MAX) return fail(reader, "a struct of more than 127 members");
    members[count] = read_type(reader, depth + 1);
    if (members[count] == NULL) return NULL;
    if (members[count]->size == 0 && members[count]->type != FFI_TYPE_STRUCT)
      return fail(reader, "a member of type void");
    count++;
  }
  reader->at++;
  if (count == 0) return fail(reader, "a struct without members");
  ffi_type *type = reader->next_type++;
  type->type = FFI_TYPE_STRUCT;
  type->elements = reader->next_element;
  for (size_t i = 0; i < count; i++) type->elements[i] = members[i];
  type->elements[count] = NULL;
  reader->next_element += count + 1;
  return type;
}

static ffi_type *read_type(struct reader *reader, int depth) {
  const char letter = *reader->at;
  if (letter == '\0') return fail(reader, "it ends too early");
  reader->at++;
  if (letter == '{') return read_struct(reader, depth);
  ffi_type *type = scalar(letter);
  return type != NULL ? type : fail(reader, "a letter that is no type");
}

static uint32_t aligned(size_t size, size_t alignment) {
  return (uint32_t)((size + alignment - 1) / alignment * alignment);
}

/* The sizes of structs are known from ffi_prep_cif on. */
static void place(struct signature *signature) {
  const size_t result = signature->cif.rtype->size;
  uint32_t at = aligned(result < RESULT_LEAST ? RESULT_LEAST : result, FRAME_ALIGNMENT);
  for (uint32_t i = 0; i < signature->count; i++) {
    const ffi_type *type = signature->types[i];
    signature->offsets[i] = at;
    at += aligned(signature_value_size(type), 8);
    if (type->type == FFI_TYPE_LONGDOUBLE) signature->long_doubles = true;
  }
  if (signature->cif.rtype->type == FFI_TYPE_LONGDOUBLE) signature->long_doubles = true;
  signature->size = aligned(at, FRAME_ALIGNMENT);
}

static const char *prepare(struct signature *signature, ffi_type *result, int fixed) {
  const ffi_status status =
      fixed < 0 ? ffi_prep_cif(&signature->cif, FFI_DEFAULT_ABI, signature->count, result, signature->types)
                : ffi_prep_cif_var(&signature->cif, FFI_DEFAULT_ABI, (unsigned)fixed, signature->count, result,
                                   signature->types);
  if (status != FFI_OK) return fixed < 0 ? "libffi refuses it" : "libffi refuses it: variadic arguments are promoted";
  place(signature);
  return NULL;
}

static const char *read_signature(struct reader *reader, struct signature *signature) {
  int fixed = -1;
  ffi_type *result = read_type(reader, 0);
  while (result != NULL && *reader->at != '\0') {
    if (*reader->at == ';') {
      if (fixed >= 0) return "variadic twice";
      fixed = (int)signature->count;
      reader->at++;
      continue;
    }
    if (signature->count == SIGNATURE_ARGUMENTS_MAX) return "more than 127 arguments";
    ffi_type *type = read_type(reader, 0);
    if (type == &ffi_type_void) return "an argument of type void";
    if (type == NULL) return reader->problem;
    signature->types[signature->count++] = type;
  }
  return result == NULL ? reader->problem : prepare(signature, result, fixed);
}

struct signature *signature_read(const char *text, const char **problem) {
  const size_t letters = strlen(text);
  struct block *block = calloc(1, sizeof *block + letters * (sizeof(ffi_type) + 2 * sizeof(ffi_type *)));
  *problem = "no memory";
  if (block == NULL) return NULL;
  struct reader reader = {
      .at = text,
      .next_type = block->types,
      .next_element = (ffi_type **)(block->types + letters),
  };
  *problem = read_signature(&reader, &block->signature);
  if (*problem == NULL) return &block->signature;
  free(block);
  return NULL;
}

void signature_free(struct signature *signature) { free(signature); } /* it is the block's first member */
