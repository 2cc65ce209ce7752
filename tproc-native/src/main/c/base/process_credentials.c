#include "base/process_credentials.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What follows "Groups:". */
static void read_groups(const char *at, struct process_credentials *credentials) {
  for (char *end; credentials->supplementary_count < PROCESS_GROUPS_MAX; at = end) {
    const unsigned long group = strtoul(at, &end, 10);
    if (end == at) return;
    credentials->supplementary[credentials->supplementary_count++] = (gid_t)group;
  }
}

/* @return how many of the lines that have to be there this one is */
static int read_line(const char *line, struct process_credentials *credentials) {
  uid_t *users = credentials->users;
  gid_t *groups = credentials->groups;
  unsigned long long capabilities;
  if (strncmp(line, "Groups:", 7) == 0) read_groups(line + 7, credentials);
  if (sscanf(line, "CapEff: %llx", &capabilities) == 1) credentials->capabilities = capabilities;
  return sscanf(line, "Uid: %u %u %u", &users[PROCESS_REAL], &users[PROCESS_EFFECTIVE], &users[PROCESS_SAVED]) == 3 ||
         sscanf(line, "Gid: %u %u %u", &groups[PROCESS_REAL], &groups[PROCESS_EFFECTIVE], &groups[PROCESS_SAVED]) == 3;
}

bool process_credentials_read(pid_t pid, struct process_credentials *credentials) {
  char path[64], *line = NULL;
  size_t room = 0;
  int found = 0;
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  FILE *file = fopen(path, "re");
  *credentials = (struct process_credentials){0};
  if (file == NULL) return false;
  while (getline(&line, &room, file) > 0) found += read_line(line, credentials);
  free(line);
  fclose(file);
  return found == 2;
}
