/*
 * libgcc's unwinder, which is linked into this program, asks glibc in which object an address lies. Glibc answers since
 * 2.35, and this program runs with older ones, too.
 */
#include <dlfcn.h>

#ifdef DLFO_EH_SEGMENT_TYPE /* else libgcc looks itself */

#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef int find_object(void *address, struct dl_find_object *result);

static find_object *glibcs;

/* Early: who has crashed must not wait for the linker's lock. */
static __attribute__((constructor)) void look_for_glibcs(void) {
  void *found = dlsym(RTLD_NEXT, "_dl_find_object");
  memcpy(&glibcs, &found, sizeof glibcs);
}

struct question {
  uintptr_t address;
  struct dl_find_object *result;
};

/* An object without such a table has no frames to go through: the question is answered, with no. */
static int look(struct dl_phdr_info *object, size_t size, void *argument) {
  (void)size;
  const struct question *question = argument;
  struct dl_find_object found = {.dlfo_flags = 0};
  for (unsigned i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &object->dlpi_phdr[i];
    const uintptr_t start = object->dlpi_addr + header->p_vaddr;
    if (header->p_type == DLFO_EH_SEGMENT_TYPE) found.dlfo_eh_frame = (void *)start;
    if (header->p_type == PT_LOAD && question->address - start < header->p_memsz) {
      found.dlfo_map_start = (void *)start;
      found.dlfo_map_end = (void *)(start + header->p_memsz);
    }
  }
  if (found.dlfo_map_end == NULL) return 0;
  *question->result = found;
  return found.dlfo_eh_frame != NULL ? 1 : -1;
}

__attribute__((visibility("hidden"))) int _dl_find_object(void *address, struct dl_find_object *result) {
  if (glibcs != NULL) return glibcs(address, result);
  struct question question = {.address = (uintptr_t)address, .result = result};
  return dl_iterate_phdr(look, &question) == 1 ? 0 : -1;
}

#endif
