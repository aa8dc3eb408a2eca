// SPDX-License-Identifier: Apache-2.0
// Race detection and reads of memory that nobody wrote. Nothing here depends on which thread happened to run first:
// two accesses race if no barrier, event or stream order lies between them, seen or not.
#pragma once

#include <cstdint>

#include "tests/cuda_sim/simt/order.h"
#include "tests/cuda_sim/simt/thread.h"

namespace assay::cuda_sim {

// A thread's access to memory that is known to be there.
void check_global_race(Thread& thread, uint64_t address, uint64_t bytes, Access access, const SourceLine* where);
void check_shared_race(Thread& thread, uint64_t offset, uint32_t bytes, Access access, const SourceLine* where);

// From now on nobody wrote these bytes of shared memory: cp.async is on its way to them.
void forget_shared(Thread& thread, uint64_t offset, uint32_t bytes);

// Work of the runtime's (a copy, a memset, a free) reads or writes device memory.
void check_operation(const Operation& operation, uint64_t address, uint64_t bytes, Access access);

// Whether somebody wrote all of these bytes of device memory, as far as is known.
bool is_written(uint64_t address, uint64_t bytes);
// Nobody ever touched these bytes of device memory.
void forget_global(uint64_t address, uint64_t bytes);
// An allocation is gone, and its addresses, guards included, with it.
void give_up_global(uint64_t address, uint64_t bytes);
// Copies whether bytes were ever written: a copy of a half-filled buffer is no fault, reading the other half is.
void copy_written(uint64_t from, uint64_t to, uint64_t bytes);

}  // namespace assay::cuda_sim
