/*
 * Round trips, and 64-byte messages one way, between this program and a child of it: through channels, pipes and Unix
 * sockets. "echo NAME BACK" answers another's round trips until it has gone; "echo-sleeping" makes the channels, and
 * looks at them once only before it sleeps.
 */
#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <tproc.h>
#include <tproc_share_abi.h>
#include <unistd.h>

#include "stopwatch.h"

#define CELLS 1024
#define BATCH 64
#define BOTH (TPROC_SENDER | TPROC_RECEIVER)
#define ONE_EACH (TPROC_ONE_SENDER | TPROC_ONE_RECEIVER)

static void succeed(int code, const char *what) {
  errno = code;
  require(code == 0, what);
}

static struct tproc_channel make(unsigned roles_and_flags, int spins) {
  struct tproc_channel channel;
  succeed(tproc_channel_create(&channel, CELLS, roles_and_flags), "tproc_channel_create");
  if (!spins) ((struct tproc_queue *)channel.queue)->spins = 0;
  return channel;
}

static struct tproc_channel open_again(const struct tproc_channel *channel, unsigned role) {
  struct tproc_channel end;
  succeed(tproc_channel_open_id(&end, channel->id, role), "tproc_channel_open_id");
  return end;
}

static void finish(pid_t child) {
  int status;
  require(waitpid(child, &status, 0) == child && status == 0, "the child");
}

static pid_t start(void) {
  const pid_t child = fork();
  require(child >= 0, "fork");
  return child;
}

/* ---- round trips ----------------------------------------------------------------------------------------------- */

static void answer(struct tproc_channel *in, struct tproc_channel *out, long count) {
  struct tproc_message message;
  for (long i = 0; i < count; i++) {
    succeed(tproc_channel_receive(in, &message, NULL), "receive");
    succeed(tproc_channel_send(out, &message, NULL), "send");
  }
}

static void ask(struct tproc_channel *out, struct tproc_channel *in, long count) {
  struct tproc_message message = {.length = TPROC_MESSAGE_MAX};
  for (long i = 0; i < count; i++) {
    succeed(tproc_channel_send(out, &message, NULL), "send");
    succeed(tproc_channel_receive(in, &message, NULL), "receive");
  }
}

static void round_trips(long count, int spins) {
  struct tproc_channel there = make(BOTH, spins), back = make(BOTH, spins);
  const pid_t child = start();
  if (child == 0) {
    struct tproc_channel in = open_again(&there, TPROC_RECEIVER), out = open_again(&back, TPROC_SENDER);
    answer(&in, &out, count);
    _exit(0);
  }
  ask(&there, &back, count);
  finish(child);
}

static void spinning(long count) { round_trips(count, 1); }
static void sleeping(long count) { round_trips(count, 0); }

static void pass(int from, int to, long count) {
  char message[64];
  for (long i = 0; i < count; i++) {
    require(read(from, message, sizeof message) == sizeof message, "read");
    require(write(to, message, sizeof message) == sizeof message, "write");
  }
}

/* Through two ends of a file each: from 1 to 0 there, and from 1 to 0 back. */
static void round_trips_in_files(long count, const int there[2], const int back[2]) {
  char message[64] = {0};
  const pid_t child = start();
  if (child == 0) {
    pass(there[0], back[1], count);
    _exit(0);
  }
  for (long i = 0; i < count; i++) {
    require(write(there[1], message, sizeof message) == sizeof message, "write");
    require(read(back[0], message, sizeof message) == sizeof message, "read");
  }
  finish(child);
}

/* On one CPU only what both do costs time, not how far the kernel sends a thread that it wakes. */
static void stay_on_one_cpu(void) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  require(sched_setaffinity(0, sizeof one, &one) == 0, "sched_setaffinity");
}

static void pipes(long count) {
  int there[2], back[2];
  require(pipe(there) == 0 && pipe(back) == 0, "pipe");
  round_trips_in_files(count, there, back);
  for (int i = 0; i < 2; i++) close(there[i]), close(back[i]);
}

static void sockets(long count) {
  int ends[2];
  require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
  round_trips_in_files(count, ends, (const int[]){ends[1], ends[0]});
  for (int i = 0; i < 2; i++) close(ends[i]);
}

