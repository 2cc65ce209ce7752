#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "byte_strings.h"
#include "exceptions.h"
#include "io_tproc_jni_Native.h"
#include "pointers.h"

#define SIGNALS 64

/* What Java gave, copied; all NULL at first, so that it can be freed at any step. */
struct texts {
  char *program;
  char *search_path;
  char *directory;
  const char *const *argv;
  const char *const *envp;
};

static void free_texts(struct texts *texts) {
  free(texts->program);
  free(texts->search_path);
  free(texts->directory);
  free((void *)texts->argv);
  free((void *)texts->envp);
}

#define HOST_NICE io_tproc_jni_Native_HOST_NICE

/* What a program starts with besides, copied; zeroed at first. */
struct state {
  struct tproc_limit limits[TPROC_LIMIT_COUNT];
  uint64_t *cpus;
  size_t cpu_words;
  struct tproc_descriptor *descriptors;
  size_t descriptor_count;
};

static void free_state(struct state *state) {
  free(state->cpus);
  free(state->descriptors);
}

/* Those that are not given are the host's own. */
static bool limits_from_java(JNIEnv *env, jlongArray limits, struct state *state) {
  if (limits == NULL) return true;
  for (int i = 0; i < TPROC_LIMIT_COUNT; i++) {
    struct rlimit own = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    getrlimit((__rlimit_resource_t)i, &own);
    state->limits[i] = (struct tproc_limit){.soft = own.rlim_cur, .hard = own.rlim_max};
  }
  enum { RESOURCE, SOFT, HARD, FIELDS };
  const jsize size = (*env)->GetArrayLength(env, limits);
  for (jsize at = 0; at + FIELDS <= size; at += FIELDS) {
    jlong fields[FIELDS];
    (*env)->GetLongArrayRegion(env, limits, at, FIELDS, fields);
    if (fields[RESOURCE] >= 0 && fields[RESOURCE] < TPROC_LIMIT_COUNT)
      state->limits[fields[RESOURCE]] =
          (struct tproc_limit){.soft = (uint64_t)fields[SOFT], .hard = (uint64_t)fields[HARD]};
  }
  return true;
}

static bool out_of_memory(JNIEnv *env) {
  throw_out_of_memory(env, "native memory for a launch");
  return false;
}

static bool cpus_from_java(JNIEnv *env, jlongArray cpus, struct state *state) {
  if (cpus == NULL) return true;
  state->cpu_words = (size_t)(*env)->GetArrayLength(env, cpus);
  state->cpus = calloc(state->cpu_words, sizeof *state->cpus);
  if (state->cpus == NULL) return out_of_memory(env);
  (*env)->GetLongArrayRegion(env, cpus, 0, (jsize)state->cpu_words, (jlong *)state->cpus);
  return true;
}

static bool descriptors_from_java(JNIEnv *env, jintArray descriptors, struct state *state) {
  if (descriptors == NULL) return true;
  _Static_assert(sizeof(struct tproc_descriptor) == 2 * sizeof(jint), "number and source");
  const jsize size = (*env)->GetArrayLength(env, descriptors);
  state->descriptor_count = (size_t)size / 2;
  state->descriptors = calloc(state->descriptor_count, sizeof *state->descriptors);
  if (state->descriptors == NULL) return out_of_memory(env);
  (*env)->GetIntArrayRegion(env, descriptors, 0, size, (jint *)state->descriptors);
  return true;
}

/* False with an exception pending. */
static bool state_from_java(JNIEnv *env, jlongArray limits, jlongArray cpus, jintArray descriptors,
                            struct state *state) {
  return limits_from_java(env, limits, state) && cpus_from_java(env, cpus, state) &&
         descriptors_from_java(env, descriptors, state);
}

/* Those of the JVM's are the program's, as with fork: of a JVM that nohup has started, SIGHUP. Bit n-1: signal n. */
static uint64_t ignored_signals(void) {
  uint64_t ignored = 0;
  for (int signal = 1; signal <= SIGNALS; signal++) {
    struct sigaction action;
    if (sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN) /* the JVM's have SA_SIGINFO, too */
      ignored |= UINT64_C(1) << (signal - 1);
  }
  return ignored;
}

