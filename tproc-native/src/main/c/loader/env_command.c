#include "loader/env_command.h"

#include <string.h>

/* What env -S gives a meaning of its own. */
#define SPECIAL "\\'\"$#"
#define BLANKS " \t"

static bool is_env(const char *interpreter) {
  return strcmp(interpreter, "/usr/bin/env") == 0 || strcmp(interpreter, "/bin/env") == 0;
}

/* The text that is to be split, or NULL: without -S the whole is one word, and blanks in it are part of a name. */
static const char *split_text(const char *argument) {
  if (strncmp(argument, "-S", 2) != 0) return strpbrk(argument, BLANKS) == NULL ? argument : NULL;
  return strpbrk(argument, SPECIAL) == NULL ? argument + 2 : NULL;
}

bool env_command_read(const struct script_line *line, struct env_command *command) {
  command->count = 0;
  if (!is_env(line->interpreter) || line->argument == NULL) return false;
  const char *text = split_text(line->argument);
  if (text == NULL) return false;
  memcpy(command->text, text, strlen(text) + 1);
  char *rest = NULL;
  for (char *word = strtok_r(command->text, BLANKS, &rest); word != NULL; word = strtok_r(NULL, BLANKS, &rest))
    command->words[command->count++] = word;
  return command->count > 0 && command->words[0][0] != '-' && strchr(command->words[0], '=') == NULL;
}

const char *env_value(const char *const *envp, const char *name) {
  const size_t length = strlen(name);
  for (; *envp != NULL; envp++)
    if (strncmp(*envp, name, length) == 0 && (*envp)[length] == '=') return *envp + length + 1;
  return NULL;
}
