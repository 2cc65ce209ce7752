#include <doctest/doctest.h>
#include <elf.h>
#include <sys/auxv.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "support/elf_builder.h"
#include "support/proc_maps.h"

extern "C" {
#include "loader/entry_stack.h"
}

namespace {

using Strings = std::vector<std::string>;

/* A NULL-terminated array of C strings. */
class Vector {
 public:
  explicit Vector(const Strings &strings) : strings_(strings) {
    for (const std::string &each : strings_) pointers_.push_back(each.c_str());
    pointers_.push_back(nullptr);
  }
  const char *const *get() const { return pointers_.data(); }

 private:
  Strings strings_;
  std::vector<const char *> pointers_;
};

/* What a program's start-up code would make of an entry stack. */
struct Parsed {
  uint64_t argc = 0;
  std::vector<const char *> argv, envp;
  std::vector<std::pair<uint64_t, uint64_t>> auxv;
  uint64_t end_of_table = 0;

  explicit Parsed(uint64_t pointer) {
    const uint64_t *at = reinterpret_cast<const uint64_t *>(pointer);
    argc = *at++;
    for (uint64_t i = 0; i < argc; i++) argv.push_back(reinterpret_cast<const char *>(*at++));
    CHECK(*at++ == 0);
    while (*at != 0) envp.push_back(reinterpret_cast<const char *>(*at++));
    at++;
    for (; at[0] != AT_NULL; at += 2) auxv.emplace_back(at[0], at[1]);
    CHECK(at[1] == 0);
    end_of_table = reinterpret_cast<uint64_t>(at + 2);
  }

  std::vector<uint64_t> all(uint64_t type) const {
    std::vector<uint64_t> values;
    for (const auto &entry : auxv)
      if (entry.first == type) values.push_back(entry.second);
    return values;
  }
  uint64_t only(uint64_t type) const {
    CAPTURE(type);
    const std::vector<uint64_t> values = all(type);
    REQUIRE(values.size() == 1);
    return values[0];
  }
};

struct Fixture {
  Area area{16u << 20, PROT_READ | PROT_WRITE};
  host_auxv host{};
  image program{};
  image interpreter{};
  entry_stack built{};
  tproc_error error{};
  entry_stack_content content{};

  Fixture() {
    host_auxv_read(&host);
    program = {0x1000000, 0x1000000, 0x1100000, 0x1000200, 0x1000040};
    interpreter = {0x7000000, 0x7000000, 0x7100000, 0x7000300, 0x7000040};
    content.execfn = "/usr/bin/example";
    content.host = &host;
    content.program = &program;
    content.program_header_count = 11;
    content.interpreter = &interpreter;
    content.abi.magic = TPROC_ABI_MAGIC;
    content.abi.version = TPROC_ABI_VERSION;
    content.abi.size = sizeof(tproc_abi);
    content.abi.scratch = 0x5000;
    content.abi.scratch_size = TPROC_SCRATCH_SIZE;
    content.abi.host_pid = 77;
  }

  int build(const Strings &arguments, const Strings &environment) {
    const Vector argv(arguments), envp(environment);
    content.argv = argv.get();
    content.envp = envp.get();
    return entry_stack_build({area.low(), area.high()}, &content, &built, &error);
  }
};

int check_size(const Strings &arguments, const Strings &environment, uint64_t stack_limit, argument_size *size,
               tproc_error *error) {
  const Vector argv(arguments), envp(environment);
  return argument_size_check(argv.get(), envp.get(), stack_limit, size, error);
}

constexpr uint64_t kMiB = 1u << 20;

/* The kernel's rule counts each string with its NUL and a pointer. */
Strings strings_of_total(uint64_t total) {
  Strings strings;
  const uint64_t largest = 32 * test_page();
  while (total > 0) {
    const uint64_t one = total < largest + 8 ? total : total < 2 * largest ? total / 2 : largest;
    strings.push_back(std::string(one - 9, 's'));
    total -= one;
  }
  return strings;
}

}  // namespace

TEST_SUITE_BEGIN("entry_stack");

