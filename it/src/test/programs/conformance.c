/*
 * The conformance program of C:  conformance make|use PREFIX [SOCKET]
 *
 * One program makes, another uses: of each object all that both can do with it. ConformanceIT has them in C, C++, Rust,
 * Python and Java, each with each. All are the same, step by step, and print the same lines: "ok STEP" when a step is
 * over, and "error CALL NUMBER" for each wrong call. With a socket the program attaches to the host.
 *
 * The two talk through PREFIX.there (what the maker sends) and PREFIX.back.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tproc.h>
#include <unistd.h>

static const char *prefix;
static const char *step;
static struct tproc_channel out, in;

static _Noreturn void fail(int line, const char *what, int code) {
  fprintf(stderr, "C, step %s: line %d: %s: %d\n", step, line, what, code);
  exit(1);
}

#define EXPECT(condition)                            \
  do {                                               \
    if (!(condition)) fail(__LINE__, #condition, 0); \
  } while (0)
#define CALL(expected, call)                               \
  do {                                                     \
    const int code_ = (call);                              \
    if (code_ != (expected)) fail(__LINE__, #call, code_); \
  } while (0)

static void begin(const char *next) {
  if (step != NULL) printf("ok %s\n", step);
  step = next;
}

static const char *name(const char *of) {
  static char text[4][TPROC_NAME_MAX + 1];
  static unsigned last;
  char *it = text[last++ % 4];
  snprintf(it, sizeof text[0], "%s.%s", prefix, of);
  return it;
}

static struct timespec soon(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  now.tv_nsec += 10000000;
  if (now.tv_nsec >= 1000000000) now = (struct timespec){now.tv_sec + 1, now.tv_nsec - 1000000000};
  return now;
}

/* ---- talking --------------------------------------------------------------------------------------------------- */

static void send_bytes(const void *data, size_t size, void *block) {
  struct tproc_message message = {.block = block, .length = (uint32_t)size};
  memcpy(message.data, data, size);
  CALL(0, tproc_channel_send(&out, &message, NULL));
}

static void tell(const char *text) { send_bytes(text, strlen(text), NULL); }

static void tell_number(unsigned long number) {
  char text[24];
  snprintf(text, sizeof text, "%lu", number);
  tell(text);
}

static struct tproc_message receive(void) {
  struct tproc_message message;
  CALL(0, tproc_channel_receive(&in, &message, NULL));
  return message;
}

/* @return the block that came with it */
static void *hear(const char *text) {
  const struct tproc_message message = receive();
  if (message.length != strlen(text) || memcmp(message.data, text, message.length) != 0)
    fail(__LINE__, text, (int)message.length);
  return message.block;
}

static unsigned long hear_number(void) {
  const struct tproc_message message = receive();
  char text[TPROC_MESSAGE_MAX + 1] = "";
  memcpy(text, message.data, message.length);
  return strtoul(text, NULL, 10);
}

/* ---- objects --------------------------------------------------------------------------------------------------- */

struct guarded {
  struct tproc_mutex mutex;
  uint64_t value;
};

static struct guarded *mutex;
static struct tproc_cond *condition;
static struct tproc_event *event;
static struct tproc_semaphore *semaphore;
static struct tproc_barrier *barrier;
static struct tproc_once *once;
static struct tproc_entry entry;

static void *zeroed(size_t size) {
  void *block = tproc_alloc(size);
  EXPECT(block != NULL);
  return memset(block, 0, size);
}

static struct tproc_entry publish(const char *of, const char *type, void *address, size_t size, uint32_t version) {
  struct tproc_entry made = {.address = address, .size = size, .version = version};
  memcpy(made.name, name(of), strlen(name(of)));
  memcpy(made.type, type, strlen(type));
  CALL(0, tproc_publish(&made));
  return made;
}

static void *publish_new(const char *of, const char *type, size_t size) {
  return publish(of, type, zeroed(size), size, 0).address;
}

static void *find(const char *of, const char *type, size_t size) {
  struct tproc_entry found;
  CALL(0, tproc_await(name(of), type, NULL, &found));
  EXPECT(found.size >= size);
  return found.address;
}

