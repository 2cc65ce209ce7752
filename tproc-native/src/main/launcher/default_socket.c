#include "default_socket.h"

#include <string.h>

#include "message.h"

#define NAME "/tproc.sock"

static const char *value_of(char **envp, const char *name) {
  const size_t length = strlen(name);
  for (; *envp != NULL; envp++) {
    const char *value = *envp + length + 1;
    if (strncmp(*envp, name, length) == 0 && (*envp)[length] == '=') return *value != '\0' ? value : NULL;
  }
  return NULL;
}

const char *default_socket(char **envp, char *room, size_t size) {
  const char *socket = value_of(envp, "TPROC_SOCKET");
  if (socket != NULL) return socket;
  const char *directory = value_of(envp, "XDG_RUNTIME_DIR");
  if (directory == NULL || strlen(directory) + sizeof NAME > size) return NULL;
  put_text(put_text(room, directory), NAME);
  return room;
}
