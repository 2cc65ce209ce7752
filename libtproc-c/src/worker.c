#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../include/tproc_worker_abi.h"
#include "tproc.h"

_Static_assert(sizeof(struct tproc_work) == TPROC_MESSAGE_MAX, "one layout");
_Static_assert(sizeof(struct tproc_buffer) == 16, "as Java lays them out");

static struct tproc_work *work_of(struct tproc_message *message) { return (struct tproc_work *)message->data; }

/* ---- opening and closing --------------------------------------------------------------------------------------- */

static int parse(const char *text, uint64_t *requests, uint64_t *responses) {
  unsigned version;
  int end = 0;
  if (sscanf(text, "%u,%" SCNx64 ",%" SCNx64 "%n", &version, requests, responses, &end) != 3) return EPROTONOSUPPORT;
  return version == TPROC_WORKER_VERSION && text[end] == '\0' ? 0 : EPROTONOSUPPORT;
}

static int join(struct tproc_worker *worker, uint64_t requests, uint64_t responses) {
  int failed = tproc_channel_open_id(&worker->requests, requests, TPROC_RECEIVER);
  if (failed) return failed;
  failed = tproc_channel_open_id(&worker->responses, responses, TPROC_SENDER);
  if (failed) tproc_channel_close(&worker->requests);
  return failed;
}

static int say_ready(struct tproc_worker *worker) {
  struct tproc_message message = {.length = TPROC_MESSAGE_MAX};
  *work_of(&message) = (struct tproc_work){.kind = TPROC_WORK_READY};
  return tproc_channel_send(&worker->responses, &message, NULL);
}

static bool has_heap(void) {
  void *block = tproc_alloc(1);
  tproc_free(block);
  return block != NULL;
}

static int open_worker(struct tproc_worker *worker) {
  uint64_t requests, responses;
  const char *variable = getenv(TPROC_WORKER_VARIABLE);
  memset(worker, 0, sizeof *worker);
  if (!has_heap()) return errno;
  if (variable == NULL) return ENOENT;
  int failed = parse(variable, &requests, &responses);
  if (failed || (failed = join(worker, requests, responses)) != 0) return failed;
  failed = say_ready(worker);
  if (failed) tproc_worker_close(worker);
  return failed == EPIPE ? ESTALE : failed;
}

int tproc_worker_open(struct tproc_worker *worker) {
  const int saved = errno;
  const int failed = open_worker(worker);
  errno = saved;
  return failed;
}

/* The pool takes the last response's end for the worker's, so that it goes last. */
int tproc_worker_close(struct tproc_worker *worker) {
  const int failed = tproc_channel_close(&worker->requests);
  const int also = tproc_channel_close(&worker->responses);
  return failed ? failed : also;
}

/* ---- requests -------------------------------------------------------------------------------------------------- */

/* The envelope is the pool's until the request is finished. */
static void unpack(struct tproc_request *request) {
  const struct tproc_work *work = work_of(&request->received);
  request->id = work->id;
  request->block = request->received.block;
  request->size = work->size;
  request->data = work->data;
  request->buffers = NULL;
  request->buffer_count = work->buffers;
  request->part = NULL;
  request->response = (struct tproc_message){.length = TPROC_MESSAGE_MAX};
  *work_of(&request->response) = (struct tproc_work){.id = work->id};
  if ((work->flags & TPROC_WORK_ELSEWHERE) == 0) return;
  uint64_t envelope;
  memcpy(&envelope, work->data, sizeof envelope);
  request->buffers = (const struct tproc_buffer *)(uintptr_t)envelope;
  request->data = request->buffers + work->buffers;
}

/* Another has freed the request's block on its way: the one who waits for the response is to know it. */
static int refuse(struct tproc_worker *worker, struct tproc_request *request) {
  static const char why[] = "a block was freed on its way";
  tproc_respond(request, why, sizeof why - 1);
  return tproc_worker_finish(worker, request, EBADMSG);
}

int tproc_worker_receive(struct tproc_worker *worker, struct tproc_request *request, const struct timespec *deadline) {
  for (;;) {
    int result = tproc_channel_receive(&worker->requests, &request->received, deadline);
    if (result != 0 && result != EBADMSG) return result;
    unpack(request);
    if (result == 0) return 0;
    result = refuse(worker, request);
    if (result) return result;
  }
}

/* ---- responses ------------------------------------------------------------------------------------------------- */

int tproc_respond(struct tproc_request *request, const void *data, size_t size) {
  struct tproc_work *response = work_of(&request->response);
  void *part = NULL;
  if (size > TPROC_RESPONSE_MAX) return EOVERFLOW;
  if (size > TPROC_WORK_DATA) {
    const int saved = errno;
    part = tproc_alloc(size);
    const int failed = part == NULL ? errno : 0;
    errno = saved;
    if (failed) return failed;
  }
  if (size > 0) memmove(part != NULL ? part : response->data, data, size);
  tproc_free(request->part);
  request->part = part;
  response->size = (uint32_t)size;
  response->flags = part != NULL ? TPROC_WORK_ELSEWHERE : 0;
  return 0;
}

int tproc_respond_block(struct tproc_request *request, void *block) {
  if (block != NULL && tproc_usable_size(block) == 0) return EINVAL;
  if (request->response.block != block) tproc_free(request->response.block);
  request->response.block = block;
  if (request->block == block) request->block = NULL;
  return 0;
}

/* The bytes of a response, when they are too many for its message. */
static int send_part(struct tproc_worker *worker, struct tproc_request *request) {
  struct tproc_message message = {.block = request->part, .length = TPROC_MESSAGE_MAX};
  if (request->part == NULL) return 0;
  *work_of(&message) =
      (struct tproc_work){.id = request->id, .kind = TPROC_WORK_PART, .size = work_of(&request->response)->size};
  const int failed = tproc_channel_send(&worker->responses, &message, NULL);
  if (failed == 0) request->part = NULL;
  return failed;
}

static int send_response(struct tproc_worker *worker, struct tproc_request *request, int code) {
  struct tproc_work *response = work_of(&request->response);
  response->kind = code == 0 ? TPROC_WORK_RESPONSE : TPROC_WORK_FAILURE;
  response->code = code;
  if (code != 0) tproc_respond_block(request, NULL);
  const int failed = tproc_channel_send(&worker->responses, &request->response, NULL);
  if (failed == 0) request->response.block = NULL;
  return failed;
}

/* Blocks go first: once it has been answered, nothing of the request is left. */
int tproc_worker_finish(struct tproc_worker *worker, struct tproc_request *request, int code) {
  tproc_free(request->block);
  request->block = NULL;
  int failed = send_part(worker, request);
  if (failed == 0) failed = send_response(worker, request, code);
  tproc_free(request->part);
  tproc_free(request->response.block);
  request->part = request->response.block = NULL;
  return failed;
}

/* ---- the loop -------------------------------------------------------------------------------------------------- */

int tproc_serve(int (*handler)(struct tproc_request *request, void *context), void *context) {
  struct tproc_worker worker;
  struct tproc_request request;
  int failed = tproc_worker_open(&worker);
  if (failed) return failed;
  while ((failed = tproc_worker_receive(&worker, &request, NULL)) == 0) {
    failed = tproc_worker_finish(&worker, &request, handler(&request, context));
    if (failed) break;
  }
  tproc_worker_close(&worker);
  return failed == EPIPE ? 0 : failed;
}
