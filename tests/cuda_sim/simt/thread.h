// SPDX-License-Identifier: Apache-2.0
// What code on the simulated GPU may call: the one interface between translated PTX (and the fake libraries) and the
// simulator. One CUDA thread is one fiber; all fibers of a block run on one OS thread, so within a block nothing
// happens at the same time: a fiber runs until it waits at a barrier or a warp operation.
//
// Addresses. A global address is the address of the bytes in this process. A shared address is an offset into the
// block's window; its generic form is `block->shared_base + offset`. A local address is that of an object on the
// fiber's stack inside a LocalMemory. Constant and module variables are device allocations.
//
// Every function that can find a fault takes the instruction's SourceLine. A fault that leaves the thread without a
// meaningful next step (out of bounds, misaligned, divergence, trap) ends the launch: the call doesn't return.
// Others (races, uninitialised reads) are reported and the thread goes on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace assay::cuda_sim {

// Where an instruction comes from. One static object per instruction: its address is the instruction's identity.
struct SourceLine {
  const char* file;              // from .loc, or the PTX file where there is none
  uint32_t line;                 // 1-based
  uint32_t ptx_line;             // line of the instruction in the PTX file
  const SourceLine* inlined_at;  // the call that was inlined, or null
};

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
};

// What all threads of one running block share.
struct BlockContext {
  Dim3 ctaid{0, 0, 0};
  Dim3 ntid;
  Dim3 nctaid;
  uint32_t num_threads = 0;
  uint32_t num_warps = 0;
  int device = 0;
  uint32_t sm = 0;                          // %smid: some number below %nsmid
  uint64_t grid = 0;                        // %gridid: number of the launch
  uint32_t dynamic_shared_bytes = 0;        // %dynamic_smem_size
  uint32_t total_shared_bytes = 0;          // %total_smem_size
  unsigned char* shared_base = nullptr;     // start of the shared window, 1024-byte aligned
  uint32_t shared_window_bytes = 0;         // the window, red zones included
  const uint8_t* shared_limits = nullptr;   // per 16-byte granule of the window: how many of its bytes are usable
  uint64_t global_base = 0;                 // start of this device's address range
  uint64_t global_span = 0;                 // its length
  const uint16_t* global_limits = nullptr;  // per 256-byte granule of that range: how many of its bytes are usable
  bool detailed = false;                    // race and uninitialised-read checks are on: always take the slow path
};

struct ThreadState;  // the scheduler's part of a thread: simt/block.h
struct LocalMemory;

struct Thread {
  BlockContext* block = nullptr;
  Dim3 tid{0, 0, 0};
  uint32_t linear = 0;           // x + y * ntid.x + z * ntid.x * ntid.y
  uint32_t lane = 0;             // linear % 32
  uint32_t warp = 0;             // linear / 32
  LocalMemory* local = nullptr;  // innermost frame of local memory
  ThreadState* state = nullptr;
};

// --- Kernels and variables -------------------------------------------------------------------------------------------

// `parameters[i]` is the bytes of parameter i; they live as long as the launch. Returns when the thread exits.
using KernelFunction = void (*)(Thread& thread, const unsigned char* const* parameters);

// A shared array at its place in the window. The translator lays arrays out on 16-byte granules or coarser, with at
// least one unused granule between two, so that running over an end is seen. An array must not be aligned better than
// it asks to be (beyond 16 bytes): kernels that count on luck shall fail.
struct SharedVariable {
  const char* name;
  uint32_t offset;
  uint32_t bytes;
};

struct Kernel {
  const char* name;  // as mangled in PTX
  KernelFunction run;
  const uint32_t* parameter_bytes;  // (num_parameters)
  uint32_t num_parameters;
  const SharedVariable* shared;  // (num_shared) static arrays
  uint32_t num_shared;
  uint32_t static_shared_bytes;    // what ptxas would count: no red zones
  uint32_t dynamic_shared_offset;  // where dynamic shared memory starts in the window
  uint32_t max_threads;            // product of .maxntid, 0 where there is none
  uint32_t num_registers;          // 0: unknown
};

// Called from static initialisers of translated code; the object must outlive the process. The same name may come from
// several translation units (template instantiations): the first one stays.
void register_kernel(const Kernel& kernel);

constexpr int kMaxDevices = 8;