static void sleeping_on_one_cpu(long count) {
  stay_on_one_cpu();
  sleeping(count);
}

static void pipes_on_one_cpu(long count) {
  stay_on_one_cpu();
  pipes(count);
}

/* ---- one way --------------------------------------------------------------------------------------------------- */

static void drain(struct tproc_channel *in, long count, size_t batch) {
  struct tproc_message messages[BATCH];
  size_t received;
  for (long i = 0; i < count; i += (long)received)
    succeed(tproc_channel_receive_batch(in, messages, batch, &received, NULL), "receive");
}

static void fill(struct tproc_channel *out, long count, size_t batch) {
  static struct tproc_message messages[BATCH];
  size_t sent, most;
  for (size_t i = 0; i < BATCH; i++) messages[i].length = TPROC_MESSAGE_MAX;
  for (long i = 0; i < count; i += (long)sent) {
    most = count - i < (long)batch ? (size_t)(count - i) : batch;
    succeed(tproc_channel_send_batch(out, messages, most, &sent, NULL), "send");
  }
}

static void one_way(long count, unsigned flags, size_t batch) {
  struct tproc_channel channel = make(flags == 0 ? BOTH : flags | TPROC_SENDER, 1);
  const pid_t child = start();
  if (child == 0) {
    struct tproc_channel in = open_again(&channel, TPROC_RECEIVER);
    drain(&in, count, batch);
    _exit(0);
  }
  fill(&channel, count, batch);
  finish(child);
}

static void messages(long count) { one_way(count, 0, 1); }
static void one_each(long count) { one_way(count, ONE_EACH, 1); }
static void batches(long count) { one_way(count, ONE_EACH, BATCH); }

static void pipe_messages(long count) {
  int ends[2];
  char message[64] = {0};
  require(pipe(ends) == 0, "pipe");
  const pid_t child = start();
  if (child == 0) {
    for (long i = 0; i < count; i++) require(read(ends[0], message, sizeof message) == sizeof message, "read");
    _exit(0);
  }
  for (long i = 0; i < count; i++) require(write(ends[1], message, sizeof message) == sizeof message, "write");
  finish(child);
  close(ends[0]);
  close(ends[1]);
}

/* ---- of another ------------------------------------------------------------------------------------------------ */

static struct tproc_channel open_named(const char *name, unsigned role) {
  struct tproc_channel end;
  succeed(tproc_channel_open(&end, name, role, NULL), "open");
  return end;
}

static struct tproc_channel make_named(const char *name, unsigned role) {
  struct tproc_channel end = make(role, 0);
  succeed(tproc_channel_publish(&end, name), "publish");
  return end;
}

static int echo(struct tproc_channel in, struct tproc_channel out) {
  struct tproc_message message;
  while (tproc_channel_receive(&in, &message, NULL) == 0) succeed(tproc_channel_send(&out, &message, NULL), "send");
  return 0;
}

static int echo_pipe(void) {
  char buffer[64];
  ssize_t size;
  while ((size = read(STDIN_FILENO, buffer, sizeof buffer)) > 0)
    require(write(STDOUT_FILENO, buffer, (size_t)size) == size, "write");
  return 0;
}

static const struct operation operations[] = {
    {"spinning", spinning}, {"sleeping", sleeping},     {"pipes", pipes},     {"sockets", sockets},
    {"sleeping-on-one-cpu", sleeping_on_one_cpu}, {"pipes-on-one-cpu", pipes_on_one_cpu},
    {"messages", messages}, {"one-each", one_each}    , {"batches", batches}, {"pipe-messages", pipe_messages}};

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[1], "echo") == 0)
    return echo(open_named(argv[2], TPROC_RECEIVER), open_named(argv[3], TPROC_SENDER));
  if (argc == 4 && strcmp(argv[1], "echo-sleeping") == 0)
    return echo(make_named(argv[2], TPROC_RECEIVER), make_named(argv[3], TPROC_SENDER));
  if (argc == 2 && strcmp(argv[1], "echo-pipe") == 0) return echo_pipe();
  return stopwatch_main(argc, argv, operations, sizeof operations / sizeof *operations);
}