static void make_objects(void *(*get)(const char *of, const char *type, size_t size)) {
  mutex = get("mutex", "it.Mutex/1", sizeof *mutex);
  condition = get("condition", "it.Condition/1", sizeof *condition);
  event = get("event", "it.Event/1", sizeof *event);
  semaphore = get("semaphore", "it.Semaphore/1", sizeof *semaphore);
  barrier = get("barrier", "it.Barrier/1", sizeof *barrier);
  once = get("once", "it.Once/1", sizeof *once);
}

static void lock(void) { CALL(0, tproc_mutex_lock(&mutex->mutex)); }
static void unlock(void) { CALL(0, tproc_mutex_unlock(&mutex->mutex)); }

static void set(uint64_t value) {
  lock();
  mutex->value = value;
  unlock();
}

static bool has(uint64_t value) {
  lock();
  const bool is_so = mutex->value == value;
  unlock();
  return is_so;
}

static void await_condition(uint64_t value) {
  while (mutex->value != value) CALL(0, tproc_cond_wait(condition, &mutex->mutex, NULL));
}

static void await_event(uint64_t value) {
  while (!has(value)) {
    const uint32_t key = tproc_event_prepare(event);
    if (!has(value)) CALL(0, tproc_event_wait(event, key, NULL));
  }
}

static unsigned long pass_barrier(void) {
  unsigned long last = 0;
  for (int i = 0; i < 20; i++) {
    const int code = tproc_barrier_wait(barrier, NULL);
    EXPECT(code == 0 || code == TPROC_BARRIER_SERIAL);
    last += code == TPROC_BARRIER_SERIAL;
  }
  return last;
}

/* What arenas have in all languages: a list of three. */
struct node {
  uint64_t value;
  struct node *next;
};

static struct node *add_node(struct tproc_arena *arena, uint64_t value, struct node *next) {
  struct node *node = tproc_arena_alloc(arena, sizeof *node, _Alignof(struct node));
  EXPECT(node != NULL);
  *node = (struct node){value, next};
  return node;
}

static void run(void *calls) { ++*(int *)calls; }

/* ---- the same wrong calls -------------------------------------------------------------------------------------- */

static void error(const char *call, int code) { printf("error %s %d\n", call, code); }

/* 96 bytes. */
#define LONG_NAME                                    \
  "it.a.name.that.is.one.byte.longer.than.it.may.be" \
  "it.a.name.that.is.one.byte.longer.than.it.may.be"

static void wrong_calls(void) {
  struct tproc_channel channel;
  struct tproc_message message = {.length = 49};
  struct tproc_entry found;
  struct tproc_entry taken = {.size = 1};
  struct tproc_barrier *none = zeroed(sizeof *none);
  struct tproc_semaphore *full = zeroed(sizeof *full);
  void *block = zeroed(8);
  memcpy(taken.name, name("mutex"), strlen(name("mutex")));
  full->count = UINT32_MAX;
  error("long message", tproc_channel_trysend(&out, &message));
  error("three cells", tproc_channel_create(&channel, 3, TPROC_SENDER));
  error("no channel", tproc_channel_open_id(&channel, UINT64_MAX, TPROC_SENDER));
  error("taken name", tproc_publish(&taken));
  error("other type", tproc_await(name("mutex"), "it.Other/1", NULL, &found));
  error("long name", tproc_lookup(LONG_NAME, NULL, &found));
  error("no process", tproc_give(block, 1));
  error("no block", tproc_give((char *)block + 4, getpid()));
  error("too large", tproc_alloc((size_t)1 << 60) == NULL ? errno : 0);
  void *root;
  struct tproc_arena *arena = tproc_arena_create(1200);
  error("no arena", tproc_arena_root(block, NULL, &root));
  error("full arena", tproc_arena_alloc(arena, 4096, 16) == NULL ? errno : 0);
  root = add_node(arena, 0, NULL);
  error("long type", tproc_arena_set_root(arena, root, "it.a.type.that.is.one.byte.longer.than.it.may.be"));
  tproc_free(arena);
  error("no party", tproc_barrier_wait(none, NULL));
  error("full semaphore", tproc_semaphore_post(full));
  tproc_free(block);
  tproc_free(none);
  tproc_free(full);
}

/* ---- the maker ------------------------------------------------------------------------------------------------- */