TEST_CASE("argc, argv and envp as the program finds them") {
  Fixture fixture;
  REQUIRE(fixture.build({"name", "", "two words", std::string(5000, 'l')}, {"A=1", "", "NOEQUALS", "B="}) == 0);
  Parsed parsed(fixture.built.pointer);
  CHECK(fixture.built.pointer % 16 == 0);
  CHECK(parsed.argc == 4);
  REQUIRE(parsed.argv.size() == 4);
  CHECK(std::string(parsed.argv[0]) == "name");
  CHECK(std::string(parsed.argv[1]) == "");
  CHECK(std::string(parsed.argv[2]) == "two words");
  CHECK(std::string(parsed.argv[3]) == std::string(5000, 'l'));
  REQUIRE(parsed.envp.size() == 4);
  CHECK(std::string(parsed.envp[0]) == "A=1");
  CHECK(std::string(parsed.envp[1]) == "");
  CHECK(std::string(parsed.envp[2]) == "NOEQUALS");
  CHECK(std::string(parsed.envp[3]) == "B=");
}

TEST_CASE("strings stand as the kernel puts them: argv, envp and execfn one after the other, up to the end") {
  Fixture fixture;
  REQUIRE(fixture.build({"a", "bb", "ccc"}, {"X=1", "YY=2"}) == 0);
  Parsed parsed(fixture.built.pointer);
  CHECK(parsed.argv[1] == parsed.argv[0] + 2);
  CHECK(parsed.argv[2] == parsed.argv[1] + 3);
  CHECK(parsed.envp[0] == parsed.argv[2] + 4);
  CHECK(parsed.envp[1] == parsed.envp[0] + 4);
  const char *execfn = reinterpret_cast<const char *>(parsed.only(AT_EXECFN));
  CHECK(execfn == parsed.envp[1] + 5);
  CHECK(reinterpret_cast<uint64_t>(execfn) + std::strlen(execfn) + 1 == fixture.area.high() - 8);
  uint64_t last = 1;
  std::memcpy(&last, reinterpret_cast<void *>(fixture.area.high() - 8), 8);
  CHECK(last == 0);
}

TEST_CASE("an empty environment, and a single argument that is empty") {
  Fixture fixture;
  REQUIRE(fixture.build({""}, {}) == 0);
  Parsed parsed(fixture.built.pointer);
  CHECK(parsed.argc == 1);
  CHECK(std::string(parsed.argv[0]) == "");
  CHECK(parsed.envp.empty());
  CHECK(std::string(reinterpret_cast<const char *>(parsed.only(AT_EXECFN))) == "/usr/bin/example");
}

TEST_CASE("the stack pointer is aligned for every number of strings") {
  Fixture fixture;
  for (size_t arguments = 1; arguments < 5; arguments++) {
    for (size_t variables = 0; variables < 5; variables++) {
      REQUIRE(fixture.build(Strings(arguments, "argument"), Strings(variables, "V=1")) == 0);
      CHECK(fixture.built.pointer % 16 == 0);
      Parsed parsed(fixture.built.pointer);
      CHECK(parsed.argv.size() == arguments);
      CHECK(parsed.envp.size() == variables);
    }
  }
}

TEST_CASE("the auxiliary vector tells about this program") {
  Fixture fixture;
  REQUIRE(fixture.build({"x"}, {}) == 0);
  Parsed parsed(fixture.built.pointer);
  CHECK(parsed.only(AT_PHDR) == 0x1000040);
  CHECK(parsed.only(AT_PHENT) == sizeof(Elf64_Phdr));
  CHECK(parsed.only(AT_PHNUM) == 11);
  CHECK(parsed.only(AT_BASE) == 0x7000000);
  CHECK(parsed.only(AT_ENTRY) == 0x1000200);
  CHECK(parsed.only(AT_FLAGS) == 0);
  CHECK(parsed.only(AT_SECURE) == 0);
  CHECK(parsed.only(TPROC_AT_SCRATCH) == 0x5000);
  CHECK(parsed.all(AT_EXECFD).empty());
}

TEST_CASE("a static program has no base") {
  Fixture fixture;
  fixture.content.interpreter = nullptr;
  REQUIRE(fixture.build({"x"}, {}) == 0);
  CHECK(Parsed(fixture.built.pointer).only(AT_BASE) == 0);
}

TEST_CASE("what the kernel told the host about the machine is told on") {
  Fixture fixture;
  REQUIRE(fixture.build({"x"}, {}) == 0);
  Parsed parsed(fixture.built.pointer);
  std::map<uint64_t, uint64_t> host;
  for (size_t i = 0; i < fixture.host.count; i++) host[fixture.host.entries[i].type] = fixture.host.entries[i].value;
  for (uint64_t type : {AT_PAGESZ, AT_CLKTCK, AT_HWCAP, AT_HWCAP2, AT_SYSINFO_EHDR, AT_PLATFORM, AT_MINSIGSTKSZ, AT_UID,
                        AT_EUID, AT_GID, AT_EGID, 27 /* AT_RSEQ_FEATURE_SIZE */, 28 /* AT_RSEQ_ALIGN */}) {
    CAPTURE(type);
    if (host.count(type) == 1)
      CHECK(parsed.only(type) == host[type]);
    else
      CHECK(parsed.all(type).empty());
  }
}

