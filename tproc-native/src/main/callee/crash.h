/* What is known of the callee's end, written down for the host before it. */
#ifndef TPROC_CALLEE_CRASH_H
#define TPROC_CALLEE_CRASH_H

#include <stdatomic.h>
#include <stdint.h>

/** Memory of the host. io.tproc.library.CrashRecord reads it once the callee has ended. */
struct crash_record {
  _Atomic uint32_t written; /**< 1 when the first part is complete, 2 when the second, too */
  int32_t signal;
  int32_t code; /**< si_code */
  uint32_t has_address;
  uint64_t address; /**< that could not be accessed */
  uint64_t pc;      /**< where the program was, or has called abort() */
  uint64_t sp;
  uint64_t object; /**< where the file that pc is in was loaded */
  uint64_t symbol_address;
  char symbol[192]; /**< or empty */
  char file[512];   /**< or empty */
};
_Static_assert(sizeof(struct crash_record) == 760, "as CrashRecord.java has it");

/** Writes down each signal that ends the callee for an error of its own. */
void crash_watch(struct crash_record *record);

/** Gives this thread a stack for handlers, so that an overflow of its own is written down too. */
void crash_watch_thread(void);

#endif
