#include "loader/exe_texts_cache.h"

#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "loader/file_identity.h"

struct known {
  struct file_identity file; /* zeroes: none */
  struct exe_texts texts;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static struct known known_files[EXE_TEXTS_CACHE_FILES];
static size_t next_known;

static bool find(const struct file_identity *file, struct exe_texts *texts) {
  bool found = false;
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < EXE_TEXTS_CACHE_FILES && !found; i++) {
    found = file_identity_equals(&known_files[i].file, file);
    if (found) *texts = known_files[i].texts;
  }
  pthread_mutex_unlock(&lock);
  return found;
}

static void keep(const struct file_identity *file, const struct exe_texts *texts) {
  pthread_mutex_lock(&lock);
  known_files[next_known] = (struct known){*file, *texts};
  next_known = (next_known + 1) % EXE_TEXTS_CACHE_FILES;
  pthread_mutex_unlock(&lock);
}

/* It may be what is said of a file that could not be read. */
static bool says_nothing(const struct exe_texts *texts) {
  return texts->own_executable && texts->more_places && texts->limits && texts->place_count == 0;
}

/* What has just changed may change again at the same time of the kernel's clock: then it is not kept. */
struct exe_texts exe_texts_cache_find(int file, const struct elf_file *elf) {
  struct stat status;
  struct exe_texts texts;
  if (fstat(file, &status) != 0) return exe_texts_in_image(file, elf);
  const struct file_identity identity = file_identity_of(&status);
  if (find(&identity, &texts)) return texts;
  const bool settled = file_identity_is_older(&identity, (int64_t)clock_nanoseconds(CLOCK_REALTIME));
  texts = exe_texts_in_image(file, elf);
  if (settled && !says_nothing(&texts)) keep(&identity, &texts);
  return texts;
}
