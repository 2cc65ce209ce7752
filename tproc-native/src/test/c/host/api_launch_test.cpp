#include <doctest/doctest.h>
#include <sys/syscall.h>

#include <cerrno>
#include <string>

#include "support/hosting.h"
#include "support/own_process.h"
#include "support/resources.h"
#include "support/system_call_filter.h"

TEST_SUITE_BEGIN("api_launch");

TEST_CASE("a launch for which no thread can be had fails clearly, keeps nobody from the next, and leaves nothing") {
  in_own_process([] {
    Host host;
    const Resources before = Resources::settled();
    forbid({{SYS_clone3, EAGAIN}, {SYS_clone, EAGAIN}});
    for (int i = 0; i < 3; i++) { /* the second would wait for ever at a door that the first had kept */
      const Launched launched = host.launch(Launch(test_program("end"), {"exit", "0"}));
      EXPECT_EQUAL(launched.result, -EAGAIN);
      EXPECT(launched.message().find("start a thread for the launch (limit on threads)") != std::string::npos);
    }
    EXPECT_EQUAL(left_behind(before), "");
  });
}

TEST_SUITE_END();
