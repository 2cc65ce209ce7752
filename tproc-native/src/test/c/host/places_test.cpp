// Whole places and not single refused calls: containers' profiles with their capabilities, ways to mount /proc.
#include <doctest/doctest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <string>

#include "support/hosting.h"
#include "support/own_process.h"

namespace {

std::string verdicts() {
  tproc_finding findings[TPROC_FINDINGS_MAX];
  const size_t count = tproc_check(findings, TPROC_FINDINGS_MAX);
  std::string missing, launch = "no launch";
  for (size_t i = 0; i < count; i++) {
    if (findings[i].verdict == TPROC_MISSING) missing += std::string(findings[i].name) + " " + findings[i].value + "\n";
    if (std::string(findings[i].name) == "launch") launch = findings[i].value;
  }
  return missing + launch;
}

void host_programs_here() {
  Host host;
  for (const char *mode : {"flags", "thread", "fork", "execute", "executable"})
    EXPECT_EQUAL(mode + (": " + host.output_of(Launch(test_program("calls"), {mode}))), mode + std::string(": done\n"));
  EXPECT_EQUAL(host.output_of(Launch(test_program("dynamic_say"), {"x"})).empty(), false);
}

// What the check promises, and that it is so.
void host_here() {
  EXPECT_EQUAL(verdicts(), "yes");
  host_programs_here();
}

// Of a constant "/proc/self/exe" the execution fails: it cannot be written over there.
void host_limited_here() {
  EXPECT_EQUAL(verdicts(), "no exec");
  host_programs_here();
}

// The kernel would execute the host's own program, which ends well, too.
void host_undumpable_here() {
  become_ordinary_user();
  EXPECT_EQUAL(prctl(PR_SET_DUMPABLE, 0), 0);
  EXPECT_EQUAL(verdicts(), "no exec");
  Host host;
  EXPECT_EQUAL(host.output_of(Launch(test_program("calls"), {"execute-unseen"})), "done\n");
  EXPECT_EQUAL(host.output_of(Launch(test_program("calls"), {"fork"})), "done\n");
}

// Under the numbers that the host knows there are other processes in it.
void refuse_proc_here(const std::string &value) {
  EXPECT_EQUAL(verdicts().rfind("proc " + value + "\n", 0), 0u);
  tproc_host *host = nullptr;
  tproc_error error{};
  EXPECT_EQUAL(tproc_host_open(&host, &error), -ENOSYS);
  EXPECT_EQUAL(std::string(error.message).rfind("cannot open a host: proc: " + value + "; /proc has to be mounted", 0),
               0u);
}

// The change of a user is a root's matter.
void host_daemons_here() {
  Host host;
  for (int i = 0; i < 2; i++) EXPECT_EQUAL(host.output_of(Launch(test_program("calls"), {"user"})), "done\n");
}

const char kContainer[] =
    "chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,mknod,audit_write,"
    "setfcap";

std::string each_as(const std::string &before, bool upper) {
  std::string all, one;
  for (const char *at = kContainer;; at++) {
    if (*at != ',' && *at != '\0') {
      one += static_cast<char>(upper ? toupper(*at) : *at);
      continue;
    }
    all += (all.empty() ? "" : ",") + before + one;
    one.clear();
    if (*at == '\0') return all;
  }
}

std::string own_path() {
  char path[PATH_MAX] = "";
  return readlink("/proc/self/exe", path, sizeof path - 1) > 0 ? path : "";
}

std::string profiles() {
  if (const char *given = std::getenv("TPROC_SECCOMP_PROFILES")) return given;
#ifdef TEST_PROGRAMS
  return TEST_PROGRAMS "/../../../../../shared/profiles";
#else
  return "";
#endif
}

int run(const std::string &command) {
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}

void in_container(const std::string &engine, const std::string &user, const std::string &capabilities) {
#ifdef TEST_PROGRAMS
  const std::string script = TEST_PROGRAMS "/../../../src/test/profiles/under-profile";
#else
  const std::string script;
#endif
  const std::string profile = profiles() + "/" + engine + "-default.json";
  if (geteuid() != 0 || access(profile.c_str(), R_OK) != 0 || access(script.c_str(), X_OK) != 0 ||
      run("command -v setpriv > /dev/null") != 0) {
    MESSAGE(
        "not run: it takes root, setpriv (util-linux) and the engine's profile (TPROC_SECCOMP_PROFILES): " << profile);
    return;
  }
  const int status = run("setpriv " + user + " '" + script + "' '" + profile + "' '" + capabilities + "' '" +
                         own_path() + "' -ns -m -ts=place -tc='here*' > /dev/null");
  if (status == 77)
    MESSAGE("not run: there is no libseccomp.so.2 or no python3 here");
  else
    CHECK(status == 0);
}

// In a mount namespace of its own.
void with_mount(const char *type, const char *directory, const char *options, unsigned long flags,
                const std::function<void()> &body) {
  if (geteuid() != 0) {
    MESSAGE("not run: only root can mount");
    return;
  }
  in_own_process([&] {
    EXPECT_EQUAL(unshare(CLONE_NEWNS), 0);
    EXPECT_EQUAL(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    EXPECT_EQUAL(mount(type, directory, type, flags, options), 0);
    body();
  });
}

// With another /proc.
void with_proc(const char *options, const std::function<void()> &body, unsigned long flags = 0) {
  with_mount("proc", "/proc", options, flags, body);
}

}  // namespace

TEST_SUITE_BEGIN("place");

TEST_CASE("here programs are hosted") { in_own_process(host_here); }

TEST_CASE("here daemons change their user") {
  if (geteuid() != 0) {
    MESSAGE("not run: only root can become another user");
    return;
  }
  in_own_process(host_daemons_here);
}

TEST_CASE("Docker's default profile") {
  const std::string kept = "--bounding-set -all," + each_as("+", false) + " --inh-caps -all," + each_as("+", false);
  in_container("docker", kept, each_as("CAP_", true));
  in_container("docker",
               "--bounding-set -all --inh-caps -all --no-new-privs --clear-groups --regid 65534 --reuid 65534", "");
}

TEST_CASE("Podman's default profile") {
  const std::string kept = "--bounding-set -all," + each_as("+", false) + " --inh-caps -all," + each_as("+", false);
  in_container("podman", kept, each_as("CAP_", true));
  in_container("podman",
               "--bounding-set -all --inh-caps -all --no-new-privs --clear-groups --regid 65534 --reuid 65534", "");
}

TEST_CASE("a /proc that hides other users' processes, or all but processes") {
  for (const char *options : {"hidepid=2", "subset=pid"}) {
    CAPTURE(options);
    with_proc(options, host_here);
    with_proc(options, [] {
      become_ordinary_user();
      host_here();
    });
  }
}

TEST_CASE("a read-only /proc") {
  with_proc(nullptr, host_limited_here, MS_RDONLY);
  with_proc(
      nullptr,
      [] {
        become_ordinary_user();
        host_limited_here();
      },
      MS_RDONLY);
}

TEST_CASE("no /proc") {
  with_mount("tmpfs", "/proc", nullptr, 0, [] { refuse_proc_here("ENOENT"); });
}

TEST_CASE("the /proc of another pid namespace") {
  if (geteuid() != 0) {
    MESSAGE("not run: only root can make a pid namespace");
    return;
  }
  in_own_process([] {
    EXPECT_EQUAL(unshare(CLONE_NEWPID), 0);
    in_own_process([] { refuse_proc_here("of another pid namespace"); });
  });
}

TEST_CASE("no /dev") {
  with_mount("tmpfs", "/dev", nullptr, 0, [] {
    EXPECT_EQUAL(verdicts(), "no exec");
    Host host;
    EXPECT_EQUAL(host.output_of(Launch(test_program("calls"), {"fork"})), "done\n");
  });
}

TEST_CASE("a process that is not dumpable") { in_own_process(host_undumpable_here); }

TEST_CASE("a user namespace") {
  const std::string complaints = complaints_of([] {
    become_ordinary_user();
    if (unshare(CLONE_NEWUSER) != 0) {
      complain("no user namespaces", 0, "");
      return;
    }
    host_here();
  });
  if (complaints.find("no user namespaces") != std::string::npos)
    MESSAGE("not run: user namespaces are forbidden here");
  else
    report_complaints(complaints);
}

TEST_SUITE_END();
