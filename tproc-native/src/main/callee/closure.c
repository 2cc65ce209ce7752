#include "closure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service.h"
#include "signature.h"

struct closure {
  ffi_closure *trampoline;
  struct signature *signature;
  uint64_t number;
  _Atomic unsigned uses; /* Java's own, and each call under way: its body may close it, or another thread may */
};

/* In a library's own thread there is no call to fail: Java sees the end of the program. */
static char *push_frame(struct lane *lane, size_t size) {
  if (size > lane->end - lane->top) {
    fputs("tproc-callee: callbacks and calls are nested too deeply for their lane\n", stderr);
    abort();
  }
  char *frame = lane_pointer(lane->top);
  lane->top += size;
  return frame;
}

static void copy_argument(char *to, const ffi_type *type, const void *from) {
  if (type->type == FFI_TYPE_LONGDOUBLE) {
    const double narrow = (double)*(const long double *)from;
    memcpy(to, &narrow, sizeof narrow);
  } else {
    memcpy(to, from, type->size);
  }
}

/* An integer has the 8 bytes that libffi wants of one. */
static void copy_result(void *to, const ffi_type *type, const char *from) {
  if (type->type == FFI_TYPE_LONGDOUBLE) {
    double narrow;
    memcpy(&narrow, from, sizeof narrow);
    *(long double *)to = narrow;
  } else if (type->type == FFI_TYPE_STRUCT || type->type == FFI_TYPE_FLOAT || type->type == FFI_TYPE_DOUBLE) {
    memcpy(to, from, type->size);
  } else if (type->type != FFI_TYPE_VOID) {
    memcpy(to, from, sizeof(ffi_arg));
  }
}

static void free_closure(struct closure *closure) {
  if (closure->trampoline != NULL) ffi_closure_free(closure->trampoline);
  signature_free(closure->signature);
  free(closure);
}

static void release(struct closure *closure) {
  if (atomic_fetch_sub(&closure->uses, 1) == 1) free_closure(closure);
}

static void called(ffi_cif *cif, void *result, void **arguments, void *context) {
  const int error = errno;
  struct closure *closure = context;
  atomic_fetch_add(&closure->uses, 1);
  const struct signature *signature = closure->signature;
  struct lane *lane = service_lane();
  char *frame = push_frame(lane, signature->size);
  for (uint32_t i = 0; i < signature->count; i++)
    copy_argument(frame + signature->offsets[i], cif->arg_types[i], arguments[i]);
  service_call_back(lane, closure->number, frame);
  copy_result(result, cif->rtype, frame);
  lane->top = (uintptr_t)frame;
  release(closure);
  errno = error;
}

void closure_make(struct lane *lane) {
  const char *problem = "no memory";
  void *code = NULL;
  struct closure *closure = calloc(1, sizeof *closure);
  if (closure == NULL) return lane_fail(lane, "%s", problem);
  atomic_init(&closure->uses, 1);
  closure->number = lane->subject;
  closure->signature = signature_read(lane_pointer(lane->frame), &problem);
  if (closure->signature != NULL && closure->signature->size != lane->size) problem = "a frame of another size";
  if (problem == NULL) {
    closure->trampoline = ffi_closure_alloc(sizeof(ffi_closure), &code);
    if (closure->trampoline == NULL) problem = "no memory that may be executed";
  }
  if (problem == NULL &&
      ffi_prep_closure_loc(closure->trampoline, &closure->signature->cif, called, closure, code) != FFI_OK)
    problem = "libffi refuses it";
  if (problem != NULL) {
    lane_fail(lane, "%s", problem);
    free_closure(closure);
    return;
  }
  lane->result = (uintptr_t)code;
  lane->target = (uintptr_t)closure;
}

void closure_end(struct lane *lane) { release(lane_pointer(lane->subject)); }
