// SPDX-License-Identifier: Apache-2.0
#include "pipeline/data/file.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace assay::data {
namespace {

using testing::TemporaryFolder;
using Bytes = std::vector<uint8_t>;

constexpr int64_t kMany = 1 << 20;

TEST_CASE("a file is read as it was written, and replaced whole") {
  const TemporaryFolder folder;
  const std::string path = folder / "a";
  for (const Bytes& bytes : {Bytes{}, Bytes{1, 2, 0, 3}, Bytes(3'000'000, 7)}) {
    REQUIRE(write_file_atomically(path, bytes).ok());
    CHECK(read_file(path, 3'000'000).value() == bytes);
    CHECK(folder.num_entries() == 1);
  }
}

TEST_CASE("a file longer than the limit is refused, or cut where its start was asked for") {
  const TemporaryFolder folder;
  const std::string path = folder / "a";
  REQUIRE(write_file_atomically(path, Bytes{1, 2, 3}).ok());
  CHECK(read_file(path, 3).ok());
  CHECK(read_file(path, 2).message() == path + ": file of 3 bytes is above the limit of 2");
  CHECK(read_file_start(path, 2).value() == Bytes{1, 2});
  CHECK(read_file_start(path, 9).value() == Bytes{1, 2, 3});
}

TEST_CASE("what is no readable file is an error that names it") {
  const TemporaryFolder folder;
  CHECK(read_file(folder / "none", kMany).message() == folder / "none" + ": cannot be read: No such file or directory");
  CHECK(read_file(folder.path(), kMany).message() == folder.path() + ": is a folder, expected a file");
  CHECK(read_file("/dev/zero", kMany).message() == "/dev/zero: is not a regular file");
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(read_file(folder / "pipe", kMany).message() == folder / "pipe" + ": is not a regular file");
  REQUIRE(write_file_atomically(folder / "secret", Bytes{1}).ok());
  REQUIRE(chmod((folder / "secret").c_str(), 0) == 0);
  if (geteuid() != 0) {  // root may read everything
    CHECK(read_file(folder / "secret", kMany).message() == folder / "secret" + ": cannot be read: Permission denied");
  }
}

TEST_CASE("a write that cannot begin is an error that names the file") {
  const TemporaryFolder folder;
  CHECK(write_file_atomically(folder / "no/such", Bytes{1}).message() ==
        folder / "no/such" + ": cannot be written: No such file or directory");
  REQUIRE(write_file_atomically(folder / "file", Bytes{1}).ok());
  CHECK(write_file_atomically(folder / "file/x", Bytes{1}).message() ==
        folder / "file/x" + ": cannot be written: Not a directory");
  CHECK(write_file_atomically(folder.path(), Bytes{1}).message() ==
        folder.path() + ": cannot be written: Is a directory");
}

// Stands for a full disk: writes fail past so many bytes.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    previous_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &previous_);
    const rlimit limit = {bytes, previous_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &previous_);
    std::signal(SIGXFSZ, previous_handler_);
  }

 private:
  rlimit previous_;
  void (*previous_handler_)(int);
};

TEST_CASE("a write that fails half-way leaves the old file and nothing else") {
  const TemporaryFolder folder;
  const std::string path = folder / "a";
  REQUIRE(write_file_atomically(path, Bytes{1, 2, 3}).ok());
  {
    const FileSizeLimit limit(1000);
    CHECK(write_file_atomically(path, Bytes(5000, 9)).message() == path + ": cannot be written: File too large");
  }
  CHECK(read_file(path, kMany).value() == Bytes{1, 2, 3});
  CHECK(folder.num_entries() == 1);
}

TEST_CASE("a temporary file that a killed program left is not in the way") {
  const TemporaryFolder folder;
  // The counter continues from the writes of the other tests; names around it are all taken.
  for (int i = 0; i < 100; ++i) {
    REQUIRE(::mkdir((folder / text(".assay-tmp-", getpid(), "-", i)).c_str(), 0700) == 0);
  }
  CHECK(write_file_atomically(folder / "a", Bytes{1}).ok());
  CHECK(folder.num_entries() == 101);
}

}  // namespace
}  // namespace assay::data
