/* A library with a function for each way to be called, and each way to go wrong. */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- values ---- */

int8_t next_int8(int8_t value) { return (int8_t)(value + 1); }
uint8_t next_uint8(uint8_t value) { return (uint8_t)(value + 1); }
int16_t next_int16(int16_t value) { return (int16_t)(value + 1); }
uint16_t next_uint16(uint16_t value) { return (uint16_t)(value + 1); }
int32_t next_int32(int32_t value) { return value + 1; }
uint32_t next_uint32(uint32_t value) { return value + 1; }
int64_t next_int64(int64_t value) { return value + 1; }
float next_float(float value) { return value + 1; }
double next_double(double value) { return value + 1; }
long double next_long_double(long double value) { return value + 1; }
bool negate(bool value) { return !value; }
void *next_pointer(char *value) { return value + 1; }

double sum_of_many(int8_t a, int16_t b, int32_t c, int64_t d, float e, double f, uint8_t g, uint16_t h, uint32_t i,
                   uint64_t j, float k, double l, double m, double n, double o, double p, double q, long r, long s) {
  return a + 2 * b + 3 * c + 4 * (double)d + 5 * e + 6 * f + 7 * g + 8 * h + 9.0 * i + 10 * (double)j + 11 * k +
         12 * l + 13 * m + 14 * n + 15 * o + 16 * p + 17 * q + 18 * (double)r + 19 * (double)s;
}

int variable = 42;
int *address_of_variable(void) { return &variable; }

static long counter;
long count(void) { return ++counter; }

size_t length_of(const char *text) { return strlen(text); }
const char *greeting(void) { return "gr\u00fc\u00df dich"; }
const char *nothing_said(void) { return NULL; }

static char long_text[100001];
const char *long_greeting(void) {
  memset(long_text, 'x', sizeof long_text - 1);
  return long_text;
}

int fail_with(int error) {
  errno = error;
  return -1;
}

void fill(unsigned char *bytes, size_t count_of_bytes, int value) { memset(bytes, value, count_of_bytes); }

/* dlsym runs what finds it, for as long as `finding` is not 0. */
atomic_int finding;
static int found(void) { return 1; }
static int (*find(void))(void) {
  while (atomic_load(&finding) != 0) sched_yield();
  return found;
}
int found_slowly(void) __attribute__((ifunc("find")));

/* ---- structs ---- */

struct small {
  int32_t x;
  float y;
};
struct mixed {
  int8_t a;
  double b;
  int16_t c;
};
struct large {
  int64_t values[5];
};
struct outer {
  struct small inner;
  int8_t tail;
};

struct small swap_small(struct small value) {
  return (struct small){.x = (int32_t)value.y, .y = (float)value.x};
}
struct mixed next_mixed(struct mixed value) {
  return (struct mixed){.a = (int8_t)(value.a + 1), .b = value.b + 2, .c = (int16_t)(value.c + 3)};
}
struct large reverse_large(int before, struct large value, int after) {
  struct large result = {
      {value.values[4] + before, value.values[3], value.values[2], value.values[1], value.values[0] + after}};
  return result;
}
struct outer next_outer(struct outer value) {
  value.inner.x++;
  value.tail++;
  return value;
}

/* ---- variadic ---- */

double sum_variadic(int number, ...) {
  va_list arguments;
  va_start(arguments, number);
  double sum = 0;
  for (int i = 0; i < number; i++) sum += i % 2 == 0 ? va_arg(arguments, int) : va_arg(arguments, double);
  va_end(arguments);
  return sum;
}

/* ---- callbacks ---- */

int64_t call_with(int64_t (*function)(int64_t), int64_t value) { return function(value) + 1; }
double call_mixed(double (*function)(int8_t, uint16_t, float, double, void *), void *pointer) {
  return function(-3, 60000, 1.5f, 2.5, pointer);
}
struct small call_struct(struct small (*function)(struct small)) {
  return function((struct small){.x = 3, .y = 4});
}
long length_by(long (*function)(const char *), const char *text) { return function(text); }
int64_t repeat(int64_t (*function)(int64_t), int64_t times) {
  int64_t sum = 0;
  for (int64_t i = 0; i < times; i++) sum += function(i);
  return sum;
}

/* What it was given is as it was, whatever the callback calls. */
int64_t sum_after(struct large value, int64_t (*function)(int64_t), int64_t factor) {
  const int64_t given = function((intptr_t)value.values);
  return given + factor * (value.values[0] + value.values[1] + value.values[2] + value.values[3] + value.values[4]);
}
int64_t sum_variadic_after(int64_t (*function)(int64_t), int count_of_values, ...) {
  va_list arguments;
  va_start(arguments, count_of_values);
  int64_t sum = function(count_of_values);
  for (int i = 0; i < count_of_values; i++) sum += va_arg(arguments, int64_t);
  va_end(arguments);
  return sum;
}
int64_t fail_around(int64_t (*function)(int64_t), int error) {
  errno = error;
  return function(error);
}
const char *greeting_after(int64_t (*function)(int64_t)) { return function(0) == 0 ? greeting() : NULL; }
long double add_after(int64_t (*function)(int64_t), long double value) { return value + function(1); }

/* Destructors that call back run when the thread has left its function, in an order that nobody promises. */
static pthread_key_t keys[2];
static int64_t (*at_thread_ends)(int64_t);
static void say_end(void *value) { at_thread_ends((intptr_t)value); }

