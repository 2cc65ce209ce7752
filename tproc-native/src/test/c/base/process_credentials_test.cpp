#include <doctest/doctest.h>
#include <grp.h>
#include <unistd.h>

#include "support/own_process.h"

extern "C" {
#include "base/process_credentials.h"
}

TEST_SUITE_BEGIN("process_credentials");

TEST_CASE("a process's users and groups are the kernel's") {
  process_credentials credentials{};
  REQUIRE(process_credentials_read(getpid(), &credentials));
  uid_t users[3];
  gid_t groups[3];
  REQUIRE(getresuid(&users[0], &users[1], &users[2]) == 0);
  REQUIRE(getresgid(&groups[0], &groups[1], &groups[2]) == 0);
  for (int i = 0; i < PROCESS_ID_COUNT; i++) {
    CHECK(credentials.users[i] == users[i]);
    CHECK(credentials.groups[i] == groups[i]);
  }
  CHECK(credentials.supplementary_count == static_cast<size_t>(getgroups(0, nullptr)));
}

TEST_CASE("ids that differ, many groups, and capabilities that were given up") {
  if (geteuid() != 0) return; /* only root has others to show */
  in_own_process([] {
    gid_t many[PROCESS_GROUPS_MAX + 6];
    for (gid_t i = 0; i < PROCESS_GROUPS_MAX + 6; i++) many[i] = 3000 + i;
    EXPECT_EQUAL(setgroups(PROCESS_GROUPS_MAX + 6, many), 0);
    EXPECT_EQUAL(setresgid(21, 22, 23), 0);
    EXPECT_EQUAL(setresuid(11, 12, 13), 0);
    process_credentials credentials{};
    EXPECT(process_credentials_read(getpid(), &credentials));
    EXPECT_EQUAL(credentials.users[PROCESS_REAL], 11u);
    EXPECT_EQUAL(credentials.users[PROCESS_EFFECTIVE], 12u);
    EXPECT_EQUAL(credentials.users[PROCESS_SAVED], 13u);
    EXPECT_EQUAL(credentials.groups[PROCESS_EFFECTIVE], 22u);
    EXPECT_EQUAL(credentials.groups[PROCESS_SAVED], 23u);
    EXPECT_EQUAL(credentials.supplementary_count, static_cast<size_t>(PROCESS_GROUPS_MAX));
    EXPECT_EQUAL(credentials.supplementary[PROCESS_GROUPS_MAX - 1], 3000u + PROCESS_GROUPS_MAX - 1);
    EXPECT_EQUAL(credentials.capabilities, uint64_t{0});
  });
}

TEST_CASE("a process that does not exist has none") {
  process_credentials credentials{};
  CHECK_FALSE(process_credentials_read(0x7ffffff0, &credentials));
}

TEST_SUITE_END();
