#include <doctest/doctest.h>
#include <sys/syscall.h>

#include <cerrno>
#include <string>
#include <vector>

#include "support/hosting.h"
#include "support/own_process.h"
#include "support/resources.h"
#include "support/system_call_filter.h"

namespace {

// Everything that has to know who asks: threads, forked and vforked children, descriptors.
void use_all(Host &host) {
  for (const char *mode : {"flags", "thread", "fork", "break", "execute", "executable"})
    EXPECT_EQUAL(mode + (": " + host.output_of(Launch(test_program("calls"), {mode}))), mode + std::string(": done\n"));
}

void without(const std::vector<Forbidden> &calls) {
  in_own_process([&calls] {
    forbid(calls);
    Host host;
    host.output_of(Launch(test_program("calls"), {"controls"}));
    const Resources before = Resources::settled();
    use_all(host);
    EXPECT_EQUAL(left_behind(before), "");
  });
}

}  // namespace

TEST_SUITE_BEGIN("target");

TEST_CASE("without kcmp") {
  without({{SYS_kcmp, EPERM}});
  without({{SYS_kcmp, ENOSYS}});
}

TEST_CASE("without pidfd_getfd") {
  without({{SYS_pidfd_getfd, EPERM}});
  without({{SYS_pidfd_getfd, ENOSYS}});
}

TEST_CASE("without both, and without clone3: Docker's default profile") {
  without({{SYS_kcmp, EPERM}, {SYS_pidfd_getfd, EPERM}, {SYS_clone3, ENOSYS}});
}

TEST_CASE("as an ordinary user") {
  in_own_process([] {
    become_ordinary_user();
    forbid({{SYS_kcmp, EPERM}, {SYS_pidfd_getfd, EPERM}});
    Host host;
    use_all(host);
  });
}

TEST_SUITE_END();
