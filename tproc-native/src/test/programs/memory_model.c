/*
 * memory_model SEED STEPS [ADDRESS BYTES]: random memory calls against a model of what the kernel does with them.
 *
 * The model knows for each page of a window, and of the program break, what is mapped there, how it may be accessed and
 * what it holds. After each call its result, and what has become of the pages, are compared. Without a difference it
 * prints how many calls succeeded and failed, and "differences 0". That the model is right is shown by a native run.
 *
 * With ADDRESS, calls at that memory of another's come in between: each has to fail.
 *
 * What is random comes from the seed alone, and no memory is used but the stack: malloc would take part.
 */
#include <errno.h>
#include <linux/mman.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

#define WINDOW 384    /* pages */
#define FILE_PAGES 64 /* of the file that is mapped */
#define BREAK_PAGES 24
#define BREAK_BYTES (96 << 10) /* a threadproc's break moves by no more than 128 KiB: docs/limits.md */
#define LOCKED_MAX 64          /* pages: an ordinary user may lock little */
#define LONGEST 48
#define CHECKED_EVERY 64
#define DIFFERENCES_MAX 20

enum kind { HOLE, ANONYMOUS, OF_FILE, SHARED_FILE };

struct page {
  enum kind kind;
  int protection;
  bool locked;
  uint32_t value;     /* what a private page holds */
  unsigned file_page; /* of a file's page that has not been written to: its value is the file's */
  bool own;           /* OF_FILE: written to, so value counts */
};

static struct page window[WINDOW], heap[BREAK_PAGES];
static uint32_t file_values[FILE_PAGES];
static uintptr_t base, break_base, foreign, foreign_size;
static unsigned break_pages;
static size_t page_bytes;
static int file, pipe_ends[2];
static uint64_t state, seed;
static long step;
static unsigned differences, succeeded, refused;
static const char *doing = "";
static sigjmp_buf after_fault;
static volatile sig_atomic_t is_looking; /* so after_fault is valid */

