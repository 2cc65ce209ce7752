#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <climits>
#include <memory>
#include <string>
#include <vector>

#include "support/own_process.h"
#include "support/resources.h"
#include "support/temporary_directory.h"

extern "C" {
#include "loader/executable.h"
#include "loader/executable_file.h"
}

namespace {

/* What executable_find makes of a name. */
struct Found {
  std::unique_ptr<executable> found = std::make_unique<executable>();
  tproc_error error{};
  int result;

  explicit Found(const std::string &name, const char *search_path = nullptr,
                 const std::vector<std::string> &arguments = {"argv0"}, int directory = AT_FDCWD, unsigned flags = 0,
                 const std::vector<std::string> &environment = {}) {
    std::vector<const char *> envp;
    for (const std::string &each : environment) envp.push_back(each.c_str());
    envp.push_back(nullptr);
    std::vector<const char *> argv;
    for (const std::string &each : arguments) argv.push_back(each.c_str());
    argv.push_back(nullptr);
    tproc_launch launch{};
    launch.program = name.c_str();
    launch.search_path = search_path;
    launch.argv = argv.data();
    launch.envp = envp.data();
    launch.flags = flags;
    result = executable_find(directory, &launch, found.get(), &error);
    for (size_t i = 0; found->argv != nullptr && i < found->argc; i++) argv_.emplace_back(found->argv[i]);
  }
  ~Found() { executable_release(found.get()); }
  Found(const Found &) = delete;
  Found &operator=(const Found &) = delete;

  std::string path() const { return found->path; }
  std::string file_path() const { return found->file_path; }
  std::string message() const { return error.message; }
  const std::vector<std::string> &argv() const { return argv_; }

 private:
  std::vector<std::string> argv_;
};

using Strings = std::vector<std::string>;

void refused(const Found &found, int code, const std::string &message) {
  CHECK(found.result == -code);
  CHECK(found.error.code == code);
  CHECK(found.message() == message);
  CHECK(found.found->file == -1);
}

const char kElf[] = "\177ELF and more";

}  // namespace

TEST_SUITE_BEGIN("program");

