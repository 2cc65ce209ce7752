/*
 * What a pool of workers and its workers say to each other: the contract between libtproc (worker.c) and Java
 * (io.tproc.worker.Wire). Programs use tproc.h instead.
 *
 * A pool makes two channels for each worker, and starts it with TPROC_WORKER in its environment: the version, the id of
 * the channel of requests, and that of responses, as "1,HEX,HEX". The worker opens both, and says READY. Then each
 * REQUEST is answered by a RESPONSE or a FAILURE of the same id, in any order. A closed channel of requests ends it.
 *
 * A message's block is the user's, but for PART. Bytes that are too many for a message lie elsewhere: those of a
 * request in the pool's envelope, a block that stays the pool's and ends when the request does, behind its buffers;
 * those of a response in the block of a PART, which precedes it, and whose block is Java's then.
 */
#ifndef TPROC_WORKER_ABI_H
#define TPROC_WORKER_ABI_H

#include <assert.h>
#include <stdint.h>

#define TPROC_WORKER_VARIABLE "TPROC_WORKER"
#define TPROC_WORKER_VERSION 1u

/** Bytes that lie in the message itself. */
#define TPROC_WORK_DATA 24u

enum tproc_work_kind {
  TPROC_WORK_REQUEST = 1,
  TPROC_WORK_PART = 2,
  TPROC_WORK_RESPONSE = 3,
  TPROC_WORK_FAILURE = 4,
  TPROC_WORK_READY = 5,
};

/** tproc_work.flags: the bytes (and buffers) lie elsewhere; of a request, data begins with the envelope's address. */
#define TPROC_WORK_ELSEWHERE 1u

/** The 48 bytes of a message. */
struct tproc_work {
  uint64_t id;
  uint16_t kind;
  uint16_t flags;
  int32_t code;     /**< of a FAILURE */
  uint32_t size;    /**< bytes of the request's or response's own */
  uint32_t buffers; /**< of a REQUEST: struct tproc_buffer at the beginning of its envelope */
  unsigned char data[TPROC_WORK_DATA];
};

static_assert(sizeof(struct tproc_work) == 48, "a message");

#endif
