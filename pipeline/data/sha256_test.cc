// SPDX-License-Identifier: Apache-2.0
#include "pipeline/data/sha256.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "pipeline/data/file.h"
#include "tests/support/temporary_folder.h"

namespace assay::data {
namespace {

std::vector<uint8_t> bytes_of(const std::string& s) { return {s.begin(), s.end()}; }

TEST_CASE("sha256 gives the digests of NIST's examples") {
  CHECK(sha256(ByteView()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256(bytes_of("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256(bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256(std::vector<uint8_t>(1000000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("sha256 does not depend on how the bytes were cut") {
  for (const size_t size : {0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 300}) {
    std::vector<uint8_t> bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7);
    const std::string whole = sha256(bytes);
    for (const size_t piece : {1, 3, 63, 64, 65}) {
      Sha256 hash;
      for (size_t at = 0; at < size; at += piece) {
        hash.update(ByteView(bytes).part(at, std::min(piece, size - at)));
      }
      CHECK(hash.finish() == whole);
    }
  }
}

TEST_CASE("sha256_file equals sha256 of the file's bytes, and names a file that is not there") {
  const testing::TemporaryFolder folder;
  const std::vector<uint8_t> bytes(2'500'000, 'x');  // more than two pieces
  REQUIRE(write_file_atomically(folder / "x", bytes).ok());
  CHECK(sha256_file(folder / "x").value() == sha256(bytes));
  CHECK(sha256_file(folder / "y").message() == folder / "y" + ": cannot be read: No such file or directory");
}

}  // namespace
}  // namespace assay::data
