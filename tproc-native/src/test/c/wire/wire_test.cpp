#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include "wire/wire.h"
}

TEST_SUITE_BEGIN("wire");

namespace {

// A LAUNCH as a client writes it; a test spoils its bytes.
struct LaunchPayload {
  std::vector<int32_t> numbers{0, 1, 2};
  std::string program = "/bin/echo";
  std::vector<std::string> arguments{"echo", "", "two words"};
  std::vector<std::string> environment{"A=1", "B="};
  wire_launch settings{};
  bool has_state = false;
  wire_launch_state state{};
  std::vector<uint64_t> cpus;

  std::vector<char> bytes() const {
    std::vector<const char *> argv, envp;
    for (const std::string &each : arguments) argv.push_back(each.c_str());
    for (const std::string &each : environment) envp.push_back(each.c_str());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    wire_launch_content content{};
    content.state = has_state ? &state : nullptr;
    content.cpus = cpus.data();
    content.settings = settings;
    content.numbers = numbers.data();
    content.descriptor_count = numbers.size();
    content.program = program.c_str();
    content.argv = argv.data();
    content.envp = envp.data();
    std::vector<char> written(wire_launch_size(&content));
    wire_launch_write(&content, written.data());
    return written;
  }
};

std::string problem_of(const std::vector<char> &payload, size_t descriptors) {
  wire_launch_view view;
  char problem[WIRE_PROBLEM_SIZE] = "";
  return wire_launch_read(payload.data(), payload.size(), descriptors, &view, problem) ? "" : problem;
}

std::string problem_of(const LaunchPayload &launch) { return problem_of(launch.bytes(), launch.numbers.size() + 1); }

std::string problem_of(const wire_header &header, wire_sender sender = WIRE_FROM_CLIENT) {
  char problem[WIRE_PROBLEM_SIZE] = "";
  return wire_header_check(&header, sender, problem) ? "" : problem;
}

wire_launch &fixed_of(std::vector<char> &payload) { return *reinterpret_cast<wire_launch *>(payload.data()); }

}  // namespace

TEST_CASE("a header says which frame comes, and how much of it") {
  CHECK(problem_of(wire_header_for(WIRE_LAUNCH, 400, 4)) == "");
  CHECK(problem_of(wire_header_for(WIRE_LIST, 0, 0)) == "");
  CHECK(problem_of(wire_header_for(WIRE_STARTED, sizeof(wire_started), 1), WIRE_FROM_HOST) == "");
  const wire_header header = wire_header_for(WIRE_LIST, 0, 0);
  CHECK(std::memcmp(&header.magic, "TROC", 4) == 0);
}

TEST_CASE("a header that breaks a rule is refused in words") {
  wire_header header = wire_header_for(WIRE_LIST, 0, 0);
  header.magic = 0x20544547;
  CHECK(problem_of(header) == "not a frame of this protocol (magic 0x20544547)");
  header = wire_header_for(WIRE_LIST, 0, 0);
  header.version = 2;
  CHECK(problem_of(header) == "version 2 of the protocol, where version 1 is spoken");
  header = wire_header_for(WIRE_LIST, 0, 0);
  header.type = 77;
  CHECK(problem_of(header) == "a frame of type 77, which is unknown here");
  CHECK(problem_of(wire_header_for(WIRE_STARTED, 4, 1)) == "a frame of type 100, which is unknown here");
  CHECK(problem_of(wire_header_for(WIRE_MAPS, 5, 0)) == "a frame of type 4 with 5 bytes, where 4 to 4 are right");
  CHECK(problem_of(wire_header_for(WIRE_LIST, 0, 1)) == "a frame of type 3 with 1 descriptors, where 0 to 0 are right");
  CHECK(problem_of(wire_header_for(WIRE_LAUNCH, 400, 0)).find("0 descriptors") != std::string::npos);
  CHECK(problem_of(wire_header_for(WIRE_LAUNCH, 400, 1025)).find("1025 descriptors") != std::string::npos);
  CHECK(problem_of(wire_header_for(WIRE_LAUNCH, WIRE_PAYLOAD_MAX + 1, 4)).find("8388609") != std::string::npos);
}

TEST_CASE("a launch arrives as it was written") {
  LaunchPayload launch;
  launch.numbers = {0, 2, 700};
  launch.settings.flags = WIRE_LAUNCH_TERMINAL;
  launch.settings.umask = 027;
  launch.settings.nice = -3;
  launch.settings.ignored_signals = 1ull << 63;
  launch.settings.limits[15] = {5, ~0ull};
  const std::vector<char> payload = launch.bytes();
  wire_launch_view view;
  char problem[WIRE_PROBLEM_SIZE] = "";
  REQUIRE(wire_launch_read(payload.data(), payload.size(), 4, &view, problem));
  CHECK(view.fixed.flags == WIRE_LAUNCH_TERMINAL);
  CHECK(view.fixed.umask == 027);
  CHECK(view.fixed.nice == -3);
  CHECK(view.fixed.ignored_signals == 1ull << 63);
  CHECK(view.fixed.limits[15].hard == ~0ull);
  CHECK(std::vector<int32_t>(view.numbers, view.numbers + view.fixed.descriptor_count) == launch.numbers);
  CHECK(std::string(view.program) == launch.program);
  std::vector<const char *> argv(view.fixed.argument_count + 1), envp(view.fixed.environment_count + 1);
  wire_strings(view.arguments, view.fixed.argument_count, argv.data());
  wire_strings(view.environment, view.fixed.environment_count, envp.data());
  CHECK(std::vector<std::string>(argv.begin(), argv.end() - 1) == launch.arguments);
  CHECK(std::vector<std::string>(envp.begin(), envp.end() - 1) == launch.environment);
  CHECK(argv.back() == nullptr);
  CHECK(envp.back() == nullptr);
}

