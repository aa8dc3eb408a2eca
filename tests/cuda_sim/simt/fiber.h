// SPDX-License-Identifier: Apache-2.0
// Stacks and switching between them: what makes one CUDA thread wait while another runs on the same OS thread.
#pragma once

#include <cstddef>
#include <vector>

namespace assay::cuda_sim {

// Saves the callee-saved registers on the current stack, its pointer in *save, and goes on at `load`.
extern "C" void assay_cuda_sim_switch(void** save, void* load);

// A stack with a page without access below it, so that overflow is a crash in the right place, not a wrong result.
class Stack {
 public:
  // Untouched pages cost nothing. Translated kernels keep every PTX register of a function in one frame.
  static constexpr size_t kBytes = 256 << 10;

  explicit Stack(unsigned char* base) : base_(base) {}

  // The pointer to switch to so that `entry(argument)` starts on this stack. It must never return.
  void* start(void (*entry)(void*), void* argument);

  bool contains(const void* pointer) const {
    const auto* byte = static_cast<const unsigned char*>(pointer);
    return byte >= base_ && byte < base_ + kBytes;
  }
  // Whether the page below the stack was hit.
  bool is_overflow(const void* pointer) const;

 private:
  unsigned char* base_;
};

// Stacks of one OS thread. Only as many exist as threads waited at the same time.
class StackPool {
 public:
  StackPool() = default;
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  Stack* take();
  void give_back(Stack* stack) { free_.push_back(stack); }
  // All stacks are free again: what ran on them is forgotten.
  void reset();
  const std::vector<Stack*>& all() const { return all_; }

 private:
  std::vector<Stack*> all_;  // never unmapped: pools live as long as the process
  std::vector<Stack*> free_;
};

}  // namespace assay::cuda_sim
