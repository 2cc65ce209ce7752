#include <doctest/doctest.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

#include <cerrno>

#include "support/elf_builder.h"
#include "support/own_process.h"

extern "C" {
#include "broker/target_segment.h"
}

namespace {

ipc_perm segment_with(unsigned mode) {
  ipc_perm segment{};
  segment.uid = 10;
  segment.gid = 20;
  segment.cuid = 11;
  segment.cgid = 21;
  segment.mode = static_cast<decltype(segment.mode)>(mode);
  return segment;
}

segment_rights rights_of(uid_t user, gid_t group) {
  segment_rights rights{};
  rights.user = user;
  rights.groups[0] = 99;
  rights.groups[1] = group;
  rights.group_count = 2;
  return rights;
}

bool allows(unsigned mode, uid_t user, gid_t group, int flags = 0) {
  const ipc_perm segment = segment_with(mode);
  const segment_rights rights = rights_of(user, group);
  return segment_allows(&segment, &rights, flags);
}

}  // namespace

TEST_SUITE_BEGIN("target_segment");

TEST_CASE("who may attach a segment: its owner, its group, others, as the kernel has it") {
  for (const uid_t owner : {10u, 11u}) {
    CHECK(allows(0600, owner, 1));
    CHECK_FALSE(allows(0400, owner, 1));
    CHECK(allows(0400, owner, 1, SHM_RDONLY));
    CHECK_FALSE(allows(0066, owner, 20)); /* the first that fits decides */
    CHECK_FALSE(allows(0600, owner, 1, SHM_RDONLY | SHM_EXEC));
    CHECK(allows(0700, owner, 1, SHM_EXEC));
  }
  for (const gid_t group : {20u, 21u}) {
    CHECK(allows(0060, 1, group));
    CHECK_FALSE(allows(0606, 1, group));
    CHECK_FALSE(allows(0040, 1, group));
  }
  CHECK(allows(0006, 1, 1));
  CHECK_FALSE(allows(0660, 1, 1));
  CHECK_FALSE(allows(0600, 0, 0)); /* it is not the user 0 that may all */
  const ipc_perm segment = segment_with(0);
  segment_rights rights = rights_of(1, 1);
  rights.owns_all = true;
  CHECK(segment_allows(&segment, &rights, SHM_EXEC));
}

TEST_CASE("a segment is looked up with the rights of the process that asks") {
  const int id = shmget(IPC_PRIVATE, 3 * test_page(), IPC_CREAT | 0600);
  if (id < 0) {
    MESSAGE("not tested: no System V shared memory here");
    return;
  }
  segment found{};
  CHECK(target_segment(getpid(), id, 0, &found) == 0);
  CHECK(found.id == id);
  CHECK(found.size == 3 * test_page());
  CHECK(target_segment(getpid(), -1, 0, &found) == -EINVAL);
  if (geteuid() == 0)
    in_own_process([id] {
      become_ordinary_user();
      segment own{};
      EXPECT_EQUAL(target_segment(getpid(), id, 0, &own), -EACCES);
      EXPECT_EQUAL(target_segment(getpid(), id, SHM_RDONLY, &own), -EACCES);
    });
  shmctl(id, IPC_RMID, nullptr);
}

TEST_SUITE_END();
