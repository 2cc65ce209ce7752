/* What prepared_program.c and ready_program.c know of a program that waits, and nobody else. */
#ifndef TPROC_PREPARED_DETAILS_H
#define TPROC_PREPARED_DETAILS_H

#include "host/inherited.h"
#include "host/leading_arguments.h"
#include "loader/entry_stack.h"
#include "loader/file_identity.h"
#include "loader/image.h"

/* Who has been let go goes on at once. One that has not yet is looked at, and given up when it is stopped so often. */
#define LOOK_MILLISECONDS 100
#define LOOKS_STOPPED_MAX 2

struct prepared_details {
  int link; /* to the waiting child */
  struct entry_stack stack;
  struct image program_image, interpreter_image;
  uint16_t program_header_count;
  bool has_interpreter;
  bool asks_for_arguments; /* the fence asks for paths among its arguments */
  uint64_t stack_limit;    /* as the layout has it */
  uint64_t stack_begun;    /* bytes that are mapped */
  uint64_t stack_soft;     /* as the linker has found it, if it has run */
  unsigned flags;
  char **linker_environment;
  struct file_list files;
  struct inherited inherited;
  int umask;                        /* as it was seen last */
  int64_t started_at;               /* CLOCK_REALTIME: when its making has begun */
  struct leading_arguments leading; /* of one that runs until it calls tproc_ready */
  unsigned personality;             /* that it has */
};

#endif
