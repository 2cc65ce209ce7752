#include <doctest/doctest.h>
#include <link.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cstdint>
#include <string>

extern "C" {
#include "loader/linked_objects.h"
}

TEST_SUITE_BEGIN("linked_objects");

namespace {

struct List {
  file_list list{};
  ~List() { file_list_release(&list); }
};

// A program whose linker's list has one object, itself: without a name, and with a section of its own.
struct Linked {
  Linked() {
    section[0].d_tag = DT_DEBUG;
    section[0].d_un.d_ptr = reinterpret_cast<uint64_t>(&list);
    section[1].d_tag = DT_STRTAB;
    section[1].d_un.d_ptr = reinterpret_cast<uint64_t>(texts);
    header.p_type = PT_DYNAMIC;
    header.p_vaddr = reinterpret_cast<uint64_t>(section);
    program.program_headers = reinterpret_cast<uint64_t>(&header);
    list.r_map = &first;
    first.l_name = texts;
    first.l_ld = section;
  }
  Linked(const Linked &) = delete;
  Linked &operator=(const Linked &) = delete;

  bool add() { return linked_objects_add(&program, 1, &files.list); }

  List files;
  image program{};
  r_debug list{};
  link_map first{};
  ElfW(Dyn) section[4]{};
  ElfW(Phdr) header{};
  char texts[1] = "";
};

}  // namespace

TEST_CASE("of this process itself: its libraries, and the linker's own files") {
  const uint64_t base = getauxval(AT_BASE);
  if (base == 0 || access("/etc/ld.so.cache", R_OK) != 0) {
    MESSAGE("not run: this test is linked statically, or there is no /etc/ld.so.cache");
    return;
  }
  image program{};
  program.program_headers = getauxval(AT_PHDR);
  program.load_bias = static_cast<uint64_t>(_r_debug.r_map->l_addr);
  const auto count = static_cast<uint16_t>(getauxval(AT_PHNUM));
  size_t objects = 0;
  for (const link_map *each = _r_debug.r_map; each != nullptr; each = each->l_next)
    if (each->l_name[0] == '/') objects++;
  List files;
  REQUIRE(linked_objects_add(&program, count, &files.list));
  CHECK(files.list.count == objects + 2);
  CHECK(file_list_is_unchanged(&files.list));
}

TEST_CASE("what has no dynamic section, or none that can be read, is not told") {
  List files;
  image program{};
  CHECK_FALSE(linked_objects_add(&program, 0, &files.list));
  ElfW(Phdr) header{};
  program.program_headers = reinterpret_cast<uint64_t>(&header);
  CHECK_FALSE(linked_objects_add(&program, 1, &files.list));
  header.p_type = PT_DYNAMIC;
  header.p_vaddr = 8; /* where nothing is */
  CHECK_FALSE(linked_objects_add(&program, 1, &files.list));
  program.program_headers = 8;
  CHECK_FALSE(linked_objects_add(&program, 1, &files.list));
}

TEST_CASE("a linker's list that leads nowhere, or in a circle, is not told") {
  Linked linked;
  linked.list.r_map = nullptr;
  CHECK_FALSE(linked.add()); /* an empty list */
  linked.list.r_map = &linked.first;
  linked.first.l_next = &linked.first;
  CHECK_FALSE(linked.add());
  linked.first.l_next = reinterpret_cast<link_map *>(8);
  CHECK_FALSE(linked.add());
  linked.first.l_next = nullptr;
  linked.first.l_name = reinterpret_cast<char *>(8);
  CHECK_FALSE(linked.add());
}

TEST_CASE("a run path is not told") {
  Linked linked;
  linked.section[2].d_tag = DT_RUNPATH;
  CHECK_FALSE(linked.add());
  linked.section[2].d_tag = DT_NULL;
  CHECK(linked.add() == (access("/etc/ld.so.cache", R_OK) == 0));
}

TEST_CASE("of a program that has run, libraries count however they were found") {
  Linked linked;
  linked.section[2].d_tag = DT_RUNPATH;
  CHECK_FALSE(linked.add());
  CHECK(linked_objects_add_loaded(&linked.program, 1, &linked.files.list));
  CHECK(linked.files.list.count == 1); /* the list of what is preloaded */
  link_map second{};
  char relative[] = "./library.so", absolute[] = "/library.so";
  linked.first.l_next = &second;
  second.l_ld = linked.section;
  second.l_name = relative;
  CHECK_FALSE(linked_objects_add_loaded(&linked.program, 1, &linked.files.list));
  second.l_name = absolute;
  const size_t before = linked.files.list.count;
  CHECK(linked_objects_add_loaded(&linked.program, 1, &linked.files.list));
  CHECK(linked.files.list.count == before + 2);
}

TEST_SUITE_END();