TEST_CASE("a launch of an older client has no state, and that of a newer one arrives") {
  LaunchPayload launch;
  wire_launch_view view;
  char problem[WIRE_PROBLEM_SIZE] = "";
  std::vector<char> payload = launch.bytes();
  REQUIRE(wire_launch_read(payload.data(), payload.size(), launch.numbers.size() + 1, &view, problem));
  CHECK(view.state.given == 0);
  CHECK(view.state.cpu_words == 0);
  launch.cpus = {5, 1ull << 63};
  launch.state = {WIRE_STATE_SCHEDULING, 3, 0, 0x6000, 0x40000, 2};
  launch.has_state = true;
  payload = launch.bytes();
  REQUIRE(wire_launch_read(payload.data(), payload.size(), launch.numbers.size() + 1, &view, problem));
  CHECK(std::memcmp(&view.state, &launch.state, sizeof view.state) == 0);
  CHECK(std::vector<uint64_t>(view.cpus, view.cpus + 2) == launch.cpus);
  CHECK(std::string(view.program) == launch.program);
}

TEST_CASE("a launch with a state that cannot be is refused") {
  LaunchPayload launch;
  launch.has_state = true;
  launch.state.given = 8;
  CHECK(problem_of(launch) == "a launch with an unknown state 0x8");
  launch.state.given = 0;
  std::vector<char> payload = launch.bytes();
  fixed_of(payload).state_size = 23;
  CHECK(problem_of(payload, 4) == "a launch whose parts are not as long as the whole");
  launch.program += "x"; /* the byte that is not the state's */
  payload = launch.bytes();
  fixed_of(payload).state_size = 23;
  fixed_of(payload).program_size++;
  CHECK(problem_of(payload, 4) == "a launch with a state of 23 bytes");
  launch = LaunchPayload();
  launch.has_state = true;
  payload = launch.bytes();
  reinterpret_cast<wire_launch_state *>(payload.data() + sizeof(wire_launch))->cpu_words = 1;
  CHECK(problem_of(payload, 4) == "a launch with a state of 24 bytes and 1 words of CPUs");
}

TEST_CASE("a watch of an older client wants nothing besides, and that of a newer one what is known") {
  wire_watch watch{7};
  char problem[WIRE_PROBLEM_SIZE] = "";
  CHECK(wire_watch_read(nullptr, 0, &watch, problem));
  CHECK(watch.wanted == 0);
  const wire_watch all{WIRE_WATCH_CRASHES | WIRE_WATCH_LEAVING}, more{4};
  CHECK(wire_watch_read(&all, sizeof all, &watch, problem));
  CHECK(watch.wanted == all.wanted);
  CHECK_FALSE(wire_watch_read(&more, sizeof more, &watch, problem));
  CHECK(std::string(problem) == "a watch for what is unknown here (0x4)");
  CHECK_FALSE(wire_watch_read(&all, 3, &watch, problem));
  CHECK(std::string(problem) == "a watch of 3 bytes");
}

TEST_CASE("an empty environment and no descriptors are a launch, too") {
  LaunchPayload launch;
  launch.environment.clear();
  launch.numbers.clear();
  CHECK(problem_of(launch) == "");
}

TEST_CASE("every truncated launch, and one with bytes too many, is refused") {
  const std::vector<char> whole = LaunchPayload().bytes();
  for (size_t size = 0; size < whole.size(); size++) {
    CAPTURE(size);
    CHECK(problem_of(std::vector<char>(whole.begin(), whole.begin() + static_cast<long>(size)), 4) != "");
  }
  std::vector<char> longer = whole;
  longer.push_back('\0');
  CHECK(problem_of(longer, 4) == "a launch whose parts are not as long as the whole");
}

TEST_CASE("a launch with settings that cannot be is refused") {
  LaunchPayload launch;
  launch.settings.flags = 256;
  CHECK(problem_of(launch) == "a launch with unknown flags 0x100");
  launch.settings.flags = WIRE_LAUNCH_TERMINAL | WIRE_LAUNCH_TERMINAL_APART;
  CHECK(problem_of(launch.bytes(), 5) == "a launch on two terminals");
  launch = LaunchPayload();
  launch.settings.umask = 01000;
  CHECK(problem_of(launch) == "a launch with umask 01000");
  launch = LaunchPayload();
  launch.settings.nice = 20;
  CHECK(problem_of(launch) == "a launch with nice value 20");
  launch = LaunchPayload();
  launch.arguments.clear();
  CHECK(problem_of(launch) == "a launch without arguments: argv[0] is needed");
  launch = LaunchPayload();
  launch.program = "";
  CHECK(problem_of(launch) == "a launch whose program name is empty or does not end");
  launch = LaunchPayload();
  launch.program = std::string(WIRE_PROGRAM_MAX, 'x');
  CHECK(problem_of(launch) == "a launch with a program name of 4097 bytes");
  launch = LaunchPayload();
  launch.numbers = {1, 2};
  launch.settings.flags = WIRE_LAUNCH_TERMINAL;
  CHECK(problem_of(launch) == "a launch on a terminal without descriptor 0");
}

