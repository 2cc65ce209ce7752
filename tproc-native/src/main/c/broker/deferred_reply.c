#include "broker/deferred_reply.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "base/compat.h"
#include "base/thread.h"
#include "broker/answers.h"
#include "broker/proc_self_exe.h"
#include "broker/reply.h"

#define DEFERRED_REPLY_STACK_SIZE (128u << 10)

/* Filling keeps all others who map memory waiting, so it is done in pieces. */
#define PIECE (4ull << 20)

struct deferred_reply {
  struct deferred_replies *desk;
  struct broker_context *host;
  struct fence_listener *listener;
  struct broker_call call;
  struct broker_answer answer;
  deferred_reply_done *done;
  void *context;
};

void deferred_replies_open(struct deferred_replies *desk) {
  pthread_mutex_init(&desk->lock, NULL);
  pthread_cond_init(&desk->changed, NULL);
  desk->under_way = 0;
  desk->closing = false;
}

void deferred_replies_close(struct deferred_replies *desk) {
  pthread_mutex_lock(&desk->lock);
  desk->closing = true;
  while (desk->under_way > 0) pthread_cond_wait(&desk->changed, &desk->lock);
  pthread_mutex_unlock(&desk->lock);
  pthread_cond_destroy(&desk->changed);
  pthread_mutex_destroy(&desk->lock);
}

static bool begin(struct deferred_replies *desk) {
  pthread_mutex_lock(&desk->lock);
  const bool begun = desk->under_way < DEFERRED_REPLIES_MAX && !desk->closing;
  if (begun) desk->under_way++;
  pthread_mutex_unlock(&desk->lock);
  return begun;
}

static void end(struct deferred_replies *desk) {
  pthread_mutex_lock(&desk->lock);
  desk->under_way--;
  pthread_cond_broadcast(&desk->changed);
  pthread_mutex_unlock(&desk->lock);
}

static bool is_closing(struct deferred_replies *desk) {
  pthread_mutex_lock(&desk->lock);
  const bool closing = desk->closing;
  pthread_mutex_unlock(&desk->lock);
  return closing;
}

/* As with mmap itself, pages that cannot be had are no error; nor is memory that another thread has unmapped. */
static void fill(struct deferred_reply *reply) {
  const struct broker_answer *answer = &reply->answer;
  const int how = answer->fill_for_writing ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
  for (uint64_t at = answer->fill.low; at < answer->fill.high && !is_closing(reply->desk); at += PIECE) {
    const uint64_t rest = answer->fill.high - at;
    if (madvise((void *)at, rest < PIECE ? rest : PIECE, how) != 0 && errno != EINTR && errno != EAGAIN) break;
  }
}

static struct broker_answer in_pieces(const struct broker_answer *answer) {
  return result(answer->verdict == BROKER_DEFER_UNMAP
                    ? memory_end_unmap(answer->memory, answer->fill)
                    : memory_end_advise(answer->memory, answer->fill, answer->advice));
}

static void *run(void *argument) {
  struct deferred_reply *reply = argument;
  prctl(PR_SET_NAME, "tproc-deferred");
  struct broker_answer answer = reply->answer;
  if (answer.verdict == BROKER_DEFER_FILL) {
    fill(reply);
    answer.verdict = BROKER_RETURN;
  } else if (answer.verdict == BROKER_DEFER_UNMAP || answer.verdict == BROKER_DEFER_ADVISE) {
    answer = in_pieces(&answer);
  } else
    answer = proc_self_exe_run(reply->host, reply->listener, &reply->call);
  reply_send(reply->listener->notify_fd, reply->call.id, &answer);
  reply->done(reply->context, reply->listener);
  end(reply->desk);
  free(reply);
  return NULL;
}

void deferred_reply_run(struct deferred_replies *desk, struct broker_context *host, struct fence_listener *listener,
                        const struct broker_call *call, const struct broker_answer *answer, deferred_reply_done *done,
                        void *context) {
  struct deferred_reply *reply = malloc(sizeof *reply);
  const bool begun = reply != NULL && begin(desk);
  if (begun) {
    *reply = (struct deferred_reply){desk, host, listener, *call, *answer, done, context};
    if (thread_start(NULL, DEFERRED_REPLY_STACK_SIZE, run, reply) == 0) return;
    end(desk);
  }
  free(reply);
  const bool half_done = answer->verdict == BROKER_DEFER_UNMAP || answer->verdict == BROKER_DEFER_ADVISE;
  const struct broker_answer instead =
      half_done ? in_pieces(answer) : result(answer->verdict == BROKER_DEFER_FILL ? answer->result : -EAGAIN);
  reply_send(listener->notify_fd, call->id, &instead);
  done(context, listener);
}
