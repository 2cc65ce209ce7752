#include "loader/linked_objects.h"

#include <elf.h>
#include <limits.h>
#include <link.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* Bounds for what a program could make of its lists. */
#define OBJECTS_MAX 4096
#define ENTRIES_MAX 1024

#define CACHE "/etc/ld.so.cache"
#define PRELOADED "/etc/ld.so.preload"

/* By the kernel, which says EFAULT where an access of ours would end in a fault. */
static bool copy_from(uint64_t address, void *to, size_t size) {
  struct iovec local = {to, size}, remote = {(void *)address, size};
  return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)size;
}

static bool read_text(uint64_t address, char text[PATH_MAX]) {
  for (size_t got = 0; got < PATH_MAX;) {
    const size_t rest = 256 - (address + got) % 256; /* never beyond a page for nothing */
    const size_t size = rest < PATH_MAX - got ? rest : PATH_MAX - got;
    if (!copy_from(address + got, text + got, size)) return false;
    if (memchr(text + got, '\0', size) != NULL) return true;
    got += size;
  }
  return false;
}

static uint64_t dynamic_section(const struct image *program, uint16_t count) {
  for (uint16_t i = 0; i < count && program->program_headers != 0; i++) {
    Elf64_Phdr header;
    if (!copy_from(program->program_headers + i * sizeof header, &header, sizeof header)) return 0;
    if (header.p_type == PT_DYNAMIC) return header.p_vaddr + program->load_bias;
  }
  return 0;
}

static bool find_entry(uint64_t section, int64_t tag, uint64_t *value) {
  for (size_t i = 0; i < ENTRIES_MAX; i++) {
    Elf64_Dyn entry;
    if (!copy_from(section + i * sizeof entry, &entry, sizeof entry) || entry.d_tag == DT_NULL) return false;
    *value = entry.d_un.d_val;
    if (entry.d_tag == tag) return true;
  }
  return false;
}

static bool names_path(uint64_t texts, uint64_t offset) {
  char name[PATH_MAX];
  return !read_text(texts + offset, name) || (name[0] != '/' && strchr(name, '/') != NULL);
}

/* The linker has made the address of the texts absolute. */
static bool is_found_by_name(uint64_t section) {
  uint64_t texts;
  if (!find_entry(section, DT_STRTAB, &texts)) return false;
  for (size_t i = 0; i < ENTRIES_MAX; i++) {
    Elf64_Dyn entry;
    if (!copy_from(section + i * sizeof entry, &entry, sizeof entry)) return false;
    switch (entry.d_tag) {
      case DT_NULL:
        return true;
      case DT_RPATH:
      case DT_RUNPATH:
      case DT_AUDIT:
      case DT_DEPAUDIT:
      case DT_FILTER:
      case DT_AUXILIARY:
        return false;
      case DT_NEEDED:
        if (names_path(texts, entry.d_un.d_val)) return false;
        break;
      default:
        break;
    }
  }
  return false;
}

/* The program has no name in the list, and the kernel's own object is no file. */
static bool add_object(const struct link_map *object, bool is_program, bool by_name, struct file_list *files) {
  char name[PATH_MAX];
  if (!read_text((uint64_t)object->l_name, name)) return false;
  if (is_program) return !by_name || is_found_by_name((uint64_t)object->l_ld);
  if (strncmp(name, "linux-vdso.so", strlen("linux-vdso.so")) == 0) return true;
  return name[0] == '/' && (!by_name || is_found_by_name((uint64_t)object->l_ld)) && file_list_add(files, name) == 0;
}

/* A cache that is not there would have the linker look in directories. */
static bool add_own_files(struct file_list *files) {
  return access(CACHE, R_OK) == 0 && file_list_add(files, CACHE) == 0 && file_list_add(files, PRELOADED) == 0;
}

static bool add_objects(const struct image *program, uint16_t program_header_count, bool by_name,
                        struct file_list *files) {
  struct r_debug list;
  uint64_t list_at;
  const uint64_t section = dynamic_section(program, program_header_count);
  if (section == 0 || !find_entry(section, DT_DEBUG, &list_at) || list_at == 0) return false;
  if (!copy_from(list_at, &list, sizeof list)) return false;
  uint64_t at = (uint64_t)list.r_map;
  for (size_t i = 0; i < OBJECTS_MAX; i++) {
    struct link_map object;
    if (at == 0) return i > 0;
    if (!copy_from(at, &object, sizeof object) || !add_object(&object, i == 0, by_name, files)) return false;
    at = (uint64_t)object.l_next;
  }
  return false;
}

bool linked_objects_add(const struct image *program, uint16_t program_header_count, struct file_list *files) {
  return add_objects(program, program_header_count, true, files) && add_own_files(files);
}

bool linked_objects_add_loaded(const struct image *program, uint16_t program_header_count, struct file_list *files) {
  return add_objects(program, program_header_count, false, files) && file_list_add(files, PRELOADED) == 0;
}
