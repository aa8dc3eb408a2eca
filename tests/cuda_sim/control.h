// SPDX-License-Identifier: Apache-2.0
// What tests may ask of the simulated GPU: its reports, and settings that otherwise come from the environment
// (README.md). Only tests that run on the simulator link this; everything else sees nothing but the CUDA runtime.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace assay::cuda_sim {

enum class Fault {
  kOutOfBounds,      // memory that belongs to nobody, or to a neighbour
  kFreedMemory,      // use after free, or use before cudaMallocAsync's stream got there
  kOtherDevice,      // another device's memory without peer access
  kHostPointer,      // a host pointer, pinned or not, in a kernel
  kReadOnly,         // write to constant memory or to a kernel's parameters
  kMisaligned,       // vector access, or cp.async, at an address that isn't a multiple of its size
  kRace,             // two threads, no barrier between; or two blocks, no atomic
  kUninitialised,    // read of memory that nobody wrote
  kUnordered,        // work on different streams touches the same bytes without an event between
  kDivergence,       // threads of one block or warp at different barriers or warp operations
  kDeadlock,         // nobody can go on
  kAssert,           // device assert
  kTrap,             // trap instruction
  kUnsupported,      // an instruction that the translator doesn't know, or that kernels may not use
  kStackOverflow,    // a thread's stack, or a crash in a kernel
  kLaunchUnchecked,  // a launch failed and nobody asked for the error
  kPinnedMemory,     // pinned memory freed or changed while a copy of it was pending
  kBadCall,          // a call of the runtime whose arguments no program should pass
};

// "out of bounds", for messages.
const char* fault_name(Fault fault);

struct Report {
  Fault fault;
  std::string text;    // one line, without the place
  std::string file;    // empty where the host is at fault
  uint32_t line = 0;   // 1-based
  std::string kernel;  // demangled; empty where the host is at fault
  uint32_t block[3] = {0, 0, 0};
  uint32_t thread[3] = {0, 0, 0};
  int64_t count = 1;  // how often the same fault was seen at the same place
};

// The reports since the last call, oldest first, and forgets them. Also clears the sticky error that a fault left on
// the devices, so that a test can go on. A process that ends with reports that nobody took exits with code 86.
std::vector<Report> take_reports();

// Each of these waits for all work first.
void set_seed(uint64_t seed);         // 0: everything in order
void set_race_detection(bool on);     // also uninitialised reads and stream order; memory that exists counts as written
void set_memory_limit(size_t bytes);  // of every device
void set_num_threads(int num_threads);  // OS threads that run blocks; race detection always uses one

// The n-th allocation from now (device or pinned, 1 is the next) fails once with cudaErrorMemoryAllocation; 0: none.
void fail_allocation(int64_t n);

// The n-th launch of a kernel from now (1 is the next) is refused once, with cudaErrorLaunchOutOfResources; 0: none.
void fail_launch(int64_t n);
// The n-th launch from now is accepted, and its kernel breaks its device when it runs, as an access to memory that
// isn't there does: cudaErrorIllegalAddress, but no report. 0: none.
void break_in_launch(int64_t n);

int64_t num_launches();                  // kernels that ran since the process began
size_t num_allocated_bytes(int device);  // device memory in use now

// Makes bytes of device memory poison that nobody wrote: for allocators that hand out the same memory again.
void mark_uninitialised(void* pointer, size_t bytes);

}  // namespace assay::cuda_sim
