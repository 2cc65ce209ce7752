/*
 * tproc.h: what a program can ask about the host that runs it, if any.
 *
 * A *host* is a process, usually a JVM, that shares its address space; a *threadproc* is a program that a host has
 * loaded into that address space and runs as a process of its own. A program that links libtproc also runs directly,
 * from a shell: then it is no threadproc, and every function here says so.
 *
 * All functions may be called from any thread and from a signal handler, at any time after libc's own start. They do
 * not fail, do not allocate, and leave errno alone.
 */
#ifndef TPROC_H
#define TPROC_H

#include <stddef.h>

/** The version of this header. `major.minor.patch`, as in tproc_version() of the library the program really runs with.
 */
#define TPROC_VERSION_MAJOR 0
#define TPROC_VERSION_MINOR 1
#define TPROC_VERSION_PATCH 0

/** One number for comparisons: `#if TPROC_VERSION >= TPROC_MAKE_VERSION(0, 1, 0)`. */
#define TPROC_MAKE_VERSION(major, minor, patch) ((major)*1000000 + (minor)*1000 + (patch))
#define TPROC_VERSION TPROC_MAKE_VERSION(TPROC_VERSION_MAJOR, TPROC_VERSION_MINOR, TPROC_VERSION_PATCH)

#if defined(__GNUC__)
#define TPROC_EXPORT __attribute__((visibility("default")))
#else
#define TPROC_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** The version of the library at run time, made as TPROC_VERSION is. */
TPROC_EXPORT int tproc_version(void);

/**
 * Whether this process is a threadproc: 1, or 0.
 *
 * A child that a threadproc has forked is none: its memory is a copy, and what it writes there nobody else sees.
 * (Only the scratch page stays shared with it; see tproc_scratch.) A program that it then executes is none either.
 * Under a host that passes the scratch page alone, as the original threadprocs project does, a forked child cannot be
 * told apart, and gets 1.
 */
TPROC_EXPORT int tproc_is_threadproc(void);

/**
 * The scratch page: memory that the host and all its threadprocs share, at the same address in each of them.
 *
 * It is zeroed when the host opens, belongs to the host, and lives as long as the host does; never free or unmap it.
 * What the bytes mean is for the programs to agree on; use atomics for what more than one of them accesses at a time.
 * It is aligned to its size. It is mapped MAP_SHARED, so that it remains one page for forked children too, which
 * therefore get it as well.
 *
 * @return NULL when there is no host
 */
TPROC_EXPORT void *tproc_scratch(void);

/** Bytes in the scratch page; 0 when there is no host. */
TPROC_EXPORT size_t tproc_scratch_size(void);

#ifdef __cplusplus
}
#endif

#endif
