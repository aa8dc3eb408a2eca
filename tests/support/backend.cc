// SPDX-License-Identifier: Apache-2.0
#include "tests/support/backend.h"

#include <cstring>

namespace assay::testing {
namespace {
Backend chosen = Backend::kCpu;
}

Backend test_backend() { return chosen; }
void set_test_backend(Backend backend) { chosen = backend; }

void choose_test_backend(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--backend=cuda") == 0) chosen = Backend::kCuda;
  }
}

}  // namespace assay::testing