static uint64_t next(void) { /* splitmix64 */
  uint64_t z = (state += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

static unsigned below(unsigned bound) { return (unsigned)(next() % bound); }

static bool one_in(unsigned n) { return below(n) == 0; }

static void say(const char *text) {
  if (write(STDOUT_FILENO, text, strlen(text)) < 0) _exit(3);
}

static void differs(const char *what, long page, long wanted, long got) {
  char line[256];
  if (++differences > DIFFERENCES_MAX) return;
  snprintf(line, sizeof line, "seed %llu step %ld %s: %s, page %ld: %ld wanted, %ld found\n", (unsigned long long)seed,
           step, doing, what, page, wanted, got);
  say(line);
}

/* A call's own result: an address or 0, or a negative errno. */
static long call(long number, long a, long b, long c, long d, long e, long f) {
  const long got = syscall(number, a, b, c, d, e, f);
  return got == -1 ? -errno : got;
}

static void expect(long wanted, long got) {
  if (got != wanted) differs("result", -1, wanted, got);
  if (got < 0)
    refused++;
  else
    succeeded++;
}

static char *address(unsigned page) { return (char *)base + page * page_bytes; }

static void on_fault(int signal_number) {
  if (is_looking) siglongjmp(after_fault, signal_number);
  differs("signal outside of a look", -1, 0, signal_number);
  _exit(1);
}

/* The kernel looks at the page as a program would, and says EFAULT. */
static bool can_read(const char *at) {
  char byte;
  if (write(pipe_ends[1], at, 1) != 1) return false;
  return read(pipe_ends[0], &byte, 1) == 1;
}

static bool can_write(char *at) { /* to a place that the model does not look at */
  char byte = 1;
  if (write(pipe_ends[1], &byte, 1) != 1) return false;
  if (read(pipe_ends[0], at + 64, 1) == 1) return true;
  if (read(pipe_ends[0], &byte, 1) != 1) differs("pipe", -1, 1, 0);
  return false;
}

static uint32_t value_of(const struct page *page) {
  return page->kind == SHARED_FILE || (page->kind == OF_FILE && !page->own) ? file_values[page->file_page]
                                                                            : page->value;
}

/* The kernel has written to it, or as good as: a private page of a file no longer follows its file. */
static void take_copy(struct page *page) {
  if (page->kind != OF_FILE || page->own || (page->protection & PROT_WRITE) == 0) return;
  page->value = file_values[page->file_page];
  page->own = true;
}

static void take_copies(unsigned from, unsigned count) {
  for (unsigned i = from; i < from + count; i++) take_copy(&window[i]);
}

static uint32_t at(const char *place) { return *(volatile const uint32_t *)place; }

static void check_page(const struct page *page, char *place, long number) {
  if (page->kind == HOLE || (page->protection & PROT_READ) == 0) {
    if (can_read(place)) differs("can be read", number, 0, 1);
    return;
  }
  const int signal_number = sigsetjmp(after_fault, 1);
  if (signal_number != 0) {
    is_looking = 0;
    differs("signal", number, 0, signal_number);
    return;
  }
  is_looking = 1;
  const uint32_t wanted = value_of(page), first = at(place), last = at(place + page_bytes - 4);
  is_looking = 0;
  if (first != wanted) differs("value", number, wanted, first);
  if (last != wanted) differs("value at its end", number, wanted, last);
}

/* Probing writes to the page, and so makes it private: only where that is known not to matter. */
static void check_protection(const struct page *page, char *place, long number) {
  const bool writable = page->kind != HOLE && (page->protection & PROT_WRITE) != 0;
  if (writable && page->kind == OF_FILE && !page->own) return;
  if (can_write(place) != writable) differs("can be written", number, writable, !writable);
}

static void check_pages(unsigned from, unsigned to) {
  for (unsigned i = from; i < to; i++) {
    check_page(&window[i], address(i), i);
    check_protection(&window[i], address(i), i);
  }
}

static void check_heap(void) {
  for (unsigned i = 0; i < break_pages; i++) check_page(&heap[i], (char *)break_base + i * page_bytes, 10000 + i);
}

static void check_all(void) {
  check_pages(0, WINDOW);
  check_heap();
}

static void choose(unsigned *from, unsigned *count) {
  *count = 1 + below(one_in(4) ? LONGEST : 8);
  *from = below(WINDOW - *count + 1);
}

static int some_protection(void) {
  static const int all[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
                            PROT_READ | PROT_EXEC};
  return all[below(sizeof all / sizeof *all)];
}

static struct page some_page(void) {
  static const enum kind kinds[] = {ANONYMOUS, ANONYMOUS, OF_FILE, SHARED_FILE};
  return (struct page){.kind = kinds[below(4)], .protection = some_protection()};
}

static int flags_of(const struct page *page) {
  return page->kind == ANONYMOUS ? MAP_PRIVATE | MAP_ANONYMOUS : page->kind == OF_FILE ? MAP_PRIVATE : MAP_SHARED;
}

static long map(uintptr_t where, unsigned count, const struct page *page, int flags, unsigned offset) {
  return call(SYS_mmap, (long)where, (long)(count * page_bytes), page->protection, flags_of(page) | flags,
              page->kind == ANONYMOUS ? -1 : file, (long)(offset * page_bytes));
}

static void set_pages(unsigned from, unsigned count, const struct page *page, unsigned offset) {
  for (unsigned i = 0; i < count; i++) {
    window[from + i] = *page;
    window[from + i].file_page = offset + i;
  }
}

static bool all_holes(unsigned from, unsigned count) {
  for (unsigned i = from; i < from + count; i++)
    if (window[i].kind != HOLE) return false;
  return true;
}

static void map_fixed(void) {
  unsigned from, count;
  choose(&from, &count);
  const struct page page = some_page();
  const unsigned offset = below(FILE_PAGES - count + 1);
  int flags = one_in(3) ? MAP_FIXED_NOREPLACE : MAP_FIXED;
  if (one_in(6)) flags |= MAP_POPULATE;
  if (one_in(8)) flags |= MAP_NORESERVE;
  const bool refuses = (flags & MAP_FIXED_NOREPLACE) == MAP_FIXED_NOREPLACE && !all_holes(from, count);
  const long got = map(base + from * page_bytes, count, &page, flags, offset);
  expect(refuses ? -EEXIST : (long)(base + from * page_bytes), got);
  if (got >= 0) set_pages(from, count, &page, offset);
  if (got >= 0 && (flags & MAP_POPULATE) != 0) take_copies(from, count);
  check_pages(from, from + count);
}

/* The part of the window that a mapping of the kernel's choice lies in; it must not lie on anything. */
static bool in_window(uintptr_t got, unsigned count, unsigned *from) {
  if (got + count * page_bytes <= base || got >= base + WINDOW * page_bytes) return false;
  if (got < base || got + count * page_bytes > base + WINDOW * page_bytes) {
    differs("placed over the window's end", -1, 0, (long)got);
    return false;
  }
  *from = (unsigned)((got - base) / page_bytes);
  if (!all_holes(*from, count)) differs("placed on what is there", *from, 0, (long)got);
  return true;
}

static void check_outside(const struct page *page, uintptr_t got, unsigned count, unsigned offset) {
  for (unsigned i = 0; i < count; i++) {
    struct page each = *page;
    each.file_page = offset + i;
    check_page(&each, (char *)got + i * page_bytes, -2);
  }
}

static void fill_window(unsigned from, unsigned count) {
  for (unsigned i = from; i < from + count; i++) {
    if (window[i].kind == HOLE || (window[i].protection & PROT_WRITE) == 0) continue;
    const uint32_t value = (uint32_t)next() | 1;
    struct page *page = &window[i];
    if (page->kind == SHARED_FILE)
      file_values[page->file_page] = value;
    else
      page->value = value;
    page->own = true;
    memcpy(address(i), &value, sizeof value);
    memcpy(address(i) + page_bytes - sizeof value, &value, sizeof value);
  }
}

/* Anywhere; and then, perhaps, from there into the window. */
static void map_anywhere(void) {
  const unsigned count = 1 + below(LONGEST), offset = below(FILE_PAGES - count + 1);
  const struct page page = some_page();
  uintptr_t hint = 0;
  if (one_in(3)) hint = base + below(WINDOW) * page_bytes;
  const int flags = one_in(6) ? MAP_POPULATE : 0;
  const long got = map(hint, count, &page, flags, offset);
  if (got < 0 || (uintptr_t)got % page_bytes != 0) {
    expect(0, got);
    return;
  }
  succeeded++;
  unsigned from;
  if (in_window((uintptr_t)got, count, &from)) {
    set_pages(from, count, &page, offset);
    if (flags != 0) take_copies(from, count);
    check_pages(from, from + count);
    return;
  }
  check_outside(&page, (uintptr_t)got, count, offset);
  if (one_in(2)) {
    expect(0, call(SYS_munmap, got, (long)(count * page_bytes), 0, 0, 0, 0));
    return;
  }
  from = below(WINDOW - count + 1);
  const long moved = call(SYS_mremap, got, (long)(count * page_bytes), (long)(count * page_bytes),
                          MREMAP_MAYMOVE | MREMAP_FIXED, (long)(base + from * page_bytes), 0);
  expect((long)(base + from * page_bytes), moved);
  if (moved < 0) return;
  set_pages(from, count, &page, offset);
  if (flags != 0) take_copies(from, count);
  check_pages(from, from + count);
}

static void unmap(void) {
  unsigned from, count;
  choose(&from, &count);
  expect(0, call(SYS_munmap, (long)(base + from * page_bytes), (long)(count * page_bytes), 0, 0, 0, 0));
  memset(window + from, 0, count * sizeof *window);
  check_pages(from, from + count);
}

static void protect(void) {
  unsigned from, count, done = 0;
  choose(&from, &count);
  const int protection = some_protection();
  for (; done < count && window[from + done].kind != HOLE; done++) {
    window[from + done].protection = protection;
    if (window[from + done].locked) take_copy(&window[from + done]); /* mprotect fills what is locked */
  }
  expect(done < count ? -ENOMEM : 0,
         call(SYS_mprotect, (long)(base + from * page_bytes), (long)(count * page_bytes), protection, 0, 0, 0));
  check_pages(from, from + count);
}

static unsigned locked_pages(void) {
  unsigned count = 0;
  for (unsigned i = 0; i < WINDOW; i++) count += window[i].locked;
  return count;
}

static void lock(void) {
  unsigned from, count, done = 0;
  choose(&from, &count);
  if (count > 16 || locked_pages() + count > LOCKED_MAX) return;
  bool inaccessible = false;
  for (; done < count && window[from + done].kind != HOLE; done++) {
    window[from + done].locked = true;
    take_copy(&window[from + done]);
    inaccessible |= window[from + done].protection == PROT_NONE;
  }
  expect(done < count || inaccessible ? -ENOMEM : 0,
         call(SYS_mlock, (long)(base + from * page_bytes), (long)(count * page_bytes), 0, 0, 0, 0));
  check_pages(from, from + count);
}

static void unlock(void) {
  unsigned from, count, done = 0;
  choose(&from, &count);
  while (done < count && window[from + done].kind != HOLE) window[from + done++].locked = false;
  expect(done < count ? -ENOMEM : 0,
         call(SYS_munlock, (long)(base + from * page_bytes), (long)(count * page_bytes), 0, 0, 0, 0));
  check_pages(from, from + count);
}

static void drop(struct page *page) {
  if (page->kind == ANONYMOUS) page->value = 0;
  page->own = false;
}

/* The kernel goes on behind a hole, and stops at what is locked. */
static void let_go(void) {
  unsigned from, count;
  choose(&from, &count);
  long wanted = 0;
  for (unsigned i = from; i < from + count; i++) {
    if (window[i].locked) {
      wanted = -EINVAL;
      break;
    }
    if (window[i].kind == HOLE)
      wanted = -ENOMEM;
    else
      drop(&window[i]);
  }
  expect(wanted,
         call(SYS_madvise, (long)(base + from * page_bytes), (long)(count * page_bytes), MADV_DONTNEED, 0, 0, 0));
  check_pages(from, from + count);
}

/* Older kernels go on behind a hole, as they do with other advice. */
static bool populating_passes_holes;

static void find_out_about_holes(void) {
  const long two = (long)(2 * page_bytes), got = call(SYS_mmap, 0, two, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (got < 0 || call(SYS_munmap, got, (long)page_bytes, 0, 0, 0, 0) != 0) _exit(3);
  populating_passes_holes = call(SYS_madvise, got, two, MADV_POPULATE_READ, 0, 0, 0) == -EINVAL;
  if (call(SYS_munmap, got, two, 0, 0, 0, 0) != 0) _exit(3);
}

static void populate(void) {
  unsigned from, count;
  choose(&from, &count);
  const bool writes = one_in(2);
  long wanted = 0;
  for (unsigned i = from; i < from + count && (wanted == 0 || (wanted == -ENOMEM && populating_passes_holes)); i++) {
    if (window[i].kind == HOLE)
      wanted = -ENOMEM;
    else if ((window[i].protection & (writes ? PROT_WRITE : PROT_READ)) == 0)
      wanted = -EINVAL;
    else if (writes)
      take_copy(&window[i]);
  }
  expect(wanted, call(SYS_madvise, (long)(base + from * page_bytes), (long)(count * page_bytes),
                      writes ? MADV_POPULATE_WRITE : MADV_POPULATE_READ, 0, 0, 0));
  check_pages(from, from + count);
}

static void store(void) {
  unsigned from, count;
  choose(&from, &count);
  fill_window(from, count);
  check_pages(from, from + count);
}

/* A mapping of its own for mremap, since several are EFAULT. Neighbours that it joins make no difference. */
static bool fresh(unsigned *from, unsigned *count, struct page *page) {
  choose(from, count);
  *page = (struct page){.kind = ANONYMOUS, .protection = PROT_READ | PROT_WRITE};
  if (one_in(3)) page->kind = SHARED_FILE;
  const long got = map(base + *from * page_bytes, *count, page, MAP_FIXED, 0);
  expect((long)(base + *from * page_bytes), got);
  if (got < 0) return false;
  set_pages(*from, *count, page, 0);
  fill_window(*from, *count);
  return true;
}

static void grown(unsigned to, unsigned from, unsigned count, unsigned wanted, const struct page *page) {
  struct page moved[LONGEST];
  memcpy(moved, window + from, count * sizeof *moved);
  if (to != from) memset(window + from, 0, count * sizeof *window);
  for (unsigned i = 0; i < wanted; i++) {
    window[to + i] = *page;
    window[to + i].file_page = i;
    if (i < count) window[to + i] = moved[i];
  }
}

static void shrink(unsigned from, unsigned count) {
  const unsigned wanted = 1 + below(count);
  expect((long)(base + from * page_bytes), call(SYS_mremap, (long)(base + from * page_bytes),
                                                (long)(count * page_bytes), (long)(wanted * page_bytes), 0, 0, 0));
  memset(window + from + wanted, 0, (count - wanted) * sizeof *window);
}

static void grow_in_place(unsigned from, unsigned count, const struct page *page) {
  const unsigned wanted = count + 1 + below(8);
  if (wanted > LONGEST || from + wanted > WINDOW || (page->kind == SHARED_FILE && wanted > FILE_PAGES)) return;
  const bool fits = all_holes(from + count, wanted - count);
  const long got = call(SYS_mremap, (long)(base + from * page_bytes), (long)(count * page_bytes),
                        (long)(wanted * page_bytes), 0, 0, 0);
  expect(fits ? (long)(base + from * page_bytes) : -ENOMEM, got);
  if (got >= 0) grown(from, from, count, wanted, page);
}

static void move_to(unsigned from, unsigned count, const struct page *page) {
  const unsigned wanted = 1 + below(LONGEST), to = below(WINDOW - wanted + 1);
  const bool overlaps = to < from + count && from < to + wanted;
  const long got = call(SYS_mremap, (long)(base + from * page_bytes), (long)(count * page_bytes),
                        (long)(wanted * page_bytes), MREMAP_MAYMOVE | MREMAP_FIXED, (long)(base + to * page_bytes), 0);
  expect(overlaps ? -EINVAL : (long)(base + to * page_bytes), got);
  if (got < 0) return;
  grown(to, from, count < wanted ? count : wanted, wanted, page);
  memset(window + from, 0, count * sizeof *window);
  check_pages(to, to + wanted);
}

/* Where it likes: out of the window, into a hole of it, or in place. */
static void grow_anywhere(unsigned from, unsigned count, const struct page *page) {
  const unsigned wanted = count + 1 + below(LONGEST - count + 1);
  if (wanted > LONGEST) return;
  const struct page before = window[from];
  const uint32_t value = value_of(&before);
  const long got = call(SYS_mremap, (long)(base + from * page_bytes), (long)(count * page_bytes),
                        (long)(wanted * page_bytes), MREMAP_MAYMOVE, 0, 0);
  if (got < 0) {
    expect(0, got);
    return;
  }
  succeeded++;
  unsigned to;
  if ((uintptr_t)got == base + from * page_bytes) {
    if (from + wanted > WINDOW || !all_holes(from + count, wanted - count))
      differs("grown onto what is there", from, 0, wanted);
    else
      grown(from, from, count, wanted, page);
  } else if (in_window((uintptr_t)got, wanted, &to)) {
    grown(to, from, count, wanted, page);
    check_pages(to, to + wanted);
  } else {
    if (at((char *)got) != value) differs("value moved", from, value, at((char *)got));
    memset(window + from, 0, count * sizeof *window);
    expect(0, call(SYS_munmap, got, (long)(wanted * page_bytes), 0, 0, 0, 0));
  }
}

static void remap(void) {
  unsigned from, count;
  struct page page;
  if (!fresh(&from, &count, &page)) return;
  switch (below(4)) {
    case 0:
      shrink(from, count);
      break;
    case 1:
      grow_in_place(from, count, &page);
      break;
    case 2:
      move_to(from, count, &page);
      break;
    default:
      grow_anywhere(from, count, &page);
      break;
  }
  check_pages(from, from + count);
}

static void step_break(void) {
  const unsigned fitting = BREAK_BYTES / (unsigned)page_bytes;
  const unsigned wanted = below(fitting < BREAK_PAGES ? fitting + 1 : BREAK_PAGES);
  const long end = (long)(break_base + wanted * page_bytes);
  expect(end, call(SYS_brk, end, 0, 0, 0, 0, 0));
  for (unsigned i = wanted; i < break_pages; i++) heap[i].value = 0;
  for (unsigned i = break_pages; i < wanted; i++)
    heap[i] = (struct page){.kind = ANONYMOUS, .protection = PROT_READ | PROT_WRITE};
  break_pages = wanted;
  for (unsigned i = 0; i < break_pages; i++) {
    if (!one_in(4)) continue;
    char *place = (char *)break_base + i * page_bytes;
    heap[i].value = (uint32_t)next();
    memcpy(place, &heap[i].value, 4);
    memcpy(place + page_bytes - 4, &heap[i].value, 4);
  }
  check_heap();
}

static void wrong(void) {
  const long somewhere = (long)address(below(WINDOW - 4)), bytes = (long)page_bytes;
  const long far = (long)((uint64_t)1 << 62);
  switch (below(13)) {
    case 0:
      expect(-EINVAL, call(SYS_mmap, 0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
      break;
    case 1:
      expect(-EINVAL, call(SYS_mmap, 0, bytes, PROT_READ, MAP_PRIVATE, file, 1));
      break;
    case 2:
      expect(-EINVAL, call(SYS_mmap, 0, bytes, PROT_READ, MAP_ANONYMOUS, -1, 0));
      break;
    case 3:
      expect(-EBADF, call(SYS_mmap, 0, bytes, PROT_READ, MAP_PRIVATE, 999, 0));
      break;
    case 4:
      expect(-ENOMEM, call(SYS_mmap, 0, far, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
      break;
    case 5:
      expect(-EINVAL, call(SYS_mmap, somewhere + 8, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
      break;
    case 6:
      expect(-EINVAL, call(SYS_munmap, somewhere + 8, bytes, 0, 0, 0, 0));
      break;
    case 7:
      expect(-EINVAL, call(SYS_munmap, somewhere, 0, 0, 0, 0, 0));
      break;
    case 8:
      expect(-EINVAL, call(SYS_mprotect, somewhere + 8, bytes, PROT_READ, 0, 0, 0));
      break;
    case 9:
      expect(-EINVAL, call(SYS_mremap, somewhere, bytes, 0, MREMAP_MAYMOVE, 0, 0));
      break;
    case 10:
      expect(-EINVAL, call(SYS_mremap, somewhere, bytes, bytes, MREMAP_FIXED, somewhere + 2 * bytes, 0));
      break;
    case 11:
      expect(-EINVAL, call(SYS_madvise, somewhere, bytes, 12345, 0, 0, 0));
      break;
    default:
      expect(-EINVAL, call(SYS_mremap, somewhere + 8, bytes, bytes, MREMAP_MAYMOVE, 0, 0));
      break;
  }
}

/* Each has to fail, with whatever error. */
static void attack(void) {
  if (foreign == 0) return;
  const unsigned pages = (unsigned)(foreign_size / page_bytes), count = 1 + below(pages);
  const long there = (long)(foreign + below(pages - count + 1) * page_bytes), bytes = (long)(count * page_bytes);
  const long mine = (long)address(0), all = MAP_PRIVATE | MAP_ANONYMOUS;
  long got;
  switch (below(8)) {
    case 0:
      got = call(SYS_munmap, there, bytes, 0, 0, 0, 0);
      break;
    case 1:
      got = call(SYS_mprotect, there, bytes, some_protection(), 0, 0, 0);
      break;
    case 2:
      got = call(SYS_mmap, there, bytes, PROT_READ | PROT_WRITE, all | MAP_FIXED, -1, 0);
      break;
    case 3:
      got = call(SYS_mmap, there, bytes, PROT_READ, all | MAP_FIXED_NOREPLACE, -1, 0);
      break;
    case 4:
      got = call(SYS_mremap, there, bytes, bytes, MREMAP_MAYMOVE, 0, 0);
      break;
    case 5:
      got = call(SYS_mremap, there, bytes, (long)page_bytes * 2, MREMAP_MAYMOVE | MREMAP_FIXED, mine, 0);
      break;
    case 6:
      got = call(SYS_madvise, there, bytes, MADV_DONTNEED, 0, 0, 0);
      break;
    default: /* from below or above, over the border */
      got = call(SYS_munmap, there, bytes + (long)(one_in(2) ? foreign_size : 0), 0, 0, 0, 0);
      break;
  }
  refused++;
  if (got >= 0) differs("another's memory", (long)((uintptr_t)there - foreign), -1, got);
}

/* A forked child has all of it, and changes nothing of its parent's. */
static void fork_and_check(void) {
  const pid_t child = fork();
  if (child == 0) {
    check_all();
    for (unsigned i = 0; i < WINDOW; i++)
      if (window[i].kind == ANONYMOUS && (window[i].protection & PROT_WRITE) != 0) *(uint32_t *)address(i) = 7;
    expect(0, call(SYS_munmap, (long)base, (long)(WINDOW * page_bytes), 0, 0, 0, 0));
    _exit(differences > 0);
  }
  int status = -1;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) differs("forked child", -1, 0, status);
  check_all();
}

struct operation {
  const char *name;
  void (*run)(void);
  unsigned weight;
};

static const struct operation operations[] = {
    {"mmap at a fixed address", map_fixed, 20},
    {"mmap", map_anywhere, 10},
    {"munmap", unmap, 10},
    {"mprotect", protect, 14},
    {"mlock", lock, 4},
    {"munlock", unlock, 3},
    {"MADV_DONTNEED", let_go, 8},
    {"populate", populate, 6},
    {"store", store, 12},
    {"mremap", remap, 12},
    {"brk", step_break, 4},
    {"wrong arguments", wrong, 6},
    {"another's memory", attack, 10},
};

static void do_one(void) {
  unsigned sum = 0, chosen;
  for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) sum += operations[i].weight;
  chosen = below(sum);
  const struct operation *operation = operations;
  for (; chosen >= operation->weight; operation++) chosen -= operation->weight;
  doing = operation->name;
  operation->run();
}

static void prepare(void) {
  page_bytes = (size_t)sysconf(_SC_PAGESIZE);
  find_out_about_holes();
  file = (int)syscall(SYS_memfd_create, "model", 0);
  if (file < 0 || ftruncate(file, (off_t)(FILE_PAGES * page_bytes)) != 0 || pipe(pipe_ends) != 0) _exit(3);
  for (unsigned i = 0; i < FILE_PAGES; i++) {
    file_values[i] = (uint32_t)next() | 1;
    const off_t begin = (off_t)(i * page_bytes), end = begin + (off_t)page_bytes - 4;
    if (pwrite(file, &file_values[i], 4, begin) != 4 || pwrite(file, &file_values[i], 4, end) != 4) _exit(3);
  }
  /* With a page before and behind that stays, so that nothing is placed over the window's ends. */
  const long whole = (long)((WINDOW + 2) * page_bytes);
  const long got = call(SYS_mmap, 0, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (got < 0) _exit(3);
  base = (uintptr_t)got + page_bytes;
  for (unsigned i = 0; i < WINDOW; i++) window[i].kind = ANONYMOUS;
  const uintptr_t now = (uintptr_t)call(SYS_brk, 0, 0, 0, 0, 0, 0);
  break_base = (now + page_bytes - 1) / page_bytes * page_bytes;
  expect((long)break_base, call(SYS_brk, (long)break_base, 0, 0, 0, 0, 0));
}

int main(int argc, char **argv) {
  if (argc != 3 && argc != 5) return 2;
  state = seed = strtoull(argv[1], NULL, 0);
  const long steps = strtol(argv[2], NULL, 0);
  if (argc == 5) {
    foreign = (uintptr_t)strtoull(argv[3], NULL, 0);
    foreign_size = (uintptr_t)strtoull(argv[4], NULL, 0);
  }
  struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
  prepare();
  for (step = 0; step < steps && differences == 0; step++) {
    do_one();
    if (step % CHECKED_EVERY == CHECKED_EVERY - 1) check_all();
    if (step % (16 * CHECKED_EVERY) == 0) fork_and_check();
  }
  char line[160];
  snprintf(line, sizeof line, "%ld steps, %u calls succeeded, %u failed as they have to, differences %u\n", step,
           succeeded, refused, differences);
  say(line);
  return 0;
}
