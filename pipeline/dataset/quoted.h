// SPDX-License-Identifier: Apache-2.0
// Text from a file as a message can carry it: in quotes, on one line, of bounded length.
#pragma once

#include <string>
#include <string_view>

namespace assay::dataset {

// Control characters become \xNN; after 200 bytes it ends in "...".
inline std::string quoted(std::string_view text) {
  constexpr size_t kMaxBytes = 200;
  constexpr const char* kHex = "0123456789abcdef";
  std::string out = "'";
  for (const char c : text.substr(0, kMaxBytes)) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      out += c;
    } else {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out + (text.size() > kMaxBytes ? "...'" : "'");
}

}  // namespace assay::dataset