JNIEXPORT jlong JNICALL Java_io_tproc_jni_Native_launch(JNIEnv *env, jclass type, jlong host, jbyteArray program,
                                                        jbyteArray search_path, jbyteArray arguments,
                                                        jint argument_count, jbyteArray environment,
                                                        jint environment_count, jbyteArray directory, jint standard_in,
                                                        jint standard_out, jint standard_error, jint carried, jint mask,
                                                        jboolean crash_report, jboolean stay, jboolean never_forks,
                                                        jboolean spill, jlong heap_limit, jboolean session, jint nice,
                                                        jlongArray limits, jlongArray cpus, jintArray descriptors) {
  (void)type;
  struct texts texts = {0};
  struct state state = {0};
  struct tproc_threadproc *threadproc = NULL;
  if (text_from_java(env, program, &texts.program) && text_from_java(env, search_path, &texts.search_path) &&
      text_from_java(env, directory, &texts.directory) &&
      vector_from_java(env, arguments, argument_count, &texts.argv) &&
      vector_from_java(env, environment, environment_count, &texts.envp) &&
      state_from_java(env, limits, cpus, descriptors, &state)) {
    const struct tproc_launch launch = {
        .program = texts.program,
        .search_path = texts.search_path,
        .argv = texts.argv,
        .envp = texts.envp,
        .directory = texts.directory,
        .stdio = {standard_in, standard_out, standard_error},
        .umask = mask,
        .carried = (unsigned)carried,
        .flags = (crash_report ? TPROC_LAUNCH_CRASH_REPORT : 0) | (stay ? TPROC_LAUNCH_STAY : 0) |
                 (never_forks ? TPROC_LAUNCH_NEVER_FORKS : 0) | (spill ? TPROC_LAUNCH_SPILL : 0) |
                 (session ? TPROC_LAUNCH_SESSION : 0) | (nice != HOST_NICE ? TPROC_LAUNCH_NICE : 0) |
                 (limits != NULL ? TPROC_LAUNCH_LIMITS : 0) | TPROC_LAUNCH_EXACT,
        .ignored_signals = ignored_signals(),
        .nice = nice,
        .limits = state.limits,
        .cpus = state.cpus,
        .cpu_words = state.cpu_words,
        .descriptors = state.descriptors,
        .descriptor_count = state.descriptor_count,
        .heap_limit = (uint64_t)heap_limit,
    };
    struct tproc_error error = {0};
    if (tproc_host_launch(to_host(host), &launch, &threadproc, &error) != 0) throw_failure(env, FAILURE_LAUNCH, &error);
  }
  free_state(&state);
  free_texts(&texts);
  return to_jlong(threadproc);
}

JNIEXPORT void JNICALL Java_io_tproc_jni_Native_prepare(JNIEnv *env, jclass type, jlong host, jbyteArray program,
                                                        jbyteArray search_path, jbyteArray arguments,
                                                        jint argument_count, jbyteArray environment,
                                                        jint environment_count, jbyteArray directory, jboolean stay,
                                                        jboolean never_forks, jlongArray limits, jint count,
                                                        jlong age_max, jlong patience) {
  (void)type;
  struct texts texts = {0};
  struct state state = {0};
  if (text_from_java(env, program, &texts.program) && text_from_java(env, search_path, &texts.search_path) &&
      text_from_java(env, directory, &texts.directory) &&
      vector_from_java(env, arguments, argument_count, &texts.argv) &&
      vector_from_java(env, environment, environment_count, &texts.envp) && limits_from_java(env, limits, &state)) {
    const struct tproc_launch launch = {
        .program = texts.program,
        .search_path = texts.search_path,
        .argv = texts.argv,
        .envp = texts.envp,
        .directory = texts.directory,
        .stdio = {TPROC_FD_CLOSED, TPROC_FD_CLOSED, TPROC_FD_CLOSED},
        .umask = TPROC_UMASK_INHERIT,
        .flags = (stay ? TPROC_LAUNCH_STAY : 0) | (never_forks ? TPROC_LAUNCH_NEVER_FORKS : 0) |
                 (limits != NULL ? TPROC_LAUNCH_LIMITS : 0),
        .limits = state.limits,
    };
    struct tproc_error error = {0};
    const int failed = patience >= 0
                           ? tproc_host_prepare_ready(to_host(host), &launch, (unsigned)count, (uint64_t)age_max,
                                                      (uint64_t)patience, &error)
                           : tproc_host_prepare(to_host(host), &launch, (unsigned)count, (uint64_t)age_max, &error);
    if (failed) throw_failure(env, FAILURE_LAUNCH, &error);
  }
  free_state(&state);
  free_texts(&texts);
}

/* What Prepared.java reads. */
_Static_assert(offsetof(struct tproc_prepared, program) == 0 && offsetof(struct tproc_prepared, depth) == 256 &&
                   offsetof(struct tproc_prepared, wanted) == 260 && offsetof(struct tproc_prepared, ready) == 264 &&
                   offsetof(struct tproc_prepared, mapped) == 272 && offsetof(struct tproc_prepared, resident) == 280 &&
                   offsetof(struct tproc_prepared, started) == 288 && offsetof(struct tproc_prepared, missed) == 296 &&
                   offsetof(struct tproc_prepared, changed) == 304 && offsetof(struct tproc_prepared, ended) == 312 &&
                   offsetof(struct tproc_prepared, expired) == 320 && offsetof(struct tproc_prepared, failed) == 328 &&
                   offsetof(struct tproc_prepared, problem) == 336 && sizeof(struct tproc_prepared) == 592,
               "as Prepared.java has it");

JNIEXPORT jbyteArray JNICALL Java_io_tproc_jni_Native_prepared(JNIEnv *env, jclass type, jlong host) {
  (void)type;
  /* Each kind has one that is wanted at least. */
  struct tproc_prepared *entries = calloc(TPROC_PREPARED_MAX, sizeof *entries);
  if (entries == NULL) {
    throw_out_of_memory(env, "native memory for a list of prepared programs");
    return NULL;
  }
  const size_t count = tproc_host_prepared(to_host(host), entries, TPROC_PREPARED_MAX, NULL);
  const jsize size = (jsize)(count * sizeof *entries);
  jbyteArray result = (*env)->NewByteArray(env, size);
  if (result != NULL) (*env)->SetByteArrayRegion(env, result, 0, size, (const jbyte *)entries);
  free(entries);
  return result;
}