TEST_CASE("every type occurs once, also when the host is itself a threadproc") {
  Fixture fixture;
  fixture.host.entries[fixture.host.count++] = {TPROC_AT_SCRATCH, 0xbad};
  fixture.host.entries[fixture.host.count++] = {TPROC_AT_ABI, 0xbad};
  REQUIRE(fixture.build({"x"}, {}) == 0);
  Parsed parsed(fixture.built.pointer);
  for (const auto &entry : parsed.auxv) {
    CHECK(parsed.only(entry.first) == entry.second);
    CHECK(entry.second != 0xbad);
  }
}

TEST_CASE("the host's auxiliary vector may be full") {
  Fixture fixture;
  while (fixture.host.count < HOST_AUXV_MAX) {
    const size_t at = fixture.host.count++;
    fixture.host.entries[at] = {1000 + at, at};
  }
  REQUIRE(fixture.build({"x"}, {"A=1"}) == 0);
  Parsed parsed(fixture.built.pointer);
  CHECK(parsed.only(1000 + HOST_AUXV_MAX - 1) == HOST_AUXV_MAX - 1);
  CHECK(parsed.end_of_table <= reinterpret_cast<uint64_t>(fixture.built.abi));
}

TEST_CASE("AT_RANDOM points to 16 bytes that differ each time") {
  Fixture fixture;
  std::vector<std::string> seen;
  for (int i = 0; i < 3; i++) {
    REQUIRE(fixture.build({"x"}, {}) == 0);
    const uint64_t at = Parsed(fixture.built.pointer).only(AT_RANDOM);
    CHECK(at != getauxval(AT_RANDOM));
    CHECK((at > fixture.area.low() && at + 16 < fixture.area.high()));
    seen.emplace_back(reinterpret_cast<const char *>(at), 16);
  }
  CHECK(seen[0] != seen[1]);
  CHECK(seen[1] != seen[2]);
  CHECK(seen[0] != std::string(16, '\0'));
}

TEST_CASE("the host's own block is on the stack") {
  Fixture fixture;
  REQUIRE(fixture.build({"x"}, {}) == 0);
  const uint64_t at = Parsed(fixture.built.pointer).only(TPROC_AT_ABI);
  CHECK(at == reinterpret_cast<uint64_t>(fixture.built.abi));
  CHECK(at % alignof(tproc_abi) == 0);
  CHECK(std::memcmp(fixture.built.abi, &fixture.content.abi, sizeof(tproc_abi)) == 0);
}

TEST_CASE("nothing overlaps: table, block, random bytes and strings follow one another") {
  Fixture fixture;
  REQUIRE(fixture.build({"x", "y"}, {"A=1"}) == 0);
  Parsed parsed(fixture.built.pointer);
  const uint64_t block = parsed.only(TPROC_AT_ABI), random = parsed.only(AT_RANDOM);
  CHECK(parsed.end_of_table <= block);
  CHECK(block + sizeof(tproc_abi) <= random);
  CHECK(random + 16 <= reinterpret_cast<uint64_t>(parsed.argv[0]));
}

TEST_CASE("nothing below the stack pointer is written, and nothing outside the stack") {
  Fixture fixture;
  std::memset(reinterpret_cast<void *>(fixture.area.low()), 0xee, 16u << 20);
  const Vector argv({"x", std::string(3000, 'y')}), envp({"A=1"});
  fixture.content.argv = argv.get();
  fixture.content.envp = envp.get();
  const address_range stack = {fixture.area.low() + (1u << 20), fixture.area.high() - (1u << 20)};
  REQUIRE(entry_stack_build(stack, &fixture.content, &fixture.built, &fixture.error) == 0);
  auto untouched = [](uint64_t low, uint64_t high) {
    for (uint64_t at = low; at < high; at++)
      if (*reinterpret_cast<unsigned char *>(at) != 0xee) return false;
    return true;
  };
  CHECK(untouched(fixture.area.low(), fixture.built.pointer));
  CHECK(untouched(stack.high, fixture.area.high()));
}

