#include "broker/deferred_reply.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "broker/proc_self_exe.h"
#include "broker/reply.h"

#define ERRAND_STACK_SIZE (128u << 10)

/* Filling holds up everybody who maps memory, so it is done in pieces. */
#define PIECE (4ull << 20)

/* Linux 5.14; absent from older headers. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

struct errand {
  struct errand_desk *desk;
  struct broker_means *means;
  struct gate *gate;
  struct broker_call call;
  struct broker_answer answer;
  errand_done *done;
  void *context;
};

void errand_desk_open(struct errand_desk *desk) {
  pthread_mutex_init(&desk->lock, NULL);
  pthread_cond_init(&desk->changed, NULL);
  desk->under_way = 0;
  desk->closing = false;
}

void errand_desk_close(struct errand_desk *desk) {
  pthread_mutex_lock(&desk->lock);
  desk->closing = true;
  while (desk->under_way > 0) pthread_cond_wait(&desk->changed, &desk->lock);
  pthread_mutex_unlock(&desk->lock);
  pthread_cond_destroy(&desk->changed);
  pthread_mutex_destroy(&desk->lock);
}

static bool begin(struct errand_desk *desk) {
  pthread_mutex_lock(&desk->lock);
  const bool begun = desk->under_way < ERRANDS_MAX && !desk->closing;
  if (begun) desk->under_way++;
  pthread_mutex_unlock(&desk->lock);
  return begun;
}

static void end(struct errand_desk *desk) {
  pthread_mutex_lock(&desk->lock);
  desk->under_way--;
  pthread_cond_broadcast(&desk->changed);
  pthread_mutex_unlock(&desk->lock);
}

static bool is_closing(struct errand_desk *desk) {
  pthread_mutex_lock(&desk->lock);
  const bool closing = desk->closing;
  pthread_mutex_unlock(&desk->lock);
  return closing;
}

/* As with mmap itself, pages that cannot be had are no error; nor is memory that another thread has unmapped. */
static void fill(struct errand *errand) {
  const struct broker_answer *answer = &errand->answer;
  const int how = answer->fill_for_writing ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
  for (uint64_t at = answer->fill.low; at < answer->fill.high && !is_closing(errand->desk); at += PIECE) {
    const uint64_t rest = answer->fill.high - at;
    if (madvise((void *)at, rest < PIECE ? rest : PIECE, how) != 0 && errno != EINTR && errno != EAGAIN) break;
  }
}

static void *run(void *argument) {
  struct errand *errand = argument;
  prctl(PR_SET_NAME, "tproc-errand");
  struct broker_answer answer = errand->answer;
  answer.verdict = BROKER_RESULT;
  if (range_size(answer.fill) > 0)
    fill(errand);
  else
    answer = own_executable_run(errand->means, errand->gate, &errand->call);
  reply_send(errand->gate->listener, errand->call.id, &answer);
  errand->done(errand->context, errand->gate);
  end(errand->desk);
  free(errand);
  return NULL;
}

static int start_thread(struct errand *errand) {
  pthread_attr_t attributes;
  pthread_t thread;
  sigset_t all, before;
  int code = pthread_attr_init(&attributes);
  if (code != 0) return code;
  pthread_attr_setstacksize(&attributes, ERRAND_STACK_SIZE);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  code = pthread_create(&thread, &attributes, run, errand);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return code;
}

void errand_run(struct errand_desk *desk, struct broker_means *means, struct gate *gate, const struct broker_call *call,
                const struct broker_answer *answer, errand_done *done, void *context) {
  struct errand *errand = malloc(sizeof *errand);
  const bool begun = errand != NULL && begin(desk);
  if (begun) {
    *errand = (struct errand){desk, means, gate, *call, *answer, done, context};
    if (start_thread(errand) == 0) return;
    end(desk);
  }
  free(errand);
  const struct broker_answer instead = {.result = range_size(answer->fill) > 0 ? answer->result : -EAGAIN};
  reply_send(gate->listener, call->id, &instead);
  done(context, gate);
}
