// SPDX-License-Identifier: Apache-2.0
// A build without CUDA. No device of it can be made, so that all but the first two are unreachable.
#include "engine/device/cuda_api.h"
#include "kernels/base/check.h"

namespace assay::cuda_api {
namespace {

constexpr char kNoCuda[] = "no CUDA in this build";

[[noreturn]] void refuse() { throw Error(kNoCuda); }

}  // namespace

bool is_in_build() { return false; }
Result<int> device_count() { return Status::error(kNoCuda); }

Properties properties(int) { refuse(); }
MemoryInfo memory_info(int) { refuse(); }
bool connect_peers(int, int) { refuse(); }

void make_current(int) { refuse(); }

void* create_stream(int) { refuse(); }
void destroy_stream(int, void*) noexcept {}
void synchronise_stream(int, void*) { refuse(); }
void synchronise_device(int) { refuse(); }
bool is_stream_idle(int, void*) { refuse(); }

void* create_event(int) { refuse(); }
void destroy_event(int, void*) noexcept {}
void record_event(int, void*, void*) { refuse(); }
void synchronise_event(int, void*) { refuse(); }
bool is_event_done(int, void*) { refuse(); }
void wait_for_event(int, void*, void*) { refuse(); }

void* allocate(int, size_t, void*) { refuse(); }
void release(int, void*, void*) noexcept {}
void* allocate_pinned(size_t) { refuse(); }
void release_pinned(void*) noexcept {}

void copy_to_device(int, void*, const void*, size_t, void*) { refuse(); }
void copy_to_host(int, void*, const void*, size_t, void*) { refuse(); }
void copy_between(int, void*, int, const void*, size_t, void*) { refuse(); }
void fill_zero(int, void*, size_t, void*) { refuse(); }

}  // namespace assay::cuda_api