TEST_CASE("a stack that is too small is refused, at every size, and never overrun") {
  Fixture fixture;
  const Vector argv({"x", std::string(1000, 'y')}), envp({"A=1", std::string(500, 'z')});
  fixture.content.argv = argv.get();
  fixture.content.envp = envp.get();
  uint64_t fits_from = 0;
  for (uint64_t size = 0; size < 8192; size += 8) {
    const uint64_t low = fixture.area.high() - size;
    std::memset(reinterpret_cast<void *>(low - 256), 0xee, 256);
    const int result = entry_stack_build({low, fixture.area.high()}, &fixture.content, &fixture.built, &fixture.error);
    for (uint64_t at = low - 256; at < low; at++) REQUIRE(*reinterpret_cast<unsigned char *>(at) == 0xee);
    if (result == 0) {
      if (fits_from == 0) fits_from = size;
    } else {
      REQUIRE(result == -E2BIG);
      REQUIRE(fits_from == 0);
      REQUIRE(std::string(fixture.error.message) ==
              "arguments and environment do not fit on the stack: Argument list too long (E2BIG)");
    }
  }
  CHECK(fits_from > 1500);
}

TEST_CASE("sizes are counted as the kernel counts them") {
  argument_size size;
  CHECK(check_size({"ab", ""}, {"C=1"}, 8 * kMiB, &size, nullptr) == 0);
  CHECK(size.bytes == 3 + 1 + 4);
  CHECK(size.strings == 3);
}

TEST_CASE("the longest single string, and one byte more") {
  const size_t longest = 32 * test_page() - 1;
  argument_size size;
  tproc_error error{};
  CHECK(check_size({"x", std::string(longest, 'y')}, {}, 8 * kMiB, &size, &error) == 0);
  CHECK(check_size({"x", std::string(longest + 1, 'y')}, {}, 8 * kMiB, &size, &error) == -E2BIG);
  CHECK(std::string(error.message) == "argv[1] has " + std::to_string(longest + 2) +
                                          " bytes, the kernel's limit for one string is " +
                                          std::to_string(longest + 1) + ": Argument list too long (E2BIG)");
  CHECK(check_size({"x"}, {"A=1", std::string(longest, 'y')}, 8 * kMiB, &size, &error) == 0);
  CHECK(check_size({"x"}, {"A=1", std::string(longest + 1, 'y')}, 8 * kMiB, &size, &error) == -E2BIG);
  CHECK(std::string(error.message).find("environment[1] has ") == 0);
}

TEST_CASE("the limit on all of them: a quarter of the stack, at least 128 KiB, at most 6 MiB") {
  struct {
    uint64_t stack_limit, limit;
  } const cases[] = {{8 * kMiB, 2 * kMiB}, {4 * kMiB, kMiB},      {kMiB / 2, kMiB / 8},  {4096, kMiB / 8},
                     {0, kMiB / 8},        {24 * kMiB, 6 * kMiB}, {1ull << 40, 6 * kMiB}};
  for (const auto &each : cases) {
    CAPTURE(each.stack_limit);
    argument_size size;
    tproc_error error{};
    CHECK(check_size(strings_of_total(each.limit), {}, each.stack_limit, &size, &error) == 0);
    CHECK(size.bytes + 8 * size.strings == each.limit);
    CHECK(check_size(strings_of_total(each.limit - 20), strings_of_total(20), each.stack_limit, &size, &error) == 0);
    CHECK(check_size(strings_of_total(each.limit + 1), {}, each.stack_limit, &size, &error) == -E2BIG);
    CHECK(std::string(error.message) == "arguments and environment take " + std::to_string(each.limit + 1) +
                                            " bytes, the limit is " + std::to_string(each.limit) +
                                            ": Argument list too long (E2BIG)");
    CHECK(check_size(strings_of_total(each.limit - 20), strings_of_total(21), each.stack_limit, &size, &error) ==
          -E2BIG);
  }
}

TEST_CASE("many empty strings count by their pointers") {
  argument_size size;
  const size_t most = 2 * kMiB / 9;
  CHECK(check_size(Strings(most, ""), {}, 8 * kMiB, &size, nullptr) == 0);
  CHECK(check_size(Strings(most + 1, ""), {}, 8 * kMiB, &size, nullptr) == -E2BIG);
}

