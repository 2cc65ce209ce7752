#include <doctest/doctest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "support/patience.h"
#include "support/resources.h"
#include "support/wire_client.h"

TEST_SUITE_BEGIN("server");

TEST_CASE("a client's program runs with its descriptors, and its client learns of the end") {
  Listening listening;
  Pipe output;
  Client client(listening.path());
  LaunchRequest request(test_program("say"), {"hello", "", "world"});
  request.descriptors = {{1, output.in()}};
  REQUIRE(client.launch(request));
  CHECK(client.started() > 0);
  CHECK(client.ended() == 0);
  CHECK(client.receive().type == 0);
  CHECK(output.rest() == request.program + "\nhello\n\nworld\n");
  CHECK(eventually([&] { return listening.count() == 0; }));
}

TEST_CASE("exit codes and deaths by signal arrive") {
  Listening listening;
  for (const int code : {0, 1, 255}) {
    Client client(listening.path());
    REQUIRE(client.launch(LaunchRequest(test_program("end"), {"exit", std::to_string(code)})));
    client.started();
    CHECK(client.ended() == code);
  }
  Client client(listening.path());
  REQUIRE(client.launch(LaunchRequest(test_program("end"), {"signal", "15"})));
  client.started();
  CHECK(client.ended() == 1015);
}

TEST_CASE("an open and closed server leaves nothing") {
  CHECK(leaks_of([] {
          Listening listening;
          Client client(listening.path());
          client.launch(LaunchRequest(test_program("end"), {"exit", "3"}));
          client.started();
          client.ended();
        }) == "");
}

TEST_SUITE_END();
