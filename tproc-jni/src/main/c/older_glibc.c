/*
 * The library loads into JVMs with a glibc from 2.17 on, and with musl, whatever it was built with. What is younger, or
 * glibc's alone, is replaced: src/main/link/older-glibc tells the linker to direct its callers here (ld's --wrap).
 * tools/check-glibc looks that nothing is missing. No thread-local variables: glibc's linker would be needed for them.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The versions that both machines' first glibc had. They are in libc.so.6 of 2.34 and later; before, in libpthread and
 * libdl, which each JVM has loaded. */
#ifdef __aarch64__
#define FIRST "GLIBC_2.17"
#define FIRST_CLOCK FIRST
#else
#define FIRST "GLIBC_2.2.5"
#define FIRST_CLOCK "GLIBC_2.3.3"
#endif
#define FIRST_VERSION(function) __asm__(".symver first_" #function "," #function "@" FIRST)

FIRST_VERSION(dlsym);
FIRST_VERSION(pthread_attr_setstacksize);
FIRST_VERSION(pthread_create);
__asm__(".symver first_pthread_condattr_setclock,pthread_condattr_setclock@" FIRST_CLOCK);
FIRST_VERSION(pthread_join);
FIRST_VERSION(pthread_mutex_trylock);
FIRST_VERSION(pthread_once);
FIRST_VERSION(pthread_sigmask);

void *first_dlsym(void *handle, const char *name);
int first_pthread_attr_setstacksize(pthread_attr_t *attributes, size_t size);
int first_pthread_condattr_setclock(pthread_condattr_t *attributes, clockid_t clock);
int first_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
int first_pthread_join(pthread_t thread, void **result);
int first_pthread_mutex_trylock(pthread_mutex_t *mutex);
int first_pthread_once(pthread_once_t *once, void (*run)(void));
int first_pthread_sigmask(int how, const sigset_t *set, sigset_t *old);

int __wrap_pthread_attr_setstacksize(pthread_attr_t *attributes, size_t size) {
  return first_pthread_attr_setstacksize(attributes, size);
}

int __wrap_pthread_condattr_setclock(pthread_condattr_t *attributes, clockid_t clock) {
  return first_pthread_condattr_setclock(attributes, clock);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
  return first_pthread_create(thread, attributes, run, argument);
}

int __wrap_pthread_join(pthread_t thread, void **result) { return first_pthread_join(thread, result); }

int __wrap_pthread_mutex_trylock(pthread_mutex_t *mutex) { return first_pthread_mutex_trylock(mutex); }

int __wrap_pthread_once(pthread_once_t *once, void (*run)(void)) { return first_pthread_once(once, run); }

int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *old) { return first_pthread_sigmask(how, set, old); }

/* What libgcc asks on aarch64, before it chooses its atomic instructions. */
unsigned long __wrap___getauxval(unsigned long type) { return getauxval(type); }

pid_t __wrap_gettid(void) { return (pid_t)syscall(SYS_gettid); }

ssize_t __wrap_getrandom(void *buffer, size_t size, unsigned flags) {
  return syscall(SYS_getrandom, buffer, size, flags);
}

int __wrap_memfd_create(const char *name, unsigned flags) { return (int)syscall(SYS_memfd_create, name, flags); }

int __wrap_mlock2(const void *address, size_t size, unsigned flags) {
  return (int)syscall(SYS_mlock2, address, size, flags);
}

int __wrap_statx(int directory, const char *path, int flags, unsigned mask, struct statx *status) {
  return (int)syscall(SYS_statx, directory, path, flags, mask, status);
}

/* On both machines the kernel's struct stat is glibc's. */
int __wrap_fstat(int descriptor, struct stat *status) { return (int)syscall(SYS_fstat, descriptor, status); }

int __wrap_fstatat(int directory, const char *path, struct stat *status, int flags) {
  return (int)syscall(SYS_newfstatat, directory, path, status, flags);
}

int __wrap_stat(const char *path, struct stat *status) { return __wrap_fstatat(AT_FDCWD, path, status, 0); }

int __wrap_lstat(const char *path, struct stat *status) {
  return __wrap_fstatat(AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW);
}

/* Since 2.32; before that, and in musl, an error has no name, but its description. */
const char *__wrap_strerrorname_np(int code) {
  const char *(*name)(int) = (const char *(*)(int))first_dlsym(RTLD_DEFAULT, "strerrorname_np");
  return name != NULL ? name(code) : NULL;
}

/* strerror returns a constant for every error that there is, so it may be called by all threads. */
const char *__wrap_strerrordesc_np(int code) {
  const char *(*description)(int) = (const char *(*)(int))first_dlsym(RTLD_DEFAULT, "strerrordesc_np");
  return description != NULL ? description(code) : strerror(code);
}

/* In glibc this is a part of each library, which calls what musl does not have; in musl it is libc's own. */
int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
  typedef void (*handler)(void);
  extern void *__dso_handle;
  int (*of_library)(handler, handler, handler, void *) =
      (int (*)(handler, handler, handler, void *))first_dlsym(RTLD_DEFAULT, "__register_atfork");
  if (of_library != NULL) return of_library(prepare, parent, child, &__dso_handle);
  int (*of_libc)(handler, handler, handler) =
      (int (*)(handler, handler, handler))first_dlsym(RTLD_DEFAULT, "pthread_atfork");
  return of_libc != NULL ? of_libc(prepare, parent, child) : ENOSYS;
}