static void make_messages(void) {
  unsigned char bytes[TPROC_MESSAGE_MAX];
  begin("inline");
  for (unsigned i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)i;
  send_bytes(bytes, sizeof bytes, NULL);
  const struct tproc_message back = receive();
  EXPECT(back.length == sizeof bytes && back.block == NULL);
  for (unsigned i = 0; i < sizeof bytes; i++) EXPECT(back.data[i] == sizeof bytes - 1 - i);
  tell("");

  begin("block");
  unsigned char *block = tproc_alloc(1000);
  for (unsigned i = 0; i < 1000; i++) block[i] = (unsigned char)(i % 251);
  send_bytes("block", 5, block);
  EXPECT(hear("changed") == block && tproc_owner_of(block) == getpid());
  for (unsigned i = 0; i < 1000; i++) EXPECT(block[i] == i % 251 + 1);
  tproc_free(block);
  block = hear("own");
  EXPECT(tproc_usable_size(block) >= 5000 && block[4999] == 9);
  tproc_free(block);

  begin("free");
  block = zeroed(64);
  tell_number((unsigned long)block);
  hear("freed");
  EXPECT(tproc_owner_of(block) == 0);
}

static void make_arena(void) {
  begin("arena");
  struct tproc_arena *arena = tproc_arena_create(4096);
  struct node *first = add_node(arena, 4, add_node(arena, 3, NULL));
  const size_t used = tproc_arena_used(arena);
  tproc_arena_free(arena, tproc_arena_alloc(arena, 100, 1), 100);
  EXPECT(tproc_arena_used(arena) == used);
  CALL(0, tproc_arena_set_root(arena, first, "it.Node/1"));
  send_bytes("arena", 5, arena);
  EXPECT(hear("grown") == arena);
  void *root;
  CALL(0, tproc_arena_root(arena, "it.Node/1", &root));
  EXPECT(root == first && first->value == 4 && first->next->value == 5 && first->next->next->value == 3 &&
         first->next->next->next == NULL);
  tproc_free(arena);
}

static void use_arena(void) {
  begin("arena");
  struct tproc_arena *arena = hear("arena");
  void *root, *same;
  EXPECT(tproc_owner_of(arena) == getpid());
  CALL(EPROTOTYPE, tproc_arena_root(arena, "it.Other/1", &root));
  CALL(0, tproc_arena_root(arena, "it.Node/1", &root));
  CALL(0, tproc_arena_root(arena, NULL, &same));
  EXPECT(root == same);
  struct node *first = root;
  EXPECT(first->value == 4 && first->next->value == 3);
  first->next = add_node(arena, 5, first->next);
  send_bytes("grown", 5, arena);
}

static void make_gift(int peer) {
  begin("give");
  unsigned char *block = zeroed(64);
  block[63] = 5;
  CALL(0, tproc_give(block, peer));
  tell_number((unsigned long)block);
  hear("freed");
  EXPECT(tproc_owner_of(block) == 0);

  begin("registry");
  hear("found");
  CALL(0, tproc_withdraw(&entry));
  hear("gone");
}

static void make_locks(void) {
  begin("mutex");
  lock();
  tell("locked");
  hear("busy");
  mutex->value = 41;
  unlock();
  tell("free");
  hear("done");
  EXPECT(has(42));

  begin("condition");
  hear("waiting");
  lock();
  mutex->value = 50;
  tproc_cond_broadcast(condition);
  await_condition(51);
  unlock();

  begin("event");
  set(60);
  tproc_event_signal(event);
  await_event(61);

  begin("semaphore");
  hear("taken");
  CALL(0, tproc_semaphore_post(semaphore));
  hear("got");
  CALL(EAGAIN, tproc_semaphore_trywait(semaphore));

  begin("barrier");
  const unsigned long last = pass_barrier();
  EXPECT(last + hear_number() == 20);
  CALL(0, tproc_barrier_leave(barrier));

  begin("once");
  int calls = 0;
  CALL(0, tproc_once(once, run, &calls));
  tell("once");
  hear("not again");
  EXPECT(calls == 1);
}

