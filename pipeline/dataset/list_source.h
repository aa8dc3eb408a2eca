// SPDX-License-Identifier: Apache-2.0
// What a reader of lists is given. The text has been read, so readers can be tested on any bytes.
#pragma once

#include <string>
#include <string_view>

namespace assay::dataset {

struct ListSource {
  std::string path;       // of the list, for messages and names
  std::string_view text;  // its bytes
  std::string root;       // folder that the list's paths are relative to
};

}  // namespace assay::dataset
