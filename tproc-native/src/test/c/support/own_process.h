// Runs part of a test in a forked process: where a test changes what cannot be changed back (a seccomp filter, the
// user, a resource limit) or wants to see a process without other tests' traces.
#ifndef TPROC_TEST_OWN_PROCESS_H
#define TPROC_TEST_OWN_PROCESS_H

#include <cstdint>
#include <functional>
#include <sstream>
#include <string>

// In the forked process: notes a failed expectation for the parent, which makes it a failure of its test.
void complain(const char *file, int line, const std::string &text);

#define EXPECT(condition)                                       \
  do {                                                          \
    if (!(condition)) complain(__FILE__, __LINE__, #condition); \
  } while (0)

template <typename Left, typename Right>
void expect_equal(const char *file, int line, const char *text, const Left &left, const Right &right) {
  if (left == right) return;
  std::ostringstream message;
  message << text << ": " << left << " and " << right;
  complain(file, line, message.str());
}

#define EXPECT_EQUAL(left, right) expect_equal(__FILE__, __LINE__, #left " == " #right, (left), (right))

// Forks, runs `body` in the child, waits for its end (at most a minute), and reports its complaints, an exception or
// its death as failures of the running test case. No host may be open in the calling process: its threads are not
// forked.
void in_own_process(const std::function<void()> &body);

// The same, but returns the complaints ("" when there are none) and leaves it to the caller what to make of them.
std::string complaints_of(const std::function<void()> &body);

// Makes complaints ("" when there are none) a failure of the running test case.
void report_complaints(const std::string &complaints);

// For tests of permissions, which root does not feel: becomes an ordinary user when the process is root.
void become_ordinary_user();

// Root without one of its capabilities, for good.
void give_up_capability(unsigned capability);

// Limits this process, which may be for good. A complaint when it cannot be.
void set_own_limit(int resource, uint64_t soft, uint64_t hard);

// Whether the core is compiled for AddressSanitizer. The tests themselves never are.
bool under_address_sanitizer();

// How often to try what is tried again and again: a fourth of `usual` under AddressSanitizer, whose forks take long,
// and where TPROC_TEST_ROUNDS is "few".
int scaled(int usual);

#endif