static void make_channels(void) {
  struct tproc_channel batch, shut;
  struct tproc_message messages[3];
  size_t sent = 0;
  begin("batch");
  CALL(0, tproc_channel_create(&batch, 4, TPROC_SENDER));
  CALL(0, tproc_channel_publish(&batch, name("batch")));
  hear("open");
  for (unsigned char i = 0; i < 3; i++) messages[i] = (struct tproc_message){.length = 1, .data = {i}};
  CALL(0, tproc_channel_send_batch(&batch, messages, 3, &sent, NULL));
  EXPECT(sent == 3);
  CALL(0, tproc_channel_close(&batch));
  hear("three");

  begin("close");
  CALL(0, tproc_channel_create(&shut, 4, TPROC_SENDER));
  CALL(0, tproc_channel_publish(&shut, name("shut")));
  hear("shut");
  CALL(EPIPE, tproc_channel_trysend(&shut, &messages[0]));
  CALL(0, tproc_channel_close(&shut));
}

/* The user dies with the mutex, unless it is the host. */
static void make_death(void) {
  begin("death");
  const struct tproc_message last = receive();
  if (last.length == 6 && memcmp(last.data, "locked", 6) == 0) {
    struct tproc_entry kept;
    const int found = tproc_lookup(name("kept"), NULL, &kept);
    EXPECT(found == 0 || found == EOWNERDEAD);
    CALL(EOWNERDEAD, tproc_mutex_lock(&mutex->mutex));
    EXPECT(mutex->value == 70);
    CALL(0, tproc_mutex_consistent(&mutex->mutex));
    unlock();
    EXPECT(has(70));
    CALL(0, tproc_watch(&kept, NULL));
    EXPECT(kept.state == TPROC_ENTRY_ENDED && kept.status == 256 + SIGKILL);
    CALL(EOWNERDEAD, tproc_lookup(name("kept"), NULL, &kept));
  }
  struct tproc_message message = {.length = 0};
  CALL(EPIPE, tproc_channel_receive(&in, &message, NULL));
  int code;
  do code = tproc_channel_send(&out, &message, NULL); /* one end goes after the other */
  while (code == 0);
  CALL(EPIPE, code);
}

static void make(void) {
  begin("start");
  make_objects(publish_new);
  semaphore->count = 2;
  barrier->parties = 2;
  entry = publish("entry", "it.Entry/1", zeroed(128), 128, 7);
  CALL(0, tproc_channel_create(&out, 16, TPROC_SENDER));
  CALL(0, tproc_channel_create(&in, 16, TPROC_RECEIVER));
  CALL(0, tproc_channel_publish(&out, name("there")));
  CALL(0, tproc_channel_publish(&in, name("back")));
  const int peer = (int)hear_number();
  tell_number((unsigned long)getpid());
  make_messages();
  make_arena();
  make_gift(peer);
  make_locks();
  make_channels();
  begin("errors");
  wrong_calls();
  make_death();
  begin("end");
}

/* ---- the user -------------------------------------------------------------------------------------------------- */

static void use_messages(void) {
  begin("inline");
  const struct tproc_message sent = receive();
  unsigned char bytes[TPROC_MESSAGE_MAX];
  EXPECT(sent.length == sizeof bytes && sent.block == NULL);
  for (unsigned i = 0; i < sizeof bytes; i++) bytes[i] = sent.data[sizeof bytes - 1 - i];
  send_bytes(bytes, sizeof bytes, NULL);
  hear("");

  begin("block");
  unsigned char *block = hear("block");
  EXPECT(tproc_owner_of(block) == getpid());
  for (unsigned i = 0; i < 1000; i++) block[i]++;
  send_bytes("changed", 7, block);
  block = zeroed(5000);
  block[4999] = 9;
  send_bytes("own", 3, block);

  begin("free");
  block = (unsigned char *)hear_number();
  EXPECT(tproc_owner_of(block) != 0);
  tproc_free(block);
  tell("freed");

  use_arena();

  begin("give");
  block = (unsigned char *)hear_number();
  EXPECT(tproc_owner_of(block) == getpid() && block[63] == 5);
  tproc_free(block);
  tell("freed");
}