TEST_CASE("with room, another program's arguments and variables take the place of the first") {
  Fixture fixture;
  fixture.content.room = {256, 4096};
  REQUIRE(fixture.build({"first"}, {"LD_BIND_NOW=1"}) == 0);
  entry_stack first = fixture.built;
  Parsed before(first.pointer);
  CHECK(before.argc == 1);
  CHECK(std::string(before.envp[0]) == "LD_BIND_NOW=1");
  for (size_t i = 1; i < before.envp.size(); i++) CHECK(std::string(before.envp[i]).empty());

  const Vector argv({"second", "with", "words"}), envp({"A=1", "B=2"});
  fixture.content.argv = argv.get();
  fixture.content.envp = envp.get();
  fixture.content.execfn = "/usr/bin/second";
  fixture.content.abi.pid = 4711;
  REQUIRE(entry_stack_rewrite(&first, &fixture.content, &fixture.error) == 0);
  Parsed after(first.pointer);
  REQUIRE(after.argv.size() == 3);
  CHECK(std::string(after.argv[2]) == "words");
  REQUIRE(after.envp.size() == 2);
  CHECK(std::string(after.envp[1]) == "B=2");
  CHECK(after.only(AT_RANDOM) == before.only(AT_RANDOM));
  CHECK(after.only(AT_ENTRY) == before.only(AT_ENTRY));
  CHECK(std::string(reinterpret_cast<const char *>(after.only(AT_EXECFN))) == "/usr/bin/second");
  CHECK(after.end_of_table <= first.texts.auxv);
  CHECK(first.abi->pid == 4711);
  CHECK(first.texts.arguments.low == reinterpret_cast<uint64_t>(after.argv[0]));
  CHECK(range_size(first.texts.arguments) == sizeof "second" + sizeof "with" + sizeof "words");
  CHECK(first.texts.environment.low == reinterpret_cast<uint64_t>(after.envp[0]));
  CHECK(range_size(first.texts.environment) == sizeof "A=1" + sizeof "B=2");
}

TEST_CASE("what has no room is refused, and the stack is as it was") {
  Fixture fixture;
  fixture.content.room = {128, 4096};
  REQUIRE(fixture.build({"first"}, {}) == 0);
  entry_stack first = fixture.built;
  for (const Strings &words : {Strings(1, std::string(4100, 's')), Strings(128, "s")}) {
    const Vector argv(words), envp({});
    fixture.content.argv = argv.get();
    fixture.content.envp = envp.get();
    CHECK(entry_stack_rewrite(&first, &fixture.content, &fixture.error) == -E2BIG);
    CHECK(std::string(fixture.error.message).find("no room for ") == 0);
    CHECK(std::string(Parsed(first.pointer).argv[0]) == "first");
  }
}

TEST_CASE("arguments that are added leave the first ones where they are") {
  Fixture fixture;
  fixture.content.room = {1, 4096};
  REQUIRE(fixture.build({"first", "word"}, {"A=1"}) == 0);
  entry_stack first = fixture.built;
  const Vector argv({"second", "with", "words"}), envp({"A=2", "B=3"});
  fixture.content.argv = argv.get();
  fixture.content.envp = envp.get();
  fixture.content.abi.pid = 4711;
  uint64_t vector = 0;
  REQUIRE(entry_stack_add(&first, &fixture.content, &vector, &fixture.error) == 0);
  const Parsed before(first.pointer);
  REQUIRE(before.argv.size() == 2);
  CHECK(std::string(before.argv[1]) == "word");
  CHECK(std::string(before.envp[0]) == "A=1");
  CHECK(vector % sizeof(uint64_t) == 0);
  CHECK(vector >= first.room.low);
  const uint64_t *words = reinterpret_cast<const uint64_t *>(vector);
  const auto text = [&](int word) { return std::string(reinterpret_cast<const char *>(words[word])); };
  CHECK(words[0] == 3);
  CHECK(text(1) + text(2) + text(3) == "secondwithwords");
  CHECK(words[4] == 0);
  CHECK(text(5) + text(6) == "A=2B=3");
  CHECK(words[7] == 0);
  CHECK(words + 8 <= reinterpret_cast<const uint64_t *>(first.room.high));
  CHECK(first.abi->pid == 4711);
  CHECK(first.texts.arguments.low == words[1]);
  CHECK(range_size(first.texts.arguments) == sizeof "second" + sizeof "with" + sizeof "words");
  CHECK(first.texts.environment.low == words[5]);
}

TEST_CASE("arguments that have no room are not added: texts and words count") {
  Fixture fixture;
  fixture.content.room = {1, 4096};
  REQUIRE(fixture.build({"first"}, {}) == 0);
  uint64_t vector = 0;
  for (const Strings &words : {Strings(1, std::string(4080, 's')), Strings(450, "s")}) {
    const Vector argv(words), envp({});
    fixture.content.argv = argv.get();
    fixture.content.envp = envp.get();
    CHECK(entry_stack_add(&fixture.built, &fixture.content, &vector, &fixture.error) == -E2BIG);
    CHECK(std::string(fixture.error.message).find("no room for ") == 0);
  }
}

TEST_SUITE_END();
