/*
 * Prints the auxiliary vector it was started with, and whether each entry that points into this process tells the
 * truth. The vector is found as the ABI says, after the environment: /proc/self/auxv belongs to the address space, not
 * to us.
 */
#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

static const ElfW(auxv_t) * vector(char **environment) {
  while (*environment != NULL) {
    environment++;
  }
  return (const ElfW(auxv_t) *)(environment + 1);
}

static void check(const char *name, bool good) { printf("%s=%s\n", name, good ? "right" : "WRONG"); }

static bool is_elf(unsigned long address) { return address != 0 && memcmp((void *)address, ELFMAG, SELFMAG) == 0; }

static bool has_interpreter(void) {
  const ElfW(Phdr) *header = (const ElfW(Phdr) *)((uintptr_t)&__ehdr_start + __ehdr_start.e_phoff);
  for (int i = 0; i < __ehdr_start.e_phnum; i++) {
    if (header[i].p_type == PT_INTERP) {
      return true;
    }
  }
  return false;
}

static bool random_bytes(const unsigned char *bytes) {
  unsigned char all = 0;
  for (int i = 0; bytes != NULL && i < 16; i++) {
    all |= bytes[i];
  }
  return all != 0;
}

int main(int argc, char *argv[]) {
  uintptr_t base = (uintptr_t)&__ehdr_start;
  (void)argc;
  for (const ElfW(auxv_t) *entry = vector(environ); entry->a_type != AT_NULL; entry++) {
    printf("type%lu=0x%lx\n", (unsigned long)entry->a_type, (unsigned long)entry->a_un.a_val);
  }
  check("phdr", getauxval(AT_PHDR) == base + __ehdr_start.e_phoff);
  check("phnum", getauxval(AT_PHNUM) == __ehdr_start.e_phnum);
  check("phent", getauxval(AT_PHENT) == sizeof(ElfW(Phdr)));
  check("entry", getauxval(AT_ENTRY) == base + __ehdr_start.e_entry);
  check("base", has_interpreter() ? is_elf(getauxval(AT_BASE)) : getauxval(AT_BASE) == 0);
  check("pageSize", getauxval(AT_PAGESZ) == (unsigned long)sysconf(_SC_PAGESIZE));
  check("vdso", is_elf(getauxval(AT_SYSINFO_EHDR)));
  check("random", random_bytes((const unsigned char *)getauxval(AT_RANDOM)));
  check("ids", getauxval(AT_UID) == getuid() && getauxval(AT_EUID) == geteuid() && getauxval(AT_GID) == getgid() &&
                   getauxval(AT_EGID) == getegid());
  check("secure", getauxval(AT_SECURE) == 0);
  check("stackAlignment", ((uintptr_t)argv - sizeof(long)) % 16 == 0);
  printf("executable=%s\n", (const char *)getauxval(AT_EXECFN));
  printf("platform=%s\n", (const char *)getauxval(AT_PLATFORM));
  struct timespec now;
  check("clock", clock_gettime(CLOCK_MONOTONIC, &now) == 0 && now.tv_sec + now.tv_nsec > 0);
  return 0;
}
