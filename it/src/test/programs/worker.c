/*
 * A worker that does what requests ask for, and wrong things when told to:  worker [MODE [ARGUMENT]]
 *
 * The first byte of a request says what is wanted; the rest is described in handle().
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tproc.h>
#include <unistd.h>

static uint64_t number_of(const struct tproc_request *request) {
  uint64_t number = 0;
  const size_t size = request->size - 1;
  memcpy(&number, (const char *)request->data + 1, size < sizeof number ? size : sizeof number);
  return number;
}

static void fill(unsigned char *bytes, size_t size) {
  for (size_t i = 0; i < size; i++) bytes[i] = (unsigned char)(i * 7 + 1);
}

static int double_all(struct tproc_request *request) {
  uint64_t done = 0;
  for (size_t i = 0; i < request->buffer_count; i++) {
    int32_t *numbers = request->buffers[i].address;
    for (size_t j = 0; j < request->buffers[i].size / 4; j++) numbers[j] *= 2;
    done += request->buffers[i].size;
  }
  return tproc_respond(request, &done, sizeof done);
}

static int send_back(struct tproc_request *request) {
  unsigned char *bytes = request->block;
  if (bytes == NULL || tproc_owner_of(bytes) != getpid()) return 99;
  for (size_t i = 0; i < number_of(request); i++) bytes[i] = (unsigned char)~bytes[i];
  return tproc_respond_block(request, bytes);
}

static int make_block(struct tproc_request *request) {
  const uint64_t size = number_of(request);
  if (tproc_respond_block(request, tproc_alloc(1)) != 0) return 98; /* is replaced, and freed */
  unsigned char *block = tproc_alloc(size);
  fill(block, size);
  return tproc_respond_block(request, block);
}

static int make_bytes(struct tproc_request *request) {
  const uint64_t size = number_of(request);
  unsigned char *bytes = malloc(size + 1);
  fill(bytes, size);
  int failed = tproc_respond(request, "replaced, and longer than what fits", 35);
  if (failed == 0) failed = tproc_respond(request, bytes, size);
  free(bytes);
  return failed;
}

static int keep_block(struct tproc_request *request) {
  tproc_free(request->block);
  request->block = NULL;
  return tproc_respond(request, "freed", 5);
}

/* Takes some time, so that a signal may well come meanwhile. */
static int labour(struct tproc_request *request) {
  volatile uint64_t rounds = 0;
  while (rounds < 100000) rounds++;
  const uint64_t number = number_of(request);
  return tproc_respond(request, &number, sizeof number);
}

/* Tells that it is there by the first byte of the buffer, and waits for the second. */
static int wait_for_java(struct tproc_request *request) {
  volatile unsigned char *gate = request->buffers[0].address;
  __atomic_fetch_add(&gate[0], 1, __ATOMIC_SEQ_CST); /* several threads may come at once */
  while (gate[1] == 0) usleep(500);
  const int pid = getpid();
  return tproc_respond(request, &pid, sizeof pid);
}

static int handle(struct tproc_request *request, void *context) {
  (void)context;
  const char *text = (const char *)request->data + 1;
  const int pid = getpid();
  switch (*(const char *)request->data) {
    case 'e':
      return tproc_respond(request, text, request->size - 1);
    case 'a':
      return double_all(request);
    case 'b':
      return send_back(request);
    case 'n':
      return make_block(request);
    case 'd':
      return make_bytes(request);
    case 'z':
      return keep_block(request);
    case 'l':
      return labour(request);
    case 'w':
      return wait_for_java(request);
    case 'p':
      return tproc_respond(request, &pid, sizeof pid);
    case 'i':
      return 0; /* a block that came along is freed */
    case 'f':   /* code, then text */
      if (tproc_respond_block(request, tproc_alloc(10)) != 0) return 97;
      tproc_respond(request, text + 1, request->size - 2);
      return *text;
    case 'x':
      _exit(*text);
    case 'k':
      raise(*text);
      return 96;
    case 's':
      raise(SIGSTOP);
      return tproc_respond(request, &pid, sizeof pid);
    case 'h':
      for (;;) pause();
    default:
      return ENOSYS;
  }
}

static void *serve(void *unused) {
  (void)unused;
  return (void *)(intptr_t)tproc_serve(handle, NULL);
}

static int serve_with_threads(int count) {
  pthread_t threads[63];
  void *result;
  int failed = 0;
  for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, serve, NULL);
  for (int i = 0; i < count; i++) {
    pthread_join(threads[i], &result);
    failed |= (int)(intptr_t)result;
  }
  return failed;
}

/* Takes two before it finishes any, and the later one first. */
static int serve_by_steps(void) {
  struct tproc_worker worker;
  struct tproc_request first, second;
  int failed = tproc_worker_open(&worker);
  if (failed) return failed;
  const struct timespec past = {0};
  for (;;) {
    do failed = tproc_worker_receive(&worker, &first, &past);
    while (failed == ETIMEDOUT);
    if (failed) break;
    struct tproc_channel_select select = {.channel = &worker.requests, .role = TPROC_RECEIVER};
    if (tproc_channel_select(&select, 1, NULL) != 0 || !select.ready) return 94;
    if (tproc_worker_receive(&worker, &second, NULL) == 0) tproc_worker_finish(&worker, &second, handle(&second, NULL));
    tproc_worker_finish(&worker, &first, handle(&first, NULL));
  }
  if (tproc_worker_close(&worker) != 0 || tproc_worker_close(&worker) != EBADF) return 93;
  return failed == EPIPE ? 0 : failed;
}

/* Says what no worker says, once it has a request. */
static int talk_nonsense(void) {
  struct tproc_worker worker;
  struct tproc_request request;
  struct tproc_message nonsense = {.length = TPROC_MESSAGE_MAX};
  if (tproc_worker_open(&worker) != 0 || tproc_worker_receive(&worker, &request, NULL) != 0) return 92;
  memset(nonsense.data, 0x55, sizeof nonsense.data);
  tproc_channel_send(&worker.responses, &nonsense, NULL);
  for (;;) pause();
}

static int stop_serving(void) {
  struct tproc_worker worker;
  struct tproc_request request;
  if (tproc_worker_open(&worker) != 0 || tproc_worker_receive(&worker, &request, NULL) != 0) return 91;
  tproc_worker_close(&worker);
  for (;;) pause();
}

static int die_when_ready(int status) {
  struct tproc_worker worker;
  if (tproc_worker_open(&worker) != 0) return 90;
  _exit(status);
}

int main(int argc, char *argv[]) {
  const char *mode = argc > 1 ? argv[1] : "serve";
  const uint64_t argument = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
  if (strcmp(mode, "serve") == 0) return tproc_serve(handle, NULL);
  if (strcmp(mode, "threads") == 0) return serve_with_threads((int)argument);
  if (strcmp(mode, "steps") == 0) return serve_by_steps();
  if (strcmp(mode, "nonsense") == 0) return talk_nonsense();
  if (strcmp(mode, "stop") == 0) return stop_serving();
  if (strcmp(mode, "die") == 0) return die_when_ready((int)argument);
  if (strcmp(mode, "exit") == 0) return (int)argument;
  if (strcmp(mode, "told") == 0) { /* when it is over, a byte of Java's says so */
    const int failed = tproc_serve(handle, NULL);
    *(volatile char *)(uintptr_t)argument = failed == 0 ? 1 : 2;
    return failed;
  }
  if (strcmp(mode, "linger") == 0) tproc_serve(handle, NULL);
  for (;;) pause(); /* idle, linger */
}
