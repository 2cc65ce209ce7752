/* Types of a C function, as libffi wants them, from the text in which Java sends them. */
#ifndef TPROC_CALLEE_SIGNATURE_H
#define TPROC_CALLEE_SIGNATURE_H

#include <ffi.h>
#include <stdbool.h>
#include <stdint.h>

/** Most arguments of a function: what C guarantees. */
#define SIGNATURE_ARGUMENTS_MAX 127

/**
 * The signature of a function, and where its values lie in a frame: the result at 0, then the arguments. In a frame a
 * long double is a double, and an integer result has 8 bytes.
 */
struct signature {
  ffi_cif cif;
  uint32_t count;                            /**< of arguments */
  uint32_t size;                             /**< of a frame, in bytes: a multiple of 16 */
  bool long_doubles;                         /**< there are some */
  uint32_t offsets[SIGNATURE_ARGUMENTS_MAX]; /**< of the arguments in a frame */
  ffi_type *types[SIGNATURE_ARGUMENTS_MAX + 1];
};

/**
 * Reads a text: the result, then the arguments, those that are variadic after a ';'. One letter a type (signature.c);
 * a struct's members stand in braces.
 *
 * @return NULL, with *problem a static text, when it is not one; free it with signature_free
 */
struct signature *signature_read(const char *text, const char **problem);

void signature_free(struct signature *signature);

/** How many bytes of a frame a value has. */
static inline size_t signature_value_size(const ffi_type *type) {
  return type->type == FFI_TYPE_LONGDOUBLE ? sizeof(double) : type->size;
}

#endif