// A __device__ or __constant__ variable, or a string in .global. Each device has its own copy, at address[device].
struct ModuleVariable {
  const char* name;  // as mangled in PTX
  size_t bytes;
  size_t alignment;  // at most 256
  bool constant;     // kernels must not write it
  // Writes the initial value of the copy on `device` (zeroed before). May use address[device] of other variables, which
  // all have their places by then. Null: zeros.
  void (*initialise)(unsigned char* bytes, int device);
  uint64_t address[kMaxDevices];  // filled before the first launch
};

void register_variable(ModuleVariable* variable);

// --- Memory ----------------------------------------------------------------------------------------------------------

enum class Access : uint8_t {
  kRead,        // ld, including ld.volatile: volatile orders nothing between threads
  kWrite,       // st
  kAtomic,      // atom, red, and st.relaxed/.release
  kAtomicLoad,  // ld.relaxed/.acquire
};

namespace detail {
unsigned char* global_slow(Thread& thread, uint64_t address, uint32_t bytes, uint32_t alignment, Access access,
                           const SourceLine* where);
unsigned char* shared_slow(Thread& thread, uint64_t offset, uint32_t bytes, uint32_t alignment, Access access,
                           const SourceLine* where);
unsigned char* generic_slow(Thread& thread, uint64_t address, uint32_t bytes, uint32_t alignment, Access access,
                            const SourceLine* where);
}  // namespace detail

// Check one access and return its bytes in this process. `bytes` is that of the whole vector, at most 32; `alignment`
// is what the instruction demands (the vector's size; a power of two).
inline unsigned char* global_access(Thread& thread, uint64_t address, uint32_t bytes, uint32_t alignment, Access access,
                                    const SourceLine* where) {
  const BlockContext& block = *thread.block;
  const uint64_t offset = address - block.global_base;
  if (__builtin_expect(!block.detailed && (address & (alignment - 1)) == 0 && offset < block.global_span &&
                           (offset & 255) + bytes <= block.global_limits[offset >> 8],
                       1)) {
    return reinterpret_cast<unsigned char*>(address);
  }
  return detail::global_slow(thread, address, bytes, alignment, access, where);
}

// `offset` is a shared-space address.
inline unsigned char* shared_access(Thread& thread, uint64_t offset, uint32_t bytes, uint32_t alignment, Access access,
                                    const SourceLine* where) {
  const BlockContext& block = *thread.block;
  if (__builtin_expect(!block.detailed && (offset & (alignment - 1)) == 0 && offset < block.shared_window_bytes &&
                           (offset & 15) + bytes <= block.shared_limits[offset >> 4],
                       1)) {
    return block.shared_base + offset;
  }
  return detail::shared_slow(thread, offset, bytes, alignment, access, where);
}

// A generic address: global, shared, local, or a kernel parameter.
inline unsigned char* generic_access(Thread& thread, uint64_t address, uint32_t bytes, uint32_t alignment,
                                     Access access, const SourceLine* where) {
  const BlockContext& block = *thread.block;
  const uint64_t offset = address - block.global_base;
  if (__builtin_expect(!block.detailed && (address & (alignment - 1)) == 0 && offset < block.global_span &&
                           (offset & 255) + bytes <= block.global_limits[offset >> 8],
                       1)) {
    return reinterpret_cast<unsigned char*>(address);
  }
  return detail::generic_slow(thread, address, bytes, alignment, access, where);
}

// ld.local, st.local: inside one of the thread's LocalMemory frames.
unsigned char* local_access(Thread& thread, uint64_t address, uint32_t bytes, uint32_t alignment, Access access,
                            const SourceLine* where);

// cvta.shared and cvta.to.shared. No check: whoever uses the address is checked.
inline uint64_t shared_to_generic(const Thread& thread, uint64_t offset) {
  return reinterpret_cast<uint64_t>(thread.block->shared_base) + offset;
}
inline uint64_t generic_to_shared(const Thread& thread, uint64_t address) {
  return address - reinterpret_cast<uint64_t>(thread.block->shared_base);
}

// isspacep
bool is_global(const Thread& thread, uint64_t address);  // constant variables included
bool is_shared(const Thread& thread, uint64_t address);
bool is_local(const Thread& thread, uint64_t address);

// One function's .local arrays, on the fiber's stack. Filled with 0xff: nobody may rely on zeros.
struct LocalMemory {
  LocalMemory(Thread& thread, unsigned char* base, size_t bytes)
      : thread(thread), base(base), bytes(bytes), outer(thread.local) {
    std::memset(base, 0xff, bytes);
    thread.local = this;
  }
  ~LocalMemory() { thread.local = outer; }
  LocalMemory(const LocalMemory&) = delete;
  LocalMemory& operator=(const LocalMemory&) = delete;

