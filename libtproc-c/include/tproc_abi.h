/*
 * What a host tells a hosted program through its auxiliary vector: the contract between tproc-native (which writes it)
 * and libtproc (which reads it). Programs use tproc.h instead.
 *
 * Entries are only ever added at the end of struct tproc_abi; a reader looks at no field beyond `size`.
 */
#ifndef TPROC_ABI_H
#define TPROC_ABI_H

#include <stdint.h>

/** auxv type of the scratch page's address; number and meaning are those of the original threadprocs project. */
#define TPROC_AT_SCRATCH 0x5450ul

/** auxv type of the address of a struct tproc_abi. */
#define TPROC_AT_ABI 0x5451ul

/** "tproc\0\0\1" read as a little-endian number. */
#define TPROC_ABI_MAGIC 0x010000636f727074ull

#define TPROC_ABI_VERSION 1u

/** Lives on the threadproc's own entry stack; written before the program starts, read-only by convention afterwards. */
struct tproc_abi {
  uint64_t magic;        /**< TPROC_ABI_MAGIC */
  uint32_t version;      /**< TPROC_ABI_VERSION of the host */
  uint32_t size;         /**< sizeof(struct tproc_abi) of the host, in bytes */
  uint64_t scratch;      /**< address of the scratch page */
  uint64_t scratch_size; /**< its size in bytes */
  uint64_t slot_base;    /**< lowest address of the threadproc's slot */
  uint64_t slot_size;    /**< size of the slot in bytes */
  int32_t host_pid;      /**< process id of the host */
  int32_t pid;         /**< process id of the threadproc itself: a forked child, whose memory is a copy, sees another */
  uint64_t share;      /**< address of the shared range (tproc_share_abi.h), also a forked child's; 0: there is none */
  uint64_t share_size; /**< its size in bytes */
  uint32_t account;    /**< of the shared range: how much the threadproc and its forked children may own; 0: no limit */
  uint32_t account_generation; /**< of the account, as long as it is theirs */
  /**
   * Of a program that runs ahead of its start: address of a tproc_abi_ready. Who calls it takes it, leaving 0, so that
   * it is called once. 0: the program has been started.
   */
  uint64_t ready;
  uint64_t ready_argument; /**< for that */
};

/**
 * Waits for the start. It is code of the host's, which needs some KiB of stack, and may end the process.
 *
 * @return address of the new arguments, as at a program's entry: argc, argv, NULL, envp, NULL
 */
typedef uint64_t tproc_abi_ready(void *argument);

#endif
