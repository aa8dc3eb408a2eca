// SPDX-License-Identifier: Apache-2.0
// cp.async: copies that happen as late as the program allows, at the wait for their group. Until then their
// destination is poison. A thread that never waits never gets the data.
#include "tests/cuda_sim/simt/block.h"
#include "tests/cuda_sim/simt/race.h"
#include "tests/cuda_sim/simt/report.h"

namespace assay::cuda_sim {
namespace {

void finish(Thread& thread, const PendingCopy& copy) {
  // Both ends are checked again: memory may have been freed or overwritten meanwhile.
  unsigned char* to = shared_access(thread, copy.shared_offset, copy.bytes, copy.bytes, Access::kWrite, copy.where);
  std::memset(to, 0, copy.bytes);
  if (copy.source_bytes == 0) return;
  const unsigned char* from =
      global_access(thread, copy.global_address, copy.source_bytes, 1, Access::kRead, copy.where);
  std::memcpy(to, from, copy.source_bytes);
}

void finish_groups(Thread& thread, size_t num_groups) {
  ThreadState& state = *thread.state;
  if (num_groups == 0) return;
  const size_t num_copies = state.copy_groups[num_groups - 1];
  for (size_t index = 0; index < num_copies; ++index) finish(thread, state.copies[index]);
  state.copies.erase(state.copies.begin(), state.copies.begin() + static_cast<ptrdiff_t>(num_copies));
  state.copy_groups.erase(state.copy_groups.begin(), state.copy_groups.begin() + static_cast<ptrdiff_t>(num_groups));
  for (size_t& end : state.copy_groups) end -= num_copies;
}

}  // namespace

void cp_async(Thread& thread, uint64_t shared_offset, uint64_t global_address, uint32_t bytes, uint32_t source_bytes,
              const SourceLine* where) {
  if (source_bytes > bytes) {
    fail(thread, Fault::kOutOfBounds, where, "cp.async of %u bytes takes %u bytes of its source", bytes, source_bytes);
  }
  // The instruction asks for an aligned source even where it reads less than all of it.
  if (source_bytes > 0 && global_address % bytes != 0) {
    fail(thread, Fault::kMisaligned, where, "cp.async of %u bytes from an address that is no multiple of %u", bytes,
         bytes);
  }
  // A write now, so that threads which still read the old bytes race with it; then poison.
  unsigned char* to = shared_access(thread, shared_offset, bytes, bytes, Access::kWrite, where);
  std::memset(to, 0xff, bytes);
  if (thread.block->detailed) forget_shared(thread, shared_offset, bytes);
  if (source_bytes > 0) global_access(thread, global_address, source_bytes, 1, Access::kRead, where);
  thread.state->copies.push_back({shared_offset, global_address, bytes, source_bytes, where});
}

void cp_async_commit(Thread& thread) { thread.state->copy_groups.push_back(thread.state->copies.size()); }

void cp_async_wait_group(Thread& thread, uint32_t groups_left, const SourceLine*) {
  const size_t num_groups = thread.state->copy_groups.size();
  if (num_groups > groups_left) finish_groups(thread, num_groups - groups_left);
}

void cp_async_wait_all(Thread& thread, const SourceLine*) {
  cp_async_commit(thread);
  finish_groups(thread, thread.state->copy_groups.size());
}

}  // namespace assay::cuda_sim
