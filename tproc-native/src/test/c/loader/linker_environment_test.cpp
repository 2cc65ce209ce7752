#include <doctest/doctest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

extern "C" {
#include "loader/linker_environment.h"
}

namespace {

using Strings = std::vector<const char *>;

struct Copy {
  std::unique_ptr<char *, void (*)(void *)> variables;

  explicit Copy(Strings environment) : variables(nullptr, std::free) {
    environment.push_back(nullptr);
    variables.reset(linker_environment_copy(environment.data()));
    REQUIRE(variables != nullptr);
  }
  bool is(Strings environment) const {
    environment.push_back(nullptr);
    return linker_environment_is(variables.get(), environment.data());
  }
  bool harmless() const { return linker_environment_is_harmless(variables.get()); }
};

}  // namespace

TEST_SUITE_BEGIN("linker_environment");

TEST_CASE("what a linker reads is kept, in its order, and nothing else") {
  const Copy copy({"HOME=/", "LD_PRELOAD=/a.so", "GLIBC_TUNABLES=x=1", "MALLOC_ARENA_MAX=1", "OLD_LD_X=1"});
  char **variables = copy.variables.get();
  CHECK(std::string(variables[0]) == "LD_PRELOAD=/a.so");
  CHECK(std::string(variables[1]) == "GLIBC_TUNABLES=x=1");
  CHECK(std::string(variables[2]) == "MALLOC_ARENA_MAX=1");
  CHECK(variables[3] == nullptr);
  CHECK(Copy({}).variables.get()[0] == nullptr);
}

TEST_CASE("an environment is the same when a linker reads the same") {
  const Copy copy({"A=1", "LD_BIND_NOW=1", "MALLOC_CHECK_=3"});
  CHECK(copy.is({"LD_BIND_NOW=1", "B=2", "MALLOC_CHECK_=3"}));
  CHECK_FALSE(copy.is({"MALLOC_CHECK_=3", "LD_BIND_NOW=1"}));
  CHECK_FALSE(copy.is({"LD_BIND_NOW=1"}));
  CHECK_FALSE(copy.is({"LD_BIND_NOW=1", "MALLOC_CHECK_=3", "LD_DEBUG=all"}));
  CHECK_FALSE(copy.is({"LD_BIND_NOW=", "MALLOC_CHECK_=3"}));
  CHECK(Copy({"A=1"}).is({}));
}

TEST_CASE("harmless is what neither looks in directories nor writes") {
  CHECK(Copy({}).harmless());
  CHECK(Copy({"LD_BIND_NOW=1", "GLIBC_TUNABLES=x=1", "MALLOC_ARENA_MAX=1"}).harmless());
  CHECK(Copy({"LD_PRELOAD=/a.so:/b.so /c.so"}).harmless());
  CHECK(Copy({"LD_PRELOAD="}).harmless());
  for (const char *variable : {"LD_PRELOAD=a.so", "LD_PRELOAD=/a.so ./b.so", "LD_LIBRARY_PATH=/lib", "LD_DEBUG=all",
                               "LD_AUDIT=/a.so", "LD_BIND_NOT=1", "LD_PROFILE=x"}) {
    CAPTURE(variable);
    CHECK_FALSE(Copy({variable}).harmless());
  }
}

TEST_SUITE_END();
