#include "broker/interval_timer.h"

#include <sys/syscall.h>

#include "broker/answers.h"

/* struct itimerval and struct itimerspec: seconds, and parts of one. Without a first signal there is none. */
struct timer_value {
  int64_t interval[2], first[2];
};

/* 0: it only asks, or is an error. */
static uint64_t value_of(const struct broker_call *call) {
  return call->arguments[call->number == __NR_setitimer ? 1 : 2];
}

static bool any(const int64_t time[2]) { return time[0] != 0 || time[1] != 0; }

bool interval_timer_repeats(const struct target_check *check, const struct fence_listener *listener,
                            const struct broker_call *call) {
  struct timer_value value;
  const int64_t got = target_read(check, listener, call, value_of(call), &value, sizeof value);
  return got == sizeof value && any(value.interval) && any(value.first);
}

bool interval_timer_answer(const struct broker_context *context, const struct fence_listener *listener,
                           const struct broker_call *call, struct broker_answer *answer) {
  if (call->number != __NR_setitimer && call->number != __NR_timer_settime) return false;
  const uint64_t at = value_of(call);
  *answer = unchanged();
  if (!call->shares || at == 0 || listener->timer_seen || listener->memory == NULL) return true;
  if (!target_is_threadproc(listener, call->tid)) return true;
  const size_t size = sizeof(struct timer_value);
  const bool once =
      target_resident(&context->check, at, size) == size && !interval_timer_repeats(&context->check, listener, call);
  if (!once) answer->verdict = BROKER_DEFER_TRACE;
  return true;
}
