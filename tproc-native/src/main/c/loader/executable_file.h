/* Opening a file to execute it, with the checks that execve makes, without ever blocking. */
#ifndef TPROC_EXECUTABLE_FILE_H
#define TPROC_EXECUTABLE_FILE_H

#include "loader/file_identity.h"
#include "tproc_core.h"

/**
 * Opens a regular file that the caller may execute and read.
 *
 * A FIFO or a device is recognised before it is opened for reading, so nothing blocks and no device is woken.
 *
 * @param directory descriptor that a relative path starts from (AT_FDCWD: the host's working directory)
 * @param identity receives the file's
 * @return a close-on-exec descriptor that the caller closes, or -ENOENT, -EACCES, -ETXTBSY (as far as the
 *     file is the caller's, or it has CAP_LEASE), … as execve would give
 */
int executable_file_open(int directory, const char *path, struct file_identity *identity, struct tproc_error *error);

#endif
