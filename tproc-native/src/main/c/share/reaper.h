/*
 * The reaper: puts right what the dead leave. It runs in the host alone, for a process of which the kernel has said
 * that it has ended, beside all others: no process is stopped or waited for.
 */
#ifndef TPROC_REAPER_H
#define TPROC_REAPER_H

#include <stdint.h>
#include <sys/types.h>

#include "shared/view.h"

/** What a call has done. */
struct reaped {
  uint32_t owners;    /**< entries that were the process's */
  uint32_t threads;   /**< thread records */
  uint32_t free;      /**< slices that are free again */
  uint32_t abandoned; /**< slices that others may adopt now */
  uint32_t woken;     /**< threads that slept on something, and are to look again */
};

/**
 * A process has ended. Its threads' tokens are dead from here on, their locks free, and their slices
 * free for all; what it has published is no more, or says so; who sleeps is woken, because the dead may have been about
 * to do it. Its blocks stay as they are, so that they can be read, until reaper_forget.
 *
 * @param status its exit status, or 256 + the signal
 * @param note not 0, for reaper_forget
 */
struct reaped reaper_process_ended(const struct tproc_view *view, pid_t pid, int status, uint64_t note);

/** Frees what the processes of this note still own, and their entries. @return how many blocks were freed */
uint64_t reaper_forget(const struct tproc_view *view, uint64_t note);

#endif
