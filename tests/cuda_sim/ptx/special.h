// SPDX-License-Identifier: Apache-2.0
// Special registers.
#pragma once

#include "tests/cuda_sim/ptx/types.h"
#include "tests/cuda_sim/simt/thread.h"

namespace assay::cuda_sim::ptx::special {

inline u32 tid_x(const Thread& thread) { return thread.tid.x; }
inline u32 tid_y(const Thread& thread) { return thread.tid.y; }
inline u32 tid_z(const Thread& thread) { return thread.tid.z; }
inline u32 ntid_x(const Thread& thread) { return thread.block->ntid.x; }
inline u32 ntid_y(const Thread& thread) { return thread.block->ntid.y; }
inline u32 ntid_z(const Thread& thread) { return thread.block->ntid.z; }
inline u32 ctaid_x(const Thread& thread) { return thread.block->ctaid.x; }
inline u32 ctaid_y(const Thread& thread) { return thread.block->ctaid.y; }
inline u32 ctaid_z(const Thread& thread) { return thread.block->ctaid.z; }
inline u32 nctaid_x(const Thread& thread) { return thread.block->nctaid.x; }
inline u32 nctaid_y(const Thread& thread) { return thread.block->nctaid.y; }
inline u32 nctaid_z(const Thread& thread) { return thread.block->nctaid.z; }
inline u32 laneid(const Thread& thread) { return thread.lane; }
inline u32 warpid(const Thread& thread) { return thread.warp; }
inline u32 nwarpid(const Thread& thread) { return thread.block->num_warps; }
inline u32 smid(const Thread& thread) { return thread.block->sm; }
inline u32 nsmid(const Thread&) { return 132; }
inline u64 gridid(const Thread& thread) { return thread.block->grid; }
inline u32 clock(const Thread& thread) { return static_cast<u32>(cuda_sim::clock64(thread)); }
inline u32 clock_hi(const Thread& thread) { return static_cast<u32>(cuda_sim::clock64(thread) >> 32); }
inline u64 clock64(const Thread& thread) { return cuda_sim::clock64(thread); }
inline u64 globaltimer(const Thread& thread) { return cuda_sim::clock64(thread); }
inline u32 globaltimer_lo(const Thread& thread) { return clock(thread); }
inline u32 globaltimer_hi(const Thread& thread) { return clock_hi(thread); }
inline u32 lanemask_eq(const Thread& thread) { return u32{1} << thread.lane; }
inline u32 lanemask_lt(const Thread& thread) { return lanemask_eq(thread) - 1; }
inline u32 lanemask_le(const Thread& thread) { return lanemask_lt(thread) | lanemask_eq(thread); }
inline u32 lanemask_gt(const Thread& thread) { return ~lanemask_le(thread); }
inline u32 lanemask_ge(const Thread& thread) { return ~lanemask_lt(thread); }
inline u32 dynamic_smem_size(const Thread& thread) { return thread.block->dynamic_shared_bytes; }
inline u32 total_smem_size(const Thread& thread) { return thread.block->total_shared_bytes; }
inline u32 warp_sz(const Thread&) { return 32; }

}  // namespace assay::cuda_sim::ptx::special
