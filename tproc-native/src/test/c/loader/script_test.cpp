#include <doctest/doctest.h>

#include <cerrno>
#include <string>

#include "support/memory_file.h"

extern "C" {
#include "loader/script.h"
}

namespace {

struct Line {
  int result = 0;
  script_line line{};
  tproc_error error{};

  explicit Line(const std::string &content) {
    MemoryFile file(content);
    result = script_read(file.descriptor(), &line, &error);
  }
  std::string interpreter() const { return line.interpreter != nullptr ? line.interpreter : "<none>"; }
  std::string argument() const { return line.argument != nullptr ? line.argument : "<none>"; }
  std::string message() const { return error.message; }
};

void reads_as(const std::string &content, const std::string &interpreter, const std::string &argument = "<none>") {
  CAPTURE(content);
  Line line(content);
  CHECK(line.result == 0);
  CHECK(line.interpreter() == interpreter);
  CHECK(line.argument() == argument);
}

void is_no_script(const std::string &content) {
  CAPTURE(content);
  Line line(content);
  CHECK(line.result == 0);
  CHECK(line.interpreter() == "<none>");
}

void refused(const std::string &content, const std::string &message, int code = ENOEXEC) {
  CAPTURE(content);
  Line line(content);
  CHECK(line.result == -code);
  CHECK(line.error.code == code);
  CHECK(line.message() == message);
}

const char kNoInterpreter[] = "#! names no interpreter (ENOEXEC)";
const char kEmptyName[] = "#! names no interpreter (EACCES)";
const char kTooLong[] = "#! line: the interpreter's name does not fit into 256 bytes (ENOEXEC)";

}  // namespace

TEST_SUITE_BEGIN("script");

TEST_CASE("what does not start with #! is no script") {
  is_no_script("");
  is_no_script("#");
  is_no_script("# /bin/sh\n");
  is_no_script("!#/bin/sh\n");
  is_no_script(" #!/bin/sh\n");
  is_no_script(std::string("\0#!/bin/sh\n", 11));
  is_no_script("\177ELF");
}

TEST_CASE("an interpreter alone") {
  reads_as("#!/bin/sh\n", "/bin/sh");
  reads_as("#!/bin/sh\necho hello\n", "/bin/sh");
  reads_as("#!/bin/sh", "/bin/sh");
  reads_as("#!sh\n", "sh");
  reads_as("#!x", "x");
}

TEST_CASE("blanks around the interpreter do not count") {
  reads_as("#! /bin/sh\n", "/bin/sh");
  reads_as("#! \t  /bin/sh \t \n", "/bin/sh");
}

TEST_CASE("blanks before a NUL or the end of the file are an empty argument, as for the kernel") {
  reads_as("#!/bin/sh   ", "/bin/sh", "");
  reads_as(std::string("#!/bin/sh \t\0\n", 13), "/bin/sh", "");
  reads_as("#!/bin/sh -e ", "/bin/sh", "-e ");
  reads_as("#!/bin/sh" + std::string(245, ' '), "/bin/sh", "");
  reads_as("#!/bin/sh" + std::string(246, ' '), "/bin/sh");
  reads_as("#!/bin/sh" + std::string(300, ' ') + "\n", "/bin/sh");
}

TEST_CASE("a newline behind a NUL is not seen") {
  reads_as(std::string("#!/bin/sh -e\0 \n", 16), "/bin/sh", "-e");
  reads_as(std::string("#!/bin/sh\0 x\n", 13), "/bin/sh");
}

TEST_CASE("all the rest of the line is one argument") {
  reads_as("#!/bin/sh -e\n", "/bin/sh", "-e");
  reads_as("#!/usr/bin/env -S python3 -u\n", "/usr/bin/env", "-S python3 -u");
  reads_as("#!/bin/sh\t -e  -x \t\n", "/bin/sh", "-e  -x");
  reads_as("#!/bin/sh \"a b\"", "/bin/sh", "\"a b\"");
}

TEST_CASE("a carriage return is part of the name, as for the kernel") { reads_as("#!/bin/sh\r\n", "/bin/sh\r"); }

TEST_CASE("a NUL ends the line") {
  reads_as(std::string("#!/bin/sh\0 -e\n", 14), "/bin/sh");
  reads_as(std::string("#!/bin/sh -e\0 -x", 16), "/bin/sh", "-e");
}

TEST_CASE("a line that names nothing") {
  refused("#!", kEmptyName, EACCES);
  refused("#!\n", kNoInterpreter);
  refused("#! \t \n", kNoInterpreter);
  refused("#!\n/bin/sh\n", kNoInterpreter);
  refused("#!   ", kEmptyName, EACCES);
  refused("#!" + std::string(254, ' '), kNoInterpreter);
  refused("#!" + std::string(1000, ' ') + "/bin/sh\n", kNoInterpreter);
  refused(std::string("#!\0/bin/sh\n", 11), kEmptyName, EACCES);
}

TEST_CASE("the longest name that fits, and the shortest that does not") {
  const std::string longest = "/" + std::string(252, 'x');
  reads_as("#!" + longest + "\n", longest);
  reads_as("#!" + longest + " -e\n", longest);
  reads_as("#!" + longest, longest);
  refused("#!" + longest + "x\n", kTooLong);
  refused("#!" + longest + "xyz and more\n", kTooLong);
}

TEST_CASE("a file of exactly 256 bytes is not known to go on, but the kernel refuses it too") {
  refused("#!" + std::string(254, 'x'), kTooLong);
}

TEST_CASE("an argument that does not fit is cut") {
  const std::string argument(300, 'a');
  reads_as("#!/bin/sh " + argument + "\n", "/bin/sh", argument.substr(0, 245));
}

TEST_CASE("an argument cut after a blank loses the blank") {
  reads_as("#!/bin/sh " + std::string(244, 'a') + " bbb\n", "/bin/sh", std::string(244, 'a'));
}

TEST_CASE("an interpreter that is cut off right after a blank is whole") {
  reads_as("#!/" + std::string(252, 'x') + " -e and more\n", "/" + std::string(252, 'x'));
}

TEST_CASE("a file that cannot be read") {
  script_line line;
  tproc_error error{};
  CHECK(script_read(-1, &line, &error) == -EBADF);
  CHECK(std::string(error.message) == "read the first line: Bad file descriptor (EBADF)");
}

TEST_SUITE_END();
