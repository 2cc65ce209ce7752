#include <doctest/doctest.h>

#include <string>

#include "support/temporary_directory.h"

extern "C" {
#include "base/small_file.h"
}

TEST_SUITE_BEGIN("small_file");

TEST_CASE("a text is read as far as there is room") {
  TemporaryDirectory directory;
  const std::string path = directory.file("setting", "always [madvise]\n");
  char text[64], little[7];
  CHECK(small_file_read(path.c_str(), text, sizeof text));
  CHECK(std::string(text) == "always [madvise]\n");
  CHECK(small_file_read(path.c_str(), little, sizeof little));
  CHECK(std::string(little) == "always");
}

TEST_CASE("of what is empty or cannot be read the text is empty") {
  TemporaryDirectory directory;
  for (const std::string &path : {directory.file("empty", ""), directory / "none", std::string(directory.path())}) {
    CAPTURE(path);
    char text[8] = "before";
    CHECK(!small_file_read(path.c_str(), text, sizeof text));
    CHECK(std::string(text).empty());
  }
}