static void use_registry(int peer) {
  const struct timespec deadline = soon();
  struct tproc_entry found;
  begin("registry");
  CALL(0, tproc_await(name("entry"), "it.Entry/1", NULL, &found));
  EXPECT(found.version == 7 && found.size == 128 && found.pid == peer && found.state == TPROC_ENTRY_LIVE);
  CALL(EPROTOTYPE, tproc_lookup(name("entry"), "it.Other/1", &found));
  CALL(0, tproc_lookup(name("entry"), "it.Entry/1", &found));
  CALL(ETIMEDOUT, tproc_watch(&found, &deadline));
  tell("found");
  CALL(0, tproc_watch(&found, NULL));
  CALL(ENOENT, tproc_lookup(name("entry"), NULL, &found));
  tell("gone");
}

static void use_locks(void) {
  struct timespec deadline;
  begin("mutex");
  hear("locked");
  CALL(EBUSY, tproc_mutex_trylock(&mutex->mutex));
  deadline = soon();
  CALL(ETIMEDOUT, tproc_mutex_timedlock(&mutex->mutex, &deadline));
  tell("busy");
  hear("free");
  EXPECT(has(41));
  set(42);
  tell("done");

  begin("condition");
  lock();
  tell("waiting");
  await_condition(50);
  mutex->value = 51;
  tproc_cond_broadcast(condition);
  unlock();

  begin("event");
  await_event(60);
  set(61);
  tproc_event_signal(event);

  begin("semaphore");
  CALL(0, tproc_semaphore_wait(semaphore, NULL));
  CALL(0, tproc_semaphore_trywait(semaphore));
  CALL(EAGAIN, tproc_semaphore_trywait(semaphore));
  deadline = soon();
  CALL(ETIMEDOUT, tproc_semaphore_wait(semaphore, &deadline));
  tell("taken");
  CALL(0, tproc_semaphore_wait(semaphore, NULL));
  tell("got");

  begin("barrier");
  tell_number(pass_barrier());
  CALL(0, tproc_barrier_leave(barrier));

  begin("once");
  int calls = 0;
  hear("once");
  CALL(0, tproc_once(once, run, &calls));
  EXPECT(calls == 0);
  tell("not again");
}

static void use_channels(void) {
  struct tproc_channel batch, shut;
  struct tproc_message messages[8];
  size_t all = 0, received = 0;
  begin("batch");
  CALL(0, tproc_channel_open(&batch, name("batch"), TPROC_RECEIVER, NULL));
  tell("open");
  while (all < 3) {
    struct tproc_channel_select select = {&batch, TPROC_RECEIVER, 0};
    CALL(0, tproc_channel_select(&select, 1, NULL));
    EXPECT(select.ready == 1);
    CALL(0, tproc_channel_receive_batch(&batch, messages + all, 8 - all, &received, NULL));
    all += received;
  }
  for (unsigned i = 0; i < 3; i++) EXPECT(messages[i].length == 1 && messages[i].data[0] == i);
  CALL(EPIPE, tproc_channel_receive(&batch, messages, NULL));
  CALL(0, tproc_channel_close(&batch));
  tell("three");

  begin("close");
  CALL(0, tproc_channel_open(&shut, name("shut"), TPROC_RECEIVER, NULL));
  CALL(EAGAIN, tproc_channel_tryreceive(&shut, messages));
  CALL(0, tproc_channel_close(&shut));
  tell("shut");
}

static void use(void) {
  begin("start");
  CALL(0, tproc_channel_open(&in, name("there"), TPROC_RECEIVER, NULL));
  CALL(0, tproc_channel_open(&out, name("back"), TPROC_SENDER, NULL));
  make_objects(find);
  tell_number((unsigned long)getpid());
  const int peer = (int)hear_number();
  use_messages();
  use_registry(peer);
  use_locks();
  use_channels();
  begin("errors");
  wrong_calls();
  begin("death");
  struct tproc_entry kept = {.address = zeroed(8), .size = 8, .flags = TPROC_ENTRY_KEPT};
  memcpy(kept.name, name("kept"), strlen(name("kept")));
  CALL(0, tproc_publish(&kept));
  begin("end");
  fflush(stdout);
  lock();
  mutex->value = 70;
  tell("locked");
  raise(SIGKILL);
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  prefix = argv[2];
  step = "attach";
  if (argc > 3) CALL(0, tproc_attach(argv[3]));
  step = NULL;
  (strcmp(argv[1], "make") == 0 ? make : use)();
  return 0;
}
