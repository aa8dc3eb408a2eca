// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim/simt/fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

// System V x86-64: rbx, rbp and r12 to r15 belong to the caller; all else is dead across the call. The control words
// of x87 and SSE are the same in all fibers. A new stack starts in assay_cuda_sim_begin with the function in r12 and
// its argument in rbx.
asm(R"(
  .text
  .globl assay_cuda_sim_switch
  .type assay_cuda_sim_switch, @function
assay_cuda_sim_switch:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
  .size assay_cuda_sim_switch, .-assay_cuda_sim_switch

  .globl assay_cuda_sim_begin
  .type assay_cuda_sim_begin, @function
assay_cuda_sim_begin:
  mov %rbx, %rdi
  call *%r12
  ud2
  .size assay_cuda_sim_begin, .-assay_cuda_sim_begin
)");

extern "C" void assay_cuda_sim_begin();

namespace assay::cuda_sim {
namespace {

constexpr size_t kGuardBytes = 4096;

}  // namespace

void* Stack::start(void (*entry)(void*), void* argument) {
  // In the order that assay_cuda_sim_switch pops: r15 r14 r13 r12 rbx rbp, then the return address. The stack's end is
  // a multiple of 16, and so is the pointer after the return: what a `call` needs.
  auto* frame = reinterpret_cast<uint64_t*>(base_ + kBytes) - 9;
  for (int word = 0; word < 9; ++word) frame[word] = 0;
  frame[3] = reinterpret_cast<uint64_t>(entry);
  frame[4] = reinterpret_cast<uint64_t>(argument);
  frame[6] = reinterpret_cast<uint64_t>(&assay_cuda_sim_begin);
  return frame;
}

bool Stack::is_overflow(const void* pointer) const {
  const auto* byte = static_cast<const unsigned char*>(pointer);
  return byte < base_ && byte >= base_ - kGuardBytes;
}

Stack* StackPool::take() {
  if (free_.empty()) {
    void* memory = mmap(nullptr, kGuardBytes + Stack::kBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, kGuardBytes, PROT_NONE) != 0) {
      std::perror("cuda_sim: no memory for the stack of a simulated thread");
      std::abort();
    }
    all_.push_back(new Stack(static_cast<unsigned char*>(memory) + kGuardBytes));
    return all_.back();
  }
  Stack* stack = free_.back();
  free_.pop_back();
  return stack;
}

void StackPool::reset() { free_.assign(all_.rbegin(), all_.rend()); }

}  // namespace assay::cuda_sim