TEST_CASE("a path is taken as it is") {
  TemporaryDirectory directory;
  const std::string path = directory.file("tool", kElf);
  Found found(path, "/nowhere", {"zero", "one"});
  REQUIRE(found.result == 0);
  CHECK(found.path() == path);
  CHECK(found.file_path() == path);
  CHECK(found.found->identity.size == sizeof kElf - 1);
  CHECK(found.argv() == Strings{"zero", "one"});
  CHECK((fcntl(found.found->file, F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("a relative path starts from the given directory") {
  TemporaryDirectory directory;
  directory.directory("sub");
  directory.file("sub/tool", kElf);
  const int from = open(directory.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  Found found("sub/tool", nullptr, {"x"}, from);
  CHECK(found.result == 0);
  CHECK(found.path() == "sub/tool");
  Found in_itself("./sub/../sub/tool", nullptr, {"x"}, from);
  CHECK(in_itself.result == 0);
  close(from);
}

TEST_CASE("a link is followed, and its name is what the program is called by") {
  TemporaryDirectory directory;
  directory.file("tool", kElf);
  Found found(directory.link("alias", "tool"));
  REQUIRE(found.result == 0);
  CHECK(found.path() == directory / "alias");
}

TEST_CASE("a name is searched for in the order of the path") {
  TemporaryDirectory directory;
  directory.directory("a");
  directory.directory("b");
  directory.file("b/tool", kElf);
  const std::string both = (directory / "a") + ":" + (directory / "b");
  CHECK(Found("tool", both.c_str()).path() == directory / "b/tool");
  directory.file("a/tool", kElf);
  CHECK(Found("tool", both.c_str()).path() == directory / "a/tool");
}

TEST_CASE("without a path the standard one is searched") {
  Found found("sh", nullptr);
  REQUIRE(found.result == 0);
  CHECK((found.path() == "/bin/sh" || found.path() == "/usr/bin/sh"));
}

TEST_CASE("an empty entry of the path is the working directory") {
  TemporaryDirectory directory;
  directory.file("tool", kElf);
  const int from = open(directory.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  for (const char *path : {"", ":/nowhere", "/nowhere:", "/nowhere::/nowhere"}) {
    CAPTURE(path);
    Found found("tool", path, {"x"}, from);
    CHECK(found.result == 0);
    CHECK(found.path() == "tool");
  }
  close(from);
}

TEST_CASE("a relative entry of the path starts from the working directory") {
  TemporaryDirectory directory;
  directory.directory("bin");
  directory.file("bin/tool", kElf);
  const int from = open(directory.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  CHECK(Found("tool", "bin", {"x"}, from).path() == "bin/tool");
  close(from);
}

TEST_CASE("what may not be executed is passed over, but remembered for the message") {
  TemporaryDirectory directory;
  directory.directory("a");
  directory.directory("b");
  directory.file("a/tool", kElf, 0644);
  const std::string both = (directory / "a") + ":" + (directory / "b");
  refused(Found("tool", both.c_str()), EACCES,
          (directory / "a/tool") + " is not executable: Permission denied (EACCES)");
  directory.file("b/tool", kElf);
  CHECK(Found("tool", both.c_str()).path() == directory / "b/tool");
}

TEST_CASE("directories, FIFOs and files in the way of the path are passed over") {
  TemporaryDirectory directory;
  directory.directory("a");
  directory.directory("a/tool");
  directory.file("b", "a file");
  directory.directory("c");
  REQUIRE(mkfifo((directory / "c/tool").c_str(), 0777) == 0);
  directory.directory("d");
  directory.file("d/tool", kElf);
  const std::string path =
      (directory / "a") + ":" + (directory / "b") + ":" + (directory / "c") + ":" + (directory / "d");
  CHECK(Found("tool", path.c_str()).path() == directory / "d/tool");
}

TEST_CASE("a name that is nowhere") {
  refused(Found("no-such-tool", "/nowhere:/bin"), ENOENT,
          "not found in the search path /nowhere:/bin: No such file or directory (ENOENT)");
}

TEST_CASE("an entry of the path that is too long is passed over") {
  TemporaryDirectory directory;
  directory.file("tool", kElf);
  const std::string path = "/" + std::string(2 * PATH_MAX, 'x') + ":" + directory.path();
  CHECK(Found("tool", path.c_str()).path() == directory / "tool");
}

TEST_CASE("an empty name, one that is too long, and none at all") {
  refused(Found(""), ENOENT, "an empty program name: No such file or directory (ENOENT)");
  refused(Found(std::string(PATH_MAX, '/')), ENAMETOOLONG,
          "a program name of 4096 bytes: File name too long (ENAMETOOLONG)");
  CHECK(Found(std::string(PATH_MAX - 3, '/') + "sh").result == -ENOENT);
  refused(Found("/bin/sh", nullptr, {}), EINVAL, "no arguments: argv[0] is needed: Invalid argument (EINVAL)");
}

TEST_CASE("what is not there, and what is no file") {
  TemporaryDirectory directory;
  const std::string missing = directory / "missing";
  refused(Found(missing), ENOENT, "open " + missing + ": No such file or directory (ENOENT)");
  const std::string dangling = directory.link("dangling", "missing");
  refused(Found(dangling), ENOENT, "open " + dangling + ": No such file or directory (ENOENT)");
  const std::string circle = directory.link("circle", "circle");
  refused(Found(circle), ELOOP, "open " + circle + ": Too many levels of symbolic links (ELOOP)");
  const std::string below = directory.file("file", kElf) + "/below";
  refused(Found(below), ENOTDIR, "open " + below + ": Not a directory (ENOTDIR)");
  refused(Found(directory.path()), EACCES,
          directory.path() + " is a directory, not a regular file: Permission denied (EACCES)");
  refused(Found("/dev/null"), EACCES, "/dev/null is a device, not a regular file: Permission denied (EACCES)");
}

TEST_CASE("a FIFO and a socket are recognised without opening them") {
  TemporaryDirectory directory;
  const std::string fifo = directory / "fifo";
  REQUIRE(mkfifo(fifo.c_str(), 0777) == 0);
  refused(Found(fifo), EACCES, fifo + " is a FIFO, not a regular file: Permission denied (EACCES)");
  const std::string path = directory / "socket";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int socket_file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(bind(socket_file, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0);
  refused(Found(path), EACCES, path + " is a socket, not a regular file: Permission denied (EACCES)");
  close(socket_file);
}

TEST_CASE("a file that may not be executed") {
  TemporaryDirectory directory;
  const std::string path = directory.file("tool", kElf, 0644);
  refused(Found(path), EACCES, path + " is not executable: Permission denied (EACCES)");
}

TEST_CASE("a file that is open for writing, as program or as interpreter") {
  TemporaryDirectory directory;
  const std::string path = directory.file("tool", kElf), script = directory.file("script", "#!" + path + "\n");
  const int writer = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  REQUIRE(writer >= 0);
  refused(Found(path), ETXTBSY, path + " is open for writing: Text file busy (ETXTBSY)");
  refused(Found("tool", directory.path().c_str()), ETXTBSY, path + " is open for writing: Text file busy (ETXTBSY)");
  refused(Found(script), ETXTBSY, "#! of " + script + ": " + path + " is open for writing: Text file busy (ETXTBSY)");
  close(writer);
  CHECK(Found(script).result == 0);
  const Found found(path);
  REQUIRE(found.result == 0);
  const int late = open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK); /* no lease is left, to wait for */
  CHECK(late >= 0);
  close(late);
}

TEST_CASE("permissions are those of the user") {
  TemporaryDirectory directory;
  chmod(directory.path().c_str(), 0777);
  const std::string unreadable = directory.file("unreadable", kElf, 0111);
  directory.directory("closed");
  const std::string inside = directory.file("closed/tool", kElf);
  chmod((directory / "closed").c_str(), 0);
  in_own_process([&] {
    become_ordinary_user();
    Found executable_only(unreadable);
    EXPECT_EQUAL(executable_only.result, -EACCES);
    EXPECT_EQUAL(executable_only.message(),
                 unreadable + " may be executed but not read, and hosting has to read it: Permission denied (EACCES)");
    Found behind_closed_door(inside);
    EXPECT_EQUAL(behind_closed_door.result, -EACCES);
    EXPECT_EQUAL(behind_closed_door.message(), "open " + inside + ": Permission denied (EACCES)");
  });
  chmod((directory / "closed").c_str(), 0755);
}

/* ---- scripts ---- */

TEST_CASE("a script's interpreter gets the script and the caller's arguments") {
  TemporaryDirectory directory;
  const std::string interpreter = directory.file("interpreter", kElf);
  const std::string plain = directory.file("plain", "#!" + interpreter + "\n");
  Found found(plain, nullptr, {"zero", "one", "two"});
  REQUIRE(found.result == 0);
  CHECK(found.argv() == Strings{interpreter, plain, "one", "two"});
  CHECK(found.path() == plain);
  CHECK(found.file_path() == interpreter);
  CHECK(found.found->identity.size == sizeof kElf - 1);
  const std::string with_argument = directory.file("with", "#! " + interpreter + " -a b \n");
  CHECK(Found(with_argument, nullptr, {"zero", "one"}).argv() == Strings{interpreter, "-a b", with_argument, "one"});
}

TEST_CASE("a script found on the search path is passed on with its directory") {
  TemporaryDirectory directory;
  const std::string interpreter = directory.file("interpreter", kElf);
  directory.file("script", "#!" + interpreter + "\n");
  CHECK(Found("script", directory.path().c_str()).argv() == Strings{interpreter, directory / "script"});
}

TEST_CASE("a text without #! is for the shell, where that is asked for") {
  TemporaryDirectory directory;
  const std::string text = directory.file("text", "echo text\n");
  const std::string elf = directory.file("elf", kElf);
  const std::string through = directory.file("through", "#!" + text + "\n");
  const Found found("text", directory.path().c_str(), {"zero", "one"}, AT_FDCWD, TPROC_LAUNCH_SHELL);
  REQUIRE(found.result == 0);
  CHECK(found.argv() == Strings{"/bin/sh", text, "one"});
  CHECK(found.file_path() == "/bin/sh");
  CHECK(found.path() == text);
  CHECK(Found(text).argv() == Strings{"argv0"});
  CHECK(Found(elf, nullptr, {"zero"}, AT_FDCWD, TPROC_LAUNCH_SHELL).argv() == Strings{"zero"});
  /* An interpreter has to be a program or a script, as for the kernel. */
  CHECK(Found(through, nullptr, {"zero"}, AT_FDCWD, TPROC_LAUNCH_SHELL).file_path() == text);
}

TEST_CASE("five nested scripts run, six do not") {
  TemporaryDirectory directory;
  const std::string interpreter = directory.file("interpreter", kElf);
  directory.file("1", "#!" + interpreter + " -1\n");
  for (int i = 2; i <= 6; i++)
    directory.file(std::to_string(i), "#!" + (directory / std::to_string(i - 1)) + " -" + std::to_string(i) + "\n");
  Found five(directory / "5", nullptr, {"zero", "one"});
  REQUIRE(five.result == 0);
  CHECK(five.argv() == Strings{interpreter, "-1", directory / "1", "-2", directory / "2", "-3", directory / "3", "-4",
                               directory / "4", "-5", directory / "5", "one"});
  refused(Found(directory / "6"), ELOOP,
          "#! of " + (directory / "1") + ": more than 5 nested scripts: Too many levels of symbolic links (ELOOP)");
}

TEST_CASE("a script that names itself ends as too many") {
  TemporaryDirectory directory;
  const std::string path = directory / "self";
  directory.file("self", "#!" + path + "\n");
  CHECK(Found(path).result == -ELOOP);
}

TEST_CASE("the longest names and arguments of five scripts fit") {
  TemporaryDirectory directory;
  const std::string interpreter = directory.file("interpreter", kElf);
  std::string last = interpreter;
  for (int i = 0; i < 5; i++) {
    const std::string name = std::string(1, static_cast<char>('a' + i)) + std::string(150, 'n');
    last = directory.file(name, "#!" + last + " " + std::string(300, 'z') + "\n");
  }
  Found found(last, nullptr, {"zero", "one"});
  REQUIRE(found.result == 0);
  CHECK(found.argv().size() == 1 + 10 + 1);
  CHECK(found.argv().back() == "one");
  CHECK(found.argv()[10] == last);
}

TEST_CASE("what is wrong with an interpreter is said of it") {
  TemporaryDirectory directory;
  const std::string missing = directory.file("missing", "#!/no/such/interpreter\n");
  refused(Found(missing), ENOENT,
          "#! of " + missing + ": open /no/such/interpreter: No such file or directory (ENOENT)");
  const std::string data = directory.file("data", kElf, 0644);
  const std::string closed = directory.file("closed", "#!" + data + "\n");
  refused(Found(closed), EACCES, "#! of " + closed + ": " + data + " is not executable: Permission denied (EACCES)");
  const std::string empty = directory.file("empty", "#!\n");
  refused(Found(empty), ENOEXEC, empty + ": #! names no interpreter (ENOEXEC)");
}

TEST_CASE("a script with the line ends of Windows is said to have them") {
  TemporaryDirectory directory;
  const std::string script = directory.file("script", "#!/bin/sh\r\necho\r\n");
  refused(Found(script), ENOENT,
          "#! of " + script +
              ", which has the line ends of Windows (CR LF): open /bin/sh\\r: No such file or directory (ENOENT)");
}

TEST_CASE("an interpreter's relative path starts from the working directory, as for the kernel") {
  TemporaryDirectory directory;
  directory.file("interpreter", kElf);
  directory.directory("sub");
  directory.file("sub/script", "#!interpreter\n");
  const int from = open(directory.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  Found found("sub/script", nullptr, {"x"}, from);
  REQUIRE(found.result == 0);
  CHECK(found.argv() == Strings{"interpreter", "sub/script"});
  close(from);
}

TEST_CASE("nothing stays open, whatever the outcome") {
  TemporaryDirectory directory;
  const std::string interpreter = directory.file("interpreter", kElf);
  const std::string good = directory.file("good", "#!" + interpreter + "\n");
  const std::string bad = directory.file("bad", "#!/no/such/interpreter\n");
  const std::string self = directory.file("self", "#!" + (directory / "self") + "\n");
  CHECK(leaks_of([&] {
          for (const std::string &each : {interpreter, good, bad, self, directory.path(), directory / "x"})
            Found found(each);
        }) == "");
}

TEST_CASE("releasing twice is harmless") {
  Found found("/bin/sh");
  executable_release(found.found.get());
  executable_release(found.found.get());
}

TEST_CASE("env's own exec is followed") {
  TemporaryDirectory directory;
  const std::string tool = directory.file("tool", kElf);
  const std::vector<std::string> environment = {"PATHS=/nowhere", "PATH=/nowhere:" + directory.path(), "HOME=/"};
  const auto find = [&](const std::string &line) {
    const std::string script = directory.file("script", line + "\ntext\n");
    return std::make_unique<Found>(script, nullptr, Strings{"zero", "one"}, AT_FDCWD, 0, environment);
  };
  const std::string script = directory / "script";

  auto plain = find("#!/usr/bin/env tool");
  REQUIRE(plain->result == 0);
  CHECK(plain->argv() == Strings{"tool", script, "one"});
  CHECK(plain->file_path() == tool);
  CHECK(plain->path() == tool);
  CHECK(find("#!/bin/env tool")->argv() == Strings{"tool", script, "one"});
  CHECK(find("#! /usr/bin/env -S tool -a  b")->argv() == Strings{"tool", "-a", "b", script, "one"});
  CHECK(find("#!/usr/bin/env -Stool -a")->argv() == Strings{"tool", "-a", script, "one"});
  CHECK(find("#!/usr/bin/env " + tool)->argv() == Strings{tool, script, "one"});

  directory.file("middle", "#!/usr/bin/env -S tool -m\n");
  CHECK(find("#!/usr/bin/env middle")->argv() == Strings{"tool", "-m", directory / "middle", script, "one"});
}

TEST_CASE("what env has to say or do itself is left to env") {
  if (access("/usr/bin/env", X_OK) != 0) return; /* then there is nothing to be left to */
  TemporaryDirectory directory;
  directory.file("tool", kElf);
  directory.file("plain", "text");
  chmod((directory / "plain").c_str(), 0644);
  const std::vector<std::string> environment = {"PATH=" + directory.path()};
  for (const std::string argument : {"tool -a", "-S 'tool' -a", "-S tool $HOME", "-i tool", "-S -u X tool", "X=1 tool",
                                     "-S X=1 tool", "missing", "plain", "-S", "-S tool \\c"}) {
    const std::string script = directory.file("script", "#!/usr/bin/env " + argument + "\n");
    const Found found(script, nullptr, {"zero", "one"}, AT_FDCWD, 0, environment);
    INFO(argument);
    CHECK(found.argv() == Strings{"/usr/bin/env", argument, script, "one"});
    CHECK(found.file_path() == "/usr/bin/env");
  }
}

TEST_SUITE_END();
