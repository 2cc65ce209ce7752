#include <doctest/doctest.h>
#include <elf.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <map>

extern "C" {
#include "loader/host_auxv.h"
}

TEST_SUITE_BEGIN("host_auxv");

TEST_CASE("every entry is what libc says, each type occurs once, and no end mark is among them") {
  host_auxv auxv;
  host_auxv_read(&auxv);
  REQUIRE(auxv.count > 10);
  REQUIRE(auxv.count < HOST_AUXV_MAX);
  std::map<unsigned long, unsigned long> seen;
  for (size_t i = 0; i < auxv.count; i++) {
    CAPTURE(auxv.entries[i].type);
    CHECK(auxv.entries[i].type != AT_NULL);
    CHECK(seen.emplace(auxv.entries[i].type, auxv.entries[i].value).second);
    /* On x86_64 glibc answers AT_HWCAP with bits of its own making. */
    if (auxv.entries[i].type != AT_HWCAP) CHECK(auxv.entries[i].value == getauxval(auxv.entries[i].type));
  }
  for (unsigned long type : {AT_PAGESZ, AT_CLKTCK, AT_UID, AT_HWCAP, AT_SYSINFO_EHDR, AT_PLATFORM, AT_MINSIGSTKSZ}) {
    CAPTURE(type);
    CHECK((seen.count(type) == 1 || getauxval(type) == 0));
  }
  CHECK(seen[AT_PAGESZ] == static_cast<unsigned long>(sysconf(_SC_PAGESIZE)));
}

TEST_SUITE_END();
