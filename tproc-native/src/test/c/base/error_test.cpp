#include <doctest/doctest.h>

#include <cerrno>
#include <cstring>
#include <string>

extern "C" {
#include "base/error.h"
}

TEST_SUITE_BEGIN("error");

TEST_CASE("a failure says what, why and the errno's name, and returns it negative") {
  tproc_error error{};
  CHECK(tproc_fail(&error, ENOENT, "open %s", "/x/y") == -ENOENT);
  CHECK(error.code == ENOENT);
  CHECK(std::string(error.message) == "open /x/y: No such file or directory (ENOENT)");
}

TEST_CASE("a failure that explains itself") {
  tproc_error error{};
  CHECK(tproc_fail_because(&error, ENOEXEC, "e_phnum %d", 7) == -ENOEXEC);
  CHECK(error.code == ENOEXEC);
  CHECK(std::string(error.message) == "e_phnum 7 (ENOEXEC)");
}

TEST_CASE("an errno that libc does not know") {
  tproc_error error{};
  CHECK(tproc_fail(&error, 4000, "x") == -4000);
  CHECK(std::string(error.message) == "x: unknown error (unknown errno)");
}

TEST_CASE("callers put their part in front, and the code stays") {
  tproc_error error{};
  tproc_fail(&error, EACCES, "PT_INTERP");
  tproc_error_prefix(&error, "cannot host %s: ", "a%sb");
  CHECK(error.code == EACCES);
  CHECK(std::string(error.message) == "cannot host a%sb: PT_INTERP: Permission denied (EACCES)");
}

TEST_CASE("a message that is too long is cut and stays a string") {
  tproc_error error;
  std::memset(&error, 'x', sizeof error);
  const std::string name(2 * TPROC_MESSAGE_SIZE, 'n');
  CHECK(tproc_fail(&error, ENOENT, "%s", name.c_str()) == -ENOENT);
  CHECK(error.message == std::string(TPROC_MESSAGE_SIZE - 1, 'n'));
  tproc_error_prefix(&error, "front: ");
  CHECK(error.message == "front: " + std::string(TPROC_MESSAGE_SIZE - 8, 'n'));
  tproc_error_prefix(&error, "%s", name.c_str());
  CHECK(error.message == std::string(TPROC_MESSAGE_SIZE - 1, 'n'));
}

TEST_CASE("the description is cut where the message ends") {
  tproc_error error{};
  const std::string name(TPROC_MESSAGE_SIZE - 5, 'n');
  tproc_fail(&error, ENOENT, "%s", name.c_str());
  CHECK(error.message == name + ": No");
}

TEST_CASE("control characters of names are written as C writes them") {
  tproc_error error{};
  tproc_fail(&error, ENOENT, "open %s", "a\r\n\t\x1b[31m\x7f\xc2\x9b.\xc3\xa4.\xff");
  CHECK(std::string(error.message) ==
        "open a\\r\\n\\t\\x1b[31m\\x7f\\xc2\\x9b.\xc3\xa4.\xff: No such file or directory (ENOENT)");
  tproc_error_prefix(&error, "%s: ", "\x01");
  CHECK(std::string(error.message).substr(0, 13) == "\\x01: open a\\");
  tproc_fail_because(&error, ENOEXEC, "%s", std::string(TPROC_MESSAGE_SIZE, '\n').c_str());
  CHECK(std::strlen(error.message) < TPROC_MESSAGE_SIZE);
  CHECK(std::string(error.message).find_first_not_of("\\n (") == std::string::npos); /* no half of an escape */
}

TEST_CASE("an error becomes another code's, and its message says so") {
  tproc_error error{};
  tproc_fail_because(&error, ENOEXEC, "a text (that is none)");
  CHECK(tproc_error_recode(&error, ELIBBAD) == -ELIBBAD);
  CHECK(error.code == ELIBBAD);
  CHECK(std::string(error.message) == "a text (that is none) (ELIBBAD)");
  tproc_fail_because(&error, ENOEXEC, "%s", std::string(TPROC_MESSAGE_SIZE, 'x').c_str());
  CHECK(tproc_error_recode(&error, ELIBBAD) == -ELIBBAD);
  CHECK(std::string(error.message) == std::string(TPROC_MESSAGE_SIZE - 1, 'x')); /* there was no room for a name */
}

TEST_CASE("the error may be NULL") {
  CHECK(tproc_error_recode(nullptr, EPERM) == -EPERM);
  CHECK(tproc_fail(nullptr, EPERM, "x") == -EPERM);
  CHECK(tproc_fail_because(nullptr, EPERM, "x") == -EPERM);
  tproc_error_prefix(nullptr, "x");
}

TEST_CASE("errno is not changed") {
  tproc_error error{};
  errno = ENOTTY;
  tproc_fail(&error, ENOENT, "x");
  CHECK(errno == ENOTTY);
}

TEST_SUITE_END();