  Thread& thread;
  unsigned char* base;
  size_t bytes;
  LocalMemory* outer;
};

// --- cp.async --------------------------------------------------------------------------------------------------------

// Copies `source_bytes` of global memory to shared memory and fills up to `bytes` (4, 8, 16) with zeros, but not now:
// the destination is poison until the thread waits for the group. source_bytes <= bytes.
void cp_async(Thread& thread, uint64_t shared_offset, uint64_t global_address, uint32_t bytes, uint32_t source_bytes,
              const SourceLine* where);
void cp_async_commit(Thread& thread);
void cp_async_wait_group(Thread& thread, uint32_t groups_left, const SourceLine* where);
void cp_async_wait_all(Thread& thread, const SourceLine* where);

// --- Barriers --------------------------------------------------------------------------------------------------------

enum class BarrierKind : uint8_t { kSync, kArrive, kReduceAnd, kReduceOr, kReducePopc };

// bar and barrier of a block. `id` 0 to 15; `count` threads, 0 for all of the block; `aligned`: all threads of a warp
// must execute the same instruction. Returns the reduction over the participants' predicates (0 or 1 for and, or).
uint32_t barrier(Thread& thread, uint32_t id, uint32_t count, BarrierKind kind, bool predicate, bool aligned,
                 const SourceLine* where);

// --- Warp operations -------------------------------------------------------------------------------------------------

enum class WarpOp : uint8_t {
  kSync,  // bar.warp.sync: the only one that orders memory
  kShuffleUp,
  kShuffleDown,
  kShuffleButterfly,
  kShuffleIndex,
  kVoteAll,
  kVoteAny,
  kVoteUni,
  kVoteBallot,
  kMatchAny,
  kMatchAll,
  kReduce,
  kElect,
  kMma,
  kLdmatrix,
  kStmatrix,
};

constexpr uint32_t kWarpSlotBytes = 64;

// What the lanes of one warp operation brought. Valid until the thread's next warp operation.
struct WarpValues {
  alignas(16) unsigned char slot[32][kWarpSlotBytes];
  uint32_t lanes;  // lanes that took part: those of the mask that exist

  bool has(uint32_t lane) const { return lane < 32 && (lanes >> lane & 1) != 0; }
  template <class T>
  T get(uint32_t lane) const {
    static_assert(sizeof(T) <= kWarpSlotBytes);
    T value;
    std::memcpy(&value, slot[lane], sizeof value);
    return value;
  }
};

// Waits until every existing lane of `mask` has come with the same operation, qualifiers and mask, and returns what
// they brought. `qualifiers` tells apart what must not meet (type, shape, reduction). `aligned`: the lanes must be at
// the same instruction (mma, ldmatrix). Reports lanes outside their mask, lanes at another operation, exited lanes.
const WarpValues& warp_exchange(Thread& thread, WarpOp op, uint32_t qualifiers, uint32_t mask, bool aligned,
                                const void* value, uint32_t bytes, const SourceLine* where);

template <class T>
const WarpValues& warp_exchange(Thread& thread, WarpOp op, uint32_t qualifiers, uint32_t mask, bool aligned,
                                const T& value, const SourceLine* where) {
  static_assert(sizeof(T) <= kWarpSlotBytes);
  return warp_exchange(thread, op, qualifiers, mask, aligned, &value, sizeof value, where);
}

// A shuffle that reads a lane that did not take part.
[[noreturn]] void report_lane_not_in_mask(Thread& thread, uint32_t lane, uint32_t mask, const SourceLine* where);

// --- Everything else -------------------------------------------------------------------------------------------------

uint64_t clock64(const Thread& thread);  // %clock, %clock64, %globaltimer: rises with every call
void yield(Thread& thread);              // nanosleep: lets others run

// printf: `arguments` is the buffer that nvcc's code fills, each value at its natural alignment. Returns the number of
// arguments as CUDA's printf does.
int device_printf(Thread& thread, uint64_t format, uint64_t arguments, const SourceLine* where);

[[noreturn]] void device_assert(Thread& thread, uint64_t message, uint64_t file, uint32_t line, uint64_t function,
                                const SourceLine* where);
[[noreturn]] void device_trap(Thread& thread, const SourceLine* where);
// exit: ends the thread from within a .func; at the top level a return does the same.
[[noreturn]] void device_exit(Thread& thread);
// An instruction the translator does not know (or that kernels may not use: activemask, grid sync) was executed.
[[noreturn]] void report_unsupported(Thread& thread, const char* what, const SourceLine* where);

}  // namespace assay::cuda_sim
