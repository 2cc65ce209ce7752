/*
 * A descriptor table of a thread's own.
 *
 * The host's threads handle descriptors of programs and of clients. In the table of the host's process each of them
 * would cost a number of the process's limit; closing one would drop every POSIX record lock that the process has on
 * the file (fcntl(2)); and a new threadproc, which begins with a copy of its creator's table, would have to close, and
 * so to flush, every file of the process.
 */
#ifndef TPROC_DESCRIPTOR_TABLE_H
#define TPROC_DESCRIPTOR_TABLE_H

#include <stddef.h>

/**
 * Gives the calling thread, and those that it starts from then on, a table of their own, in which `kept` have the
 * numbers they had, and nothing else is open.
 *
 * Closing a copy of a process's file may flush it and so wait for its file system: such files are left to threads of
 * their own, which the caller does not wait for, and stay open in the new table until their file system answers.
 *
 * @return 0 or a negative errno, and then nothing has changed
 */
int descriptor_table_leave(const int *kept, size_t count);

#endif
