// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4), which names the inputs of a run.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "kernels/base/status.h"
#include "pipeline/data/byte_view.h"

namespace assay::data {

// Of bytes that arrive in pieces.
class Sha256 {
 public:
  void update(ByteView bytes);
  // 64 lower-case hexadecimal digits of everything so far. Nothing may follow.
  std::string finish();

 private:
  void absorb(const uint8_t* block);

  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> pending_;  // bytes that fill no block yet
  size_t num_pending_ = 0;
  uint64_t num_bytes_ = 0;
};

std::string sha256(ByteView bytes);
// Of a file of any size, in pieces. Errors as read_file's.
Result<std::string> sha256_file(const std::string& path);

}  // namespace assay::data
