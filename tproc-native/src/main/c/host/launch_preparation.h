/* What a launch needs before there is a process: the program found and read, its images and its stack in a slot. */
#ifndef TPROC_LAUNCH_PREPARATION_H
#define TPROC_LAUNCH_PREPARATION_H

#include "host/host.h"
#include "host/threadproc.h"
#include "loader/elf_file.h"
#include "loader/entry_stack.h"
#include "loader/executable.h"
#include "loader/image.h"
#include "loader/layout.h"
#include "spawn/launch_state.h"

/** The interpreter of a program, opened and read. */
struct interpreter {
  int file; /**< -1 when the program has none */
  struct elf_file elf;
};

/** What a launch holds while it prepares; the threadproc alone survives it. */
struct preparation {
  int directory;
  struct file_identity directory_identity; /**< when it was asked for: preparation_identify_directory */
  struct launch_descriptors descriptors;
  struct executable program;
  struct argument_size size; /**< of its arguments and environment */
  uint64_t stack_limit;
  struct elf_file elf;
  struct interpreter interpreter;
  struct layout layout;
  struct image program_image;
  struct image interpreter_image;
};

/** Makes it own nothing. */
void preparation_init(struct preparation *preparation);

/** Checks the launch, and finds and opens its program. */
int preparation_find(struct tproc_host *host, const struct tproc_launch *launch, struct preparation *preparation,
                     struct tproc_error *error);

/** Which directory it is to work in. One that cannot be told is none that another one has. */
void preparation_identify_directory(struct preparation *preparation);

/**
 * Reads and maps what was found, in a slot for the threadproc, and builds the fence. One whose fixed addresses are
 * taken, and that may be an ordinary process then, is spilled.
 *
 * @param room for other arguments, or none
 */
int preparation_map(struct tproc_host *host, const struct tproc_launch *launch, struct entry_stack_room room,
                    struct preparation *preparation, struct tproc_threadproc *threadproc, struct entry_stack *stack,
                    struct tproc_error *error);

/** Opens an account when the launch limits its use of the shared heap. */
int preparation_open_account(const struct tproc_host *host, const struct tproc_launch *launch,
                             struct tproc_account_of_launch *account, struct tproc_error *error);

/** What an entry stack tells the program; valid as long as what it is made of. */
struct entry_stack_content preparation_content(struct tproc_host *host, const struct tproc_launch *launch,
                                               const struct preparation *preparation,
                                               const struct tproc_threadproc *threadproc);

/** Whether a path of its own executable may be among the launch's strings. */
bool preparation_has_exe_texts(const struct tproc_launch *launch, const struct preparation *preparation);

/** What the launch's own arguments and environment take of a stack. */
size_t preparation_argument_bytes(const struct preparation *preparation);

/** The process's name, as ps shows it: of a script its own, not its interpreter's. */
void preparation_name(const struct preparation *preparation, char name[CHILD_NAME_SIZE]);

/** Fills in what the plan has of the program, and releases nothing. */
void preparation_plan(const struct preparation *preparation, const struct entry_stack *stack,
                      struct tproc_threadproc *threadproc);

/** The file's own absolute path: what /proc/self/exe says natively, whatever links led to it. */
void preparation_executable_path(const struct preparation *preparation, char *path, size_t size);

/** Notes what has been found. What was given after the first argument is the same. @return 0 or -ENOMEM */
int preparation_note_executed(const struct preparation *preparation, const char *path, struct launch_info *info,
                              struct tproc_error *error);

void preparation_release(struct preparation *preparation);

#endif
