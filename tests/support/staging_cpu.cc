// SPDX-License-Identifier: Apache-2.0
#include "kernels/base/check.h"
#include "tests/support/staging.h"

namespace assay::testing {
namespace {
constexpr const char* kNoCuda = "this test program was built without CUDA";
}

std::byte* test_device_allocate(size_t) { throw Error(kNoCuda); }
void test_device_free(std::byte*) {}
void test_device_upload(std::byte*, const void*, size_t) { throw Error(kNoCuda); }
void test_device_download(void*, const std::byte*, size_t) { throw Error(kNoCuda); }

}  // namespace assay::testing