TEST_CASE("descriptor numbers ascend, and there are as many descriptors as announced") {
  LaunchPayload launch;
  for (const std::vector<int32_t> &wrong :
       {std::vector<int32_t>{0, 0}, std::vector<int32_t>{1, 0}, std::vector<int32_t>{-1}}) {
    launch.numbers = wrong;
    CHECK(problem_of(launch) == "a launch whose descriptor numbers do not ascend");
  }
  CHECK(problem_of(LaunchPayload().bytes(), 3) ==
        "a launch with 3 descriptors, where 3 and the working directory are announced");
  std::vector<char> payload = LaunchPayload().bytes();
  fixed_of(payload).descriptor_count = ~0u;
  CHECK(problem_of(payload, 0).find("4294967295") != std::string::npos);
}

TEST_CASE("lengths and counts that lie are refused, also when their sum wraps around") {
  const std::vector<char> right = LaunchPayload().bytes();
  std::vector<char> payload = right;
  fixed_of(payload).arguments_size = ~0ull;
  CHECK(problem_of(payload, 4) == "a launch whose parts are not as long as the whole");
  payload = right;
  fixed_of(payload).arguments_size += 2;
  fixed_of(payload).environment_size -= 2;
  CHECK(problem_of(payload, 4) == "a launch whose arguments are not 3 strings");
  payload = right;
  fixed_of(payload).argument_count++;
  CHECK(problem_of(payload, 4) == "a launch whose arguments are not 4 strings");
  payload = right;
  fixed_of(payload).environment_count--;
  CHECK(problem_of(payload, 4) == "a launch whose environment is not 1 strings");
  payload = right;
  payload.back() = 'x';
  CHECK(problem_of(payload, 4) == "a launch whose environment is not 2 strings");
}

TEST_CASE("a list of threadprocs is read as it was written") {
  std::vector<char> payload(sizeof(wire_listed));
  for (const std::string &command : {std::string(), std::string("a\0bc\0", 5), std::string("12345678", 9)}) {
    wire_threadproc entry{};
    entry.pid = static_cast<int32_t>(command.size());
    entry.command_size = static_cast<uint32_t>(command.size());
    const size_t at = payload.size();
    payload.resize(at + wire_threadproc_size(command.size()));
    CHECK(payload.size() % 8 == 0);
    wire_threadproc_write(&entry, command.data(), payload.data() + at);
  }
  size_t offset = sizeof(wire_listed);
  wire_threadproc entry{};
  const char *command = nullptr;
  std::vector<std::string> commands;
  while (wire_listed_next(payload.data(), payload.size(), &offset, &entry, &command)) {
    CHECK(entry.pid == static_cast<int32_t>(entry.command_size));
    commands.emplace_back(command, entry.command_size);
  }
  CHECK(offset == payload.size());
  CHECK(commands == std::vector<std::string>{"", std::string("a\0bc\0", 5), std::string("12345678", 9)});
  for (size_t size = 0; size < payload.size(); size++) { /* a cut list ends early, and nothing after it is read */
    const std::vector<char> cut(payload.begin(), payload.begin() + static_cast<long>(size));
    offset = sizeof(wire_listed);
    while (wire_listed_next(cut.data(), cut.size(), &offset, &entry, &command)) CHECK(offset <= size);
  }
}

TEST_CASE("a list of mappings is read as it was written") {
  std::vector<char> payload(sizeof(wire_mapped));
  for (const std::string &name : {std::string(), std::string("/lib/x.so"), std::string("[heap]")}) {
    wire_mapping entry{};
    entry.address = name.size();
    entry.name_size = static_cast<uint32_t>(name.size() + 1);
    const size_t at = payload.size();
    payload.resize(at + wire_mapping_size(entry.name_size));
    wire_mapping_write(&entry, name.c_str(), payload.data() + at);
  }
  size_t offset = sizeof(wire_mapped);
  wire_mapping entry{};
  const char *name = nullptr;
  std::vector<std::string> names;
  while (wire_mapped_next(payload.data(), payload.size(), &offset, &entry, &name)) names.emplace_back(name);
  CHECK(offset == payload.size());
  CHECK(names == std::vector<std::string>{"", "/lib/x.so", "[heap]"});
  payload[sizeof(wire_mapped) + sizeof entry] = 'x'; /* the first name has no end */
  offset = sizeof(wire_mapped);
  CHECK(!wire_mapped_next(payload.data(), payload.size(), &offset, &entry, &name));
}

TEST_SUITE_END();
