/* The host: what all its threadprocs share. */
#ifndef TPROC_HOST_H
#define TPROC_HOST_H

#include <pthread.h>

#include "address_space.h"
#include "broker.h"
#include "host_auxv.h"
#include "slot.h"
#include "spawner.h"
#include "tproc_core.h"

struct tproc_host {
  pthread_mutex_t lock;           /**< guards the list */
  struct tproc_threadproc *first; /**< every threadproc that has not been closed */
  struct slot_space slots;
  struct address_space space;
  struct spawner spawner;
  struct broker broker;
  struct host_auxv auxv;
  void *scratch;
  int exits; /**< epoll set: the pidfds of watched threadprocs, and `wake` */
  int wake;  /**< eventfd, semaphore */
};

/** Puts a threadproc into the host's list, which owns it from then on. */
void host_remember(struct tproc_host *host, struct tproc_threadproc *threadproc);

/** Writes "threadproc PID (NAME)" for the owner of an address. @return false, and nothing written, when it has none */
bool host_describe_owner(struct tproc_host *host, uint64_t address, char *text, size_t size);

void host_forget(struct tproc_host *host, struct tproc_threadproc *threadproc);

#endif
