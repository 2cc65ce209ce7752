/* Where a host listens: the socket's file, from its making to its removal. */
#ifndef TPROC_SERVER_SOCKET_H
#define TPROC_SERVER_SOCKET_H

#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tproc_core.h"

struct server_socket {
  int listening; /**< non-blocking */
  int directory;
  char name[NAME_MAX + 1];           /**< of the file in the directory */
  dev_t device;                      /**< of the file: another host may have taken the name over */
  ino_t inode;                       /**< 0: it is not removed at the end */
  char path[TPROC_SOCKET_PATH_SIZE]; /**< of a socket that was taken over, as its address says; otherwise empty */
};

/**
 * Makes the file and listens. Whatever else wants the same name waits meanwhile: the directory is locked (flock).
 *
 * @return 0 or as tproc_server_open
 */
int server_socket_open(struct server_socket *socket_file, const char *path, struct tproc_error *error);

/**
 * Takes over a socket at which who started the process listens already (systemd's socket activation). Its directory has
 * to be as server_socket_open wants it. From here on clients are told that the listener is this process. The file is
 * not removed at the end: it is its maker's.
 *
 * @param descriptor taken over in any case: on failure it is closed
 * @return 0; -ENOTSOCK, -EINVAL (another kind of socket, or one without a file), -EACCES (the directory) …
 */
int server_socket_adopt(struct server_socket *socket_file, int descriptor, struct tproc_error *error);

/** Removes the file if it is still this socket's, and listens no more. */
void server_socket_close(struct server_socket *socket_file);

#endif
