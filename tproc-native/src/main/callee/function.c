#include "function.h"

#include <errno.h>
#include <stdlib.h>

#include "signature.h"

/* Lives as long as the callee: Java asks once for each function and signature. */
struct function {
  struct signature *signature;
  void (*address)(void);
};

void function_prepare(struct lane *lane) {
  const char *problem;
  struct signature *signature = signature_read(lane_pointer(lane->frame), &problem);
  if (signature == NULL) return lane_fail(lane, "%s", problem);
  struct function *function = malloc(sizeof *function);
  if (function == NULL || signature->size != lane->size) {
    lane_fail(lane, "a frame of %u bytes, not %llu", signature->size, (unsigned long long)lane->size);
    signature_free(signature);
    free(function);
    return;
  }
  function->signature = signature;
  function->address = (void (*)(void))(uintptr_t)lane->subject;
  lane->result = (uintptr_t)function;
}

/* A long double of this machine has no counterpart in Java: it travels as a double. */
static void widen(const struct signature *signature, void **values, long double *wide) {
  for (uint32_t i = 0; i < signature->count; i++)
    if (signature->types[i]->type == FFI_TYPE_LONGDOUBLE) {
      wide[i] = *(const double *)values[i];
      values[i] = &wide[i];
    }
}

static void call_with_long_doubles(const struct function *function, void *frame, void **values) {
  struct signature *signature = function->signature;
  long double wide[SIGNATURE_ARGUMENTS_MAX];
  long double result = 0;
  const bool is_result = signature->cif.rtype->type == FFI_TYPE_LONGDOUBLE;
  widen(signature, values, wide);
  ffi_call(&signature->cif, function->address, is_result ? (void *)&result : frame, values);
  if (is_result) *(double *)frame = (double)result;
}

void function_call(struct lane *lane) {
  const struct function *function = lane_pointer(lane->subject);
  struct signature *signature = function->signature;
  char *frame = lane_pointer(lane->frame);
  void *values[SIGNATURE_ARGUMENTS_MAX];
  for (uint32_t i = 0; i < signature->count; i++) values[i] = frame + signature->offsets[i];
  errno = 0;
  if (signature->long_doubles)
    call_with_long_doubles(function, frame, values);
  else
    ffi_call(&signature->cif, function->address, frame, values);
  lane->error = errno;
}
