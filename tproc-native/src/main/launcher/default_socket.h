/* Where a host listens when the command line says "-". */
#ifndef TPROC_LAUNCHER_DEFAULT_SOCKET_H
#define TPROC_LAUNCHER_DEFAULT_SOCKET_H

#include <stddef.h>

/**
 * As the command tproc: TPROC_SOCKET, else $XDG_RUNTIME_DIR/tproc.sock. A variable without a value counts as none.
 *
 * @param room for the path, if it has to be put together
 * @return the path, cut nowhere; NULL: there is none, or it has no room
 */
const char *default_socket(char **envp, char *room, size_t size);

#endif