struct job {
  int64_t (*function)(int64_t);
  int64_t value, result;
};
static void *work(void *argument) {
  struct job *job = argument;
  for (size_t i = 0; at_thread_ends != NULL && i < 2; i++) pthread_setspecific(keys[i], (void *)7);
  for (int i = 0; i < 10; i++) job->result += job->function(job->value);
  return NULL;
}
int64_t call_from_threads(int64_t (*function)(int64_t), int count_of_threads) {
  pthread_t threads[64];
  struct job jobs[64];
  int64_t sum = 0;
  for (int i = 0; i < count_of_threads; i++) {
    jobs[i] = (struct job){.function = function, .value = i};
    pthread_create(&threads[i], NULL, work, &jobs[i]);
  }
  for (int i = 0; i < count_of_threads; i++) {
    pthread_join(threads[i], NULL);
    sum += jobs[i].result;
  }
  return sum;
}

int64_t call_from_ending_threads(int64_t (*function)(int64_t), int64_t (*at_ends)(int64_t), int count_of_threads) {
  static bool made;
  for (int i = 0; !made && i < 2; i++)
    if (pthread_key_create(&keys[i], say_end) != 0) return -1;
  made = true;
  at_thread_ends = at_ends;
  return call_from_threads(function, count_of_threads);
}

/* ---- threads ---- */

static _Thread_local int64_t own;
int64_t exchange_own(int64_t value) {
  const int64_t before = own;
  own = value;
  return before;
}
int thread_id(void) { return (int)syscall(SYS_gettid); }
size_t stack_size(void) {
  pthread_attr_t attributes;
  size_t size = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 0;
  pthread_attr_getstacksize(&attributes, &size);
  pthread_attr_destroy(&attributes);
  return size;
}
int process_id(void) { return (int)getpid(); }

/* ---- what goes well, though it looks bad ---- */

static jmp_buf jump;
static void leave(int value) { longjmp(jump, value); }
int jump_inside(int value) {
  const int jumped = setjmp(jump);
  if (jumped == 0) leave(value);
  return jumped;
}
int close_standard_streams(void) { return close(0) | close(1) | close(2); }
static volatile sig_atomic_t handled;
static void handle(int signal) { handled = signal; }
int handle_own_signal(void) {
  signal(SIGUSR1, handle);
  raise(SIGUSR1);
  return handled;
}
int spawn_shell(const char *command) { return system(command); }

int length_in_child(const char *text) {
  const pid_t child = fork();
  if (child == 0) _exit((int)strlen(text));
  int status;
  if (child < 0 || waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int return_in_child(void) {
  const pid_t child = fork();
  if (child == 0) return 0;
  int status;
  if (child < 0 || waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
int call_in_child(int64_t (*function)(int64_t)) {
  const pid_t child = fork();
  if (child == 0) _exit((int)function(1));
  int status;
  if (child < 0 || waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* ---- what does not ---- */

int read_at(const int *address) { return *address; }
void write_at(int *address) { *address = 1; }
void call_at(void (*address)(void)) { address(); }
void give_up(void) { abort(); }

/* abort() seems to be called by itself, from a frame that lies where nothing is mapped. */
void give_up_where_the_stack_ends(void) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE), size = 65536 + page;
  char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stack == MAP_FAILED || mprotect(stack + size - page, page, PROT_NONE) != 0) return;
  char *end = stack + size - page, *caller = (char *)abort + 64;
#if defined(__x86_64__)
  __asm__ volatile("mov %0, %%rsp\n push %1\n jmp *%2" : : "r"(end), "r"(caller), "r"(abort) : "memory");
#else
  __asm__ volatile("mov sp, %0\n mov x30, %1\n br %2" : : "r"(end), "r"(caller), "r"(abort) : "memory", "x30");
#endif
}
void leave_with(int code) { exit(code); }
void raise_signal(int signal) { raise(signal); }
int divide(int a, int b) {
#if defined(__aarch64__)
  if (b == 0) raise(SIGFPE);
#endif
  return a / b;
}
static int deeper(int level) {
  volatile char room[4096];
  room[level % 4096] = (char)level;
  return level < INT_MAX ? deeper(level + 1) + room[level % 4096] : 0;
}
int overflow_stack(void) { return deeper(0); }
void hang(void) {
  for (;;) pause();
}
void spin_for_ever(void) {
  for (volatile int i = 0;; i++) {
  }
}
void sleep_milliseconds(int milliseconds) { usleep((useconds_t)milliseconds * 1000); }
void *leak(size_t bytes) {
  void *memory = malloc(bytes);
  if (memory != NULL) memset(memory, 1, bytes);
  return memory;
}
static volatile int *volatile nowhere = (volatile int *)8;
static void *crash_here(void *unused) {
  (void)unused;
  *nowhere = 1;
  return NULL;
}
void crash_in_thread(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, crash_here, NULL);
  pthread_join(thread, NULL);
}
void crash_after_handlers(void) {
  signal(SIGSEGV, SIG_DFL);
  *nowhere = 1;
}

/* ---- ways not to return ---- */

void end_thread(void) { pthread_exit(NULL); }

static jmp_buf before_callback;
void jump_back(void) { longjmp(before_callback, 1); }
int survive_jump(void (*callback)(void)) {
  if (setjmp(before_callback) == 0) callback();
  return 7;
}
