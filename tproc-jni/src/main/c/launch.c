#include <stdlib.h>

#include "byte_strings.h"
#include "exceptions.h"
#include "io_tproc_jni_Native.h"
#include "pointers.h"

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

JNIEXPORT jlong JNICALL Java_io_tproc_jni_Native_launch(JNIEnv *env, jclass type, jlong host, jbyteArray program,
                                                        jbyteArray search_path, jbyteArray arguments,
                                                        jint argument_count, jbyteArray environment,
                                                        jint environment_count, jbyteArray directory, jint standard_in,
                                                        jint standard_out, jint standard_error, jint carried, jint mask,
                                                        jboolean crash_report, jboolean stay, jboolean never_forks,
                                                        jlong heap_limit) {
  (void)type;
  struct texts texts = {0};
  struct tproc_threadproc *threadproc = NULL;
  if (text_from_java(env, program, &texts.program) && text_from_java(env, search_path, &texts.search_path) &&
      text_from_java(env, directory, &texts.directory) &&
      vector_from_java(env, arguments, argument_count, &texts.argv) &&
      vector_from_java(env, environment, environment_count, &texts.envp)) {
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
                 (never_forks ? TPROC_LAUNCH_NEVER_FORKS : 0),
        .heap_limit = (uint64_t)heap_limit,
    };
    struct tproc_error error = {0};
    if (tproc_host_launch(to_host(host), &launch, &threadproc, &error) != 0) throw_failure(env, FAILURE_LAUNCH, &error);
  }
  free_texts(&texts);
  return to_jlong(threadproc);
}
