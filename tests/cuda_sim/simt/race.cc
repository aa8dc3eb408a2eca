// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim/simt/race.h"

#include <array>
#include <vector>

#include "tests/cuda_sim/simt/block.h"
#include "tests/cuda_sim/simt/memory_map.h"
#include "tests/cuda_sim/simt/report.h"
#include "tests/cuda_sim/simt/shadow.h"

namespace assay::cuda_sim {
namespace {

const char* access_name(Access access) {
  switch (access) {
    case Access::kRead:
      return "read";
    case Access::kWrite:
      return "write";
    case Access::kAtomic:
      return "atomic";
    case Access::kAtomicLoad:
      return "atomic load";
  }
  return "access";
}

ShadowMemory& shadow_of_device(int device) {
  // Never destroyed: work that is left over, frees above all, runs while the process ends.
  static auto* shadows = new std::array<ShadowMemory*, kMaxDevices>();
  if ((*shadows)[device] == nullptr) (*shadows)[device] = new ShadowMemory(device_range(device).base);
  return *(*shadows)[device];
}

Record record_of(const Thread& thread, uint32_t operation, const SourceLine* where) {
  Block& block = block_of(thread);
  Record record;
  record.operation = operation;
  record.block = static_cast<uint32_t>(block.linear_index());
  record.thread = thread.linear;
  record.clock = block.clock().now(thread.linear);
  record.where = pack_place(where);
  return record;
}

// The earlier access that races with this one, or null; `earlier_access` says what it was.
template <class IsOrdered>
const Record* find_race(const Cell& cell, Access access, IsOrdered is_ordered, Access& earlier_access) {
  if (!is_ordered(cell.write)) {
    earlier_access = Access::kWrite;
    return &cell.write;
  }
  const bool is_atomic = access == Access::kAtomic || access == Access::kAtomicLoad;
  if (!is_atomic && !is_ordered(cell.atomic)) {
    earlier_access = Access::kAtomic;
    return &cell.atomic;
  }
  if (access != Access::kWrite && access != Access::kAtomic) return nullptr;
  earlier_access = Access::kRead;
  for (const Record& read : cell.read) {
    if (!is_ordered(read)) return &read;
  }
  return nullptr;
}

// Readers that are ordered before this access are replaced: what comes after this access comes after them. Of several
// that aren't, two are kept; a race with one more is missed only if it races with none of the two.
template <class IsOrdered>
void enter(Cell& cell, const Record& record, Access access, IsOrdered is_ordered) {
  if (access == Access::kWrite) cell.write = record;
  if (access == Access::kAtomic) cell.atomic = record;
  if (access != Access::kRead) return;
  if (is_ordered(cell.read[0])) {
    cell.read[0] = record;
  } else if (is_ordered(cell.read[1])) {
    cell.read[1] = record;
  }
}

}  // namespace

void check_global_race(Thread& thread, uint64_t address, uint64_t bytes, Access access, const SourceLine* where) {
  Block& block = block_of(thread);
  const Operation& operation = *block.launch().operation;
  const Record me = record_of(thread, operation.id, where);
  const int device = device_of(address);
  bool has_race = false;
  bool has_unwritten = false;
  shadow_of_device(device).visit(address, bytes, [&](Cell& cell, uint64_t offset, uint64_t) {
    auto is_ordered = [&](const Record& earlier) {
      if (earlier.operation != operation.id) return earlier.operation == 0 || is_over(earlier.operation, operation);
      return earlier.block == me.block && block.clock().is_ordered(earlier.thread, earlier.clock, me.thread);
    };
    if (access != Access::kWrite && !cell.is_written()) has_unwritten = true;
    Access earlier_access = Access::kRead;
    const Record* earlier = find_race(cell, access, is_ordered, earlier_access);
    if (earlier != nullptr && !has_race) {
      has_race = true;
      const uint64_t byte = offset + device_range(device).base - allocation_at(address)->base;
      if (earlier->operation != operation.id) {
        report(thread, Fault::kUnordered, where,
               "%s of byte %llu of an allocation, which %s %s without an event between", access_name(access),
               static_cast<unsigned long long>(byte), operation_name(earlier->operation).c_str(),
               earlier_access == Access::kRead ? "uses" : "writes");
      } else {
        report(thread, Fault::kRace, where,
               "%s of byte %llu of an allocation of global memory; the %s by thread %u of block %u at %s has no %s "
               "between",
               access_name(access), static_cast<unsigned long long>(byte), access_name(earlier_access), earlier->thread,
               earlier->block, place(unpack_place(earlier->where)).c_str(),
               earlier->block == me.block ? "barrier" : "atomic");
      }
    }
    enter(cell, me, access, is_ordered);
  });
  const Allocation* allocation = has_unwritten ? allocation_at(address) : nullptr;
  if (allocation != nullptr && !allocation->counts_as_written) {
    report(thread, Fault::kUninitialised, where, "%s of global memory that nobody wrote: byte %llu of %zu",
           access_name(access), static_cast<unsigned long long>(address - allocation->base), allocation->bytes);
  }
}

void check_shared_race(Thread& thread, uint64_t offset, uint32_t bytes, Access access, const SourceLine* where) {
  Block& block = block_of(thread);
  const uint32_t run = block.run_number();
  const Record me = record_of(thread, run, where);
  bool has_race = false;
  bool has_unwritten = false;
  block.shared_shadow().visit(
      reinterpret_cast<uint64_t>(block.shared_base) + offset, bytes, [&](Cell& cell, uint64_t, uint64_t) {
        auto is_ordered = [&](const Record& earlier) {
          return earlier.operation != run || block.clock().is_ordered(earlier.thread, earlier.clock, me.thread);
        };
        if (access != Access::kWrite && cell.write.operation != run && cell.atomic.operation != run)
          has_unwritten = true;
        Access earlier_access = Access::kRead;
        const Record* earlier = find_race(cell, access, is_ordered, earlier_access);
        if (earlier != nullptr && !has_race) {
          has_race = true;
          report(thread, Fault::kRace, where,
                 "%s of shared memory at offset %llu; the %s by thread %u at %s has no barrier "
                 "between",
                 access_name(access), static_cast<unsigned long long>(offset), access_name(earlier_access),
                 earlier->thread, place(unpack_place(earlier->where)).c_str());
        }
        enter(cell, me, access, is_ordered);
      });
  if (has_unwritten) {
    report(thread, Fault::kUninitialised, where, "%s of shared memory that nobody wrote, at offset %llu",
           access_name(access), static_cast<unsigned long long>(offset));
  }
}

void forget_shared(Thread& thread, uint64_t offset, uint32_t bytes) {
  Block& block = block_of(thread);
  block.shared_shadow().visit(reinterpret_cast<uint64_t>(block.shared_base) + offset, bytes,
                              [](Cell& cell, uint64_t, uint64_t) { cell = Cell(); });
}

void check_operation(const Operation& operation, uint64_t address, uint64_t bytes, Access access) {
  Record me;
  me.operation = operation.id;
  bool has_race = false;
  const int device = device_of(address);
  shadow_of_device(device).visit(address, bytes, [&](Cell& cell, uint64_t offset, uint64_t) {
    auto is_ordered = [&](const Record& earlier) {
      return earlier.operation == 0 || is_over(earlier.operation, operation);
    };
    Access earlier_access = Access::kRead;
    const Record* earlier = find_race(cell, access, is_ordered, earlier_access);
    if (earlier != nullptr && !has_race) {
      has_race = true;
      const uint64_t byte = offset + device_range(device).base - allocation_at(address)->base;
      report_host(Fault::kUnordered, "%s: %s of byte %llu of an allocation, which %s %s without an event between",
                  operation_name(operation.id).c_str(), access_name(access), static_cast<unsigned long long>(byte),
                  operation_name(earlier->operation).c_str(), earlier_access == Access::kRead ? "uses" : "writes");
    }
    enter(cell, me, access, is_ordered);
  });
}

bool is_written(uint64_t address, uint64_t bytes) {
  const Allocation* allocation = allocation_at(address);
  if (allocation != nullptr && allocation->counts_as_written) return true;
  bool all = true;
  shadow_of_device(device_of(address)).visit(address, bytes, [&](Cell& cell, uint64_t, uint64_t) {
    if (!cell.is_written()) all = false;
  });
  return all;
}

void forget_global(uint64_t address, uint64_t bytes) {
  shadow_of_device(device_of(address)).visit(address, bytes, [](Cell& cell, uint64_t, uint64_t) { cell = Cell(); });
}

void give_up_global(uint64_t address, uint64_t bytes) { shadow_of_device(device_of(address)).give_up(address, bytes); }

void copy_written(uint64_t from, uint64_t to, uint64_t bytes) {
  const Allocation* allocation = allocation_at(from);
  if (allocation == nullptr || allocation->counts_as_written) return;
  // Collected first: both ranges may lie in one page.
  struct Run {
    uint64_t begin, end;
  };
  std::vector<Run> unwritten;
  const uint64_t base = device_range(device_of(from)).base;
  shadow_of_device(device_of(from)).visit(from, bytes, [&](Cell& cell, uint64_t offset, uint64_t granule_bytes) {
    if (cell.is_written()) return;
    const uint64_t begin = base + offset - from;
    if (unwritten.empty() || unwritten.back().end != begin) unwritten.push_back({begin, begin});
    unwritten.back().end = begin + granule_bytes;
  });
  for (const Run& run : unwritten) forget_global(to + run.begin, run.end - run.begin);
}

}  // namespace assay::cuda_sim
