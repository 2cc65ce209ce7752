// A crash in words: as io.tproc.CrashReport has them, whose test says the same lines.
#include <doctest/doctest.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

extern "C" {
#include "host/crash_text.h"
}

TEST_SUITE_BEGIN("crash text");

namespace {

std::string text_of(const tproc_crash &crash) {
  char text[CRASH_TEXT_SIZE];
  return std::string(text, crash_text_write(&crash, text));
}

tproc_crash crash_by(int signal, int code) {
  tproc_crash crash{};
  crash.signal = signal;
  crash.code = code;
  crash.tid = 42;
  crash.program_counter = 0x77;
  return crash;
}

tproc_crash null_pointer() {
  tproc_crash crash = crash_by(SIGSEGV, SEGV_MAPERR);
  crash.has_address = 1;
  crash.address = 16;
  crash.offset = 0x1139;
  std::strcpy(crash.owner, "null pointer");
  std::strcpy(crash.file, "/opt/x");
  return crash;
}

}  // namespace

TEST_CASE("signal, address, place and thread; the registers") {
  tproc_crash crash = null_pointer();
  crash.register_count = 2;
  std::strcpy(crash.registers[0].name, "rip");
  crash.registers[0].value = 0x5550;
  std::strcpy(crash.registers[1].name, "rax");
  crash.registers[1].value = UINT64_MAX;
  CHECK(text_of(crash) ==
        "SIGSEGV (SEGV_MAPERR), accessing 0x10 (null pointer), in /opt/x+0x1139, thread 42\n"
        "rip=0x5550 rax=0xffffffffffffffff");
  crash.overflows = 1;
  CHECK(text_of(crash).find("stack overflow, accessing 0x10 (null pointer), in ") != std::string::npos);
}

TEST_CASE("without an address and without a file") {
  CHECK(text_of(crash_by(SIGABRT, SI_TKILL)) == "SIGABRT (SI_TKILL), at 0x77, thread 42");
}

TEST_CASE("codes have their names, or are numbers") {
  const struct {
    int signal, code;
    const char *name;
  } cases[] = {
      {SIGILL, 2, "SIGILL (ILL_ILLOPN)"},    {SIGTRAP, 1, "SIGTRAP (TRAP_BRKPT)"},  {SIGBUS, 2, "SIGBUS (BUS_ADRERR)"},
      {SIGFPE, 1, "SIGFPE (FPE_INTDIV)"},    {SIGSEGV, 2, "SIGSEGV (SEGV_ACCERR)"}, {SIGSYS, 1, "SIGSYS (SYS_SECCOMP)"},
      {SIGSEGV, 128, "SIGSEGV (SI_KERNEL)"}, {SIGSEGV, 0, "SIGSEGV (SI_USER)"},     {SIGABRT, -1, "SIGABRT (SI_QUEUE)"},
      {SIGSEGV, 99, "SIGSEGV (99)"},         {SIGABRT, 1, "SIGABRT (1)"},
  };
  for (const auto &each : cases) CHECK(text_of(crash_by(each.signal, each.code)).find(each.name) == 0);
}

TEST_CASE("a file's name cannot begin another line, nor tell the terminal something; everything fits") {
  tproc_crash crash = null_pointer();
  std::strcpy(crash.file,
              "/a\nb\x1b[2J\xc2\x9b"
              "31m\xc3\xa4");
  CHECK(text_of(crash).find("in /a\\nb\\x1b[2J\\xc2\\x9b31m\xc3\xa4+0x1139, ") != std::string::npos);
  std::memset(crash.file, '\x1b', sizeof crash.file - 1);
  std::memset(crash.owner, '\x1b', sizeof crash.owner - 1);
  crash.register_count = TPROC_REGISTERS_MAX;
  for (tproc_register &each : crash.registers) each = {"longest", UINT64_MAX};
  const std::string text = text_of(crash);
  CHECK(text.size() < CRASH_TEXT_SIZE - 1);
  CHECK(text.substr(text.size() - 18) == "0xffffffffffffffff");
}

TEST_SUITE_END();
