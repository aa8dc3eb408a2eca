// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/run_folder.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temporary_folder.h"

namespace assay::pipeline {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using testing::TemporaryFolder;

Json configured() { return {{"image_size", 256}, {"keep", "auto"}, {"features", {{"a", 1}, {"b", 2}}}}; }

void put(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

std::string refusal(const std::string& path, const Json& configuration = configured()) {
  const auto folder = RunFolder::open(path, configuration);
  return folder.ok() ? "" : folder.message();
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("a new folder is made with its parents, and holds a record at once") {
  const TemporaryFolder parent;
  const std::string path = parent / "a/b";
  REQUIRE(RunFolder::open(path, configured()).ok());
  std::ifstream record(path + "/run.json");
  CHECK(Json::parse(record)["configuration"] == configured());
}

TEST_CASE("a continued run knows its files and notes, and which files are no longer whole") {
  const TemporaryFolder parent;
  {
    const auto folder = RunFolder::open(parent.path(), configured()).value();
    folder->notes()["count"] = 3;
    for (const char* name : {"same", "changed", "longer", "missing"}) REQUIRE(folder->write(name, "text").ok());
    put(folder->file("not recorded"), "text");
  }
  put(parent / "changed", "texT");
  put(parent / "longer", "text ");
  fs::remove(parent / "missing");
  const auto folder = RunFolder::open(parent.path(), configured()).value();
  CHECK(folder->notes()["count"] == 3);
  CHECK(folder->is_whole("same"));
  for (const char* name : {"changed", "longer", "missing", "not recorded"}) CHECK_FALSE(folder->is_whole(name));
}

TEST_CASE("a file written by other means is whole once it is recorded") {
  const TemporaryFolder parent;
  const auto folder = RunFolder::open(parent.path(), configured()).value();
  put(folder->file("model"), "bytes");
  CHECK_FALSE(folder->is_whole("model"));
  REQUIRE(folder->record_file("model").ok());
  CHECK(folder->is_whole("model"));
  CHECK_FALSE(folder->record_file("missing").ok());
}

TEST_CASE("another configuration is refused by the name of the first difference, and changes nothing") {
  const TemporaryFolder parent;
  REQUIRE(RunFolder::open(parent.path(), configured()).ok());
  Json other = configured();
  other["image_size"] = 320;
  CHECK(contains(refusal(parent.path(), other), "(image_size: 256 in the run, 320 asked for)"));
  other = configured();
  other["features"]["b"] = 3;
  CHECK(contains(refusal(parent.path(), other), "(features.b: 2 in the run, 3 asked for)"));
  other = configured();
  other["new"] = true;
  CHECK(contains(refusal(parent.path(), other), "(new: null in the run, true asked for)"));
  other = configured();
  other.erase("keep");
  CHECK(contains(refusal(parent.path(), other), "(keep: \"auto\" in the run, null asked for)"));
  CHECK(refusal(parent.path()) == "");
}

TEST_CASE("members in another order are no difference and hide none") {
  const TemporaryFolder parent;
  REQUIRE(RunFolder::open(parent.path(), configured()).ok());
  Json other = {{"features", {{"b", 2}, {"a", 1}}}, {"keep", "auto"}, {"image_size", 256}};
  CHECK(refusal(parent.path(), other) == "");
  other["keep"] = "0.5";
  CHECK(contains(refusal(parent.path(), other), "(keep: "));
}

TEST_CASE("text that is not UTF-8 is the same text when the run continues") {
  const TemporaryFolder parent;
  Json configuration = configured();
  configuration["data"] = "caf\xe9";
  REQUIRE(RunFolder::open(parent.path(), configuration).ok());
  CHECK(refusal(parent.path(), configuration) == "");
}

TEST_CASE("a folder with files but no run is left alone") {
  const TemporaryFolder parent;
  put(parent / "thesis.tex", "text");
  CHECK(contains(refusal(parent.path()), "holds files but no run.json"));
  CHECK(parent.num_entries() == 1);
}

TEST_CASE("what killed writers leave behind does no harm and is cleared away") {
  const TemporaryFolder parent;
  put(parent / ".lock", "");
  put(parent / ".assay-tmp-1-0", "half a mod");
  put(parent / ".assay-tmp-spill-abcdef", "feat");
  CHECK(refusal(parent.path()) == "");
  put(parent / ".assay-tmp-1-1", "half a mod");
  CHECK(refusal(parent.path()) == "");
  CHECK(parent.num_entries() == 2);  // .lock, run.json
}

TEST_CASE("a folder that cannot be made or written is an error that names it") {
  const TemporaryFolder parent;
  put(parent / "file", "");
  for (const std::string& path : {parent / "file/run", parent / "file", std::string("/proc/assay-run"),
                                  std::string("/proc/self"), parent / std::string(300, 'x'), std::string()}) {
    CAPTURE(path);
    const std::string message = refusal(path);
    CHECK(message.compare(0, path.size(), path) == 0);
    CHECK(contains(message, ": "));
    CHECK_FALSE(RunFolder::check_writable(path).ok());
  }
}

TEST_CASE("a folder in use is refused, by this process and by another, until it is let go") {
  const TemporaryFolder parent;
  auto folder = RunFolder::open(parent.path(), configured()).value();
  CHECK(contains(refusal(parent.path()), "another process is running"));
  const pid_t child = ::fork();
  if (child == 0) ::_exit(contains(refusal(parent.path()), "another process is running") ? 0 : 1);
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  folder.reset();
  CHECK(refusal(parent.path()) == "");
}

TEST_CASE("a record that is damaged is an error, whatever is in it") {
  for (const char* record :
       {"", "{", "[]", "3", "{}", R"({"configuration": 3})", R"({"configuration": {}, "notes": 3, "files": {}})",
        R"({"configuration": {}, "notes": {}, "files": 3})", R"({"configuration": {}, "notes": {}, "files": [1]})",
        "\xff\xfe"}) {
    CAPTURE(record);
    const TemporaryFolder parent;
    put(parent / "run.json", record);
    CHECK(contains(refusal(parent.path(), Json::object()), "run.json: not the record of a run"));
  }
}

TEST_CASE("a write that fails leaves the file as it was") {
  const TemporaryFolder parent;
  const auto folder = RunFolder::open(parent.path(), configured()).value();
  fs::create_directory(folder->file("taken"));
  CHECK_FALSE(folder->write("taken", "text").ok());
  CHECK_FALSE(folder->is_whole("taken"));
  CHECK(parent.num_entries() == 3);  // .lock, run.json, taken
}

}  // namespace
}  // namespace assay::pipeline
