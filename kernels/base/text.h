// SPDX-License-Identifier: Apache-2.0
// Message building: text("a", 1, ", b") == "a1, b".
#pragma once

#include <sstream>
#include <string>

namespace assay {

template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

}  // namespace assay
