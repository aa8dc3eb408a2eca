// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim/simt/memory_map.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <vector>

#include "tests/cuda_sim/simt/options.h"
#include "tests/cuda_sim/simt/race.h"
#include "tests/cuda_sim/simt/report.h"

namespace assay::cuda_sim {
namespace {

constexpr uint64_t kGranule = 256;
constexpr uint64_t kDeviceBytes = uint64_t{256} << 30;
constexpr unsigned char kGuardByte = 0xfe;
constexpr unsigned char kFreshByte = 0xff;  // NaN as float and double, -1 as an integer
constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kFreshFileBytes = uint64_t{16} << 20;

struct Map {
  uint64_t base = 0;
  uint16_t* limits = nullptr;  // of all devices, in one piece
  std::map<uint64_t, Allocation> allocations[kMaxDevices];
  std::deque<uint64_t> freed[kMaxDevices];  // oldest first
  uint64_t next[kMaxDevices] = {};          // offset in the device's range of the first byte never used
  size_t used[kMaxDevices] = {};
  uint64_t num_allocations = 0;
  bool peer[kMaxDevices][kMaxDevices] = {};
  bool pool_peer[kMaxDevices][kMaxDevices] = {};
  std::map<uint64_t, HostMemory> host;
};

void* reserve(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("cuda_sim: cannot reserve addresses for the simulated devices");
    std::abort();
  }
  madvise(memory, bytes, MADV_DONTDUMP);
  return memory;
}

// Never destroyed: destructors of static objects may free device memory.
Map& map() {
  static Map* map = [] {
    auto* fresh = new Map;
    fresh->base = reinterpret_cast<uint64_t>(reserve(kMaxDevices * kDeviceBytes));
    fresh->limits = static_cast<uint16_t*>(reserve(kMaxDevices * kDeviceBytes / kGranule * sizeof(uint16_t)));
    return fresh;
  }();
  return *map;
}

unsigned char* bytes_at(uint64_t address) { return reinterpret_cast<unsigned char*>(address); }

// A file of fresh bytes, to be mapped again and again.
int fresh_file() {
  static const int file = [] {
    const std::vector<unsigned char> fresh(kFreshFileBytes, kFreshByte);
    const int made = memfd_create("cuda_sim_fresh", 0);
    if (made < 0 || write(made, fresh.data(), fresh.size()) != static_cast<ssize_t>(fresh.size())) {
      std::perror("cuda_sim: cannot make the bytes of large allocations");
      std::abort();
    }
    return made;
  }();
  return file;
}

// Whole pages of fresh bytes that cost memory only where somebody writes: kernels whose offsets go beyond 2^31 are
// tested in allocations of which next to nothing is touched.
void map_fresh_pages(uint64_t begin, uint64_t end) {
  for (; begin < end; begin += kFreshFileBytes) {
    void* mapped = mmap(bytes_at(begin), std::min(kFreshFileBytes, end - begin), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fresh_file(), 0);
    if (mapped != MAP_FAILED) continue;
    std::perror("cuda_sim: cannot map a large allocation");
    std::abort();
  }
}

void fill_fresh(uint64_t base, size_t bytes) {
  const uint64_t first = (base + kPageBytes - 1) / kPageBytes * kPageBytes;
  const uint64_t last = (base + bytes) / kPageBytes * kPageBytes;
  if (bytes < kSparseBytes) {
    std::memset(bytes_at(base), kFreshByte, bytes);
    return;
  }
  std::memset(bytes_at(base), kFreshByte, first - base);
  map_fresh_pages(first, last);
  std::memset(bytes_at(last), kFreshByte, base + bytes - last);
}

uint64_t rounded_up(uint64_t bytes) { return (bytes + kGranule - 1) / kGranule * kGranule; }

void set_limits(const Allocation& allocation, bool is_usable) {
  uint16_t* limits = map().limits + (allocation.base - map().base) / kGranule;
  const uint64_t whole = allocation.bytes / kGranule, rest = allocation.bytes % kGranule;
  std::fill_n(limits, whole, static_cast<uint16_t>(is_usable ? kGranule : 0));
  if (rest != 0) limits[whole] = static_cast<uint16_t>(is_usable ? rest : 0);
}

Allocation* find(uint64_t address) {
  const int device = device_of(address);
  if (device < 0) return nullptr;
  auto& allocations = map().allocations[device];
  auto after = allocations.upper_bound(address);
  return after == allocations.begin() ? nullptr : &std::prev(after)->second;
}

// Guard, bytes, rest of the last granule, guard.
uint64_t footprint(size_t bytes) { return kGranule + rounded_up(bytes) + kGranule; }

// Offset of `bytes` addresses that no live allocation needs: new ones first, then those freed longest ago.
uint64_t take_addresses(int device, uint64_t bytes) {
  Map& m = map();
  if (m.next[device] + bytes <= kDeviceBytes) {
    const uint64_t offset = m.next[device];
    m.next[device] += bytes;
    return offset;
  }
  for (auto entry = m.freed[device].begin(); entry != m.freed[device].end(); ++entry) {
    const Allocation& old = m.allocations[device].at(*entry);
    if (footprint(old.bytes) < bytes) continue;
    const uint64_t offset = old.base - kGranule - device_range(device).base;
    m.allocations[device].erase(*entry);
    m.freed[device].erase(entry);
    return offset;
  }
  std::fprintf(stderr, "cuda_sim: the addresses of device %d are used up\n", device);
  std::abort();
}

// The memory behind a range of addresses. Whole pages only: the rest of the first and last belongs to neighbours.
void give_back_pages(uint64_t begin, uint64_t end) {
  const uint64_t first = (begin + kPageBytes - 1) / kPageBytes * kPageBytes;
  const uint64_t last = end / kPageBytes * kPageBytes;
  if (last > first) madvise(bytes_at(first), last - first, MADV_DONTNEED);
}

bool is_guard_intact(const unsigned char* begin, const unsigned char* end) {
  return std::all_of(begin, end, [](unsigned char byte) { return byte == kGuardByte; });
}

}  // namespace

DeviceRange device_range(int device) {
  const uint64_t offset = static_cast<uint64_t>(device) * kDeviceBytes;
  return {map().base + offset, kDeviceBytes, map().limits + offset / kGranule};
}

int device_of(uint64_t address) {
  const uint64_t offset = address - map().base;
  return offset < kMaxDevices * kDeviceBytes ? static_cast<int>(offset / kDeviceBytes) : -1;
}

uint64_t allocate(int device, size_t bytes, AllocationKind kind, bool is_usable) {
  Map& m = map();
  Allocation allocation;
  allocation.base = device_range(device).base + take_addresses(device, footprint(bytes)) + kGranule;
  allocation.bytes = bytes;
  allocation.device = device;
  allocation.kind = kind;
  allocation.is_usable = is_usable;
  allocation.number = ++m.num_allocations;
  std::memset(bytes_at(allocation.base - kGranule), kGuardByte, kGranule);
  fill_fresh(allocation.base, bytes);
  std::memset(bytes_at(allocation.base + bytes), kGuardByte, rounded_up(bytes) - bytes + kGranule);
  if (is_usable) set_limits(allocation, true);
  if (kind != AllocationKind::kVariable) m.used[device] += bytes;
  m.allocations[device][allocation.base] = allocation;
  return allocation.base;
}

void set_usable(uint64_t base) {
  Allocation* allocation = find(base);
  allocation->is_usable = true;
  set_limits(*allocation, true);
}

void release(uint64_t base) {
  Allocation& allocation = *find(base);
  const unsigned char* begin = bytes_at(base);
  const unsigned char* end = begin + allocation.bytes;
  if (!is_guard_intact(begin - kGranule, begin) ||
      !is_guard_intact(end, begin + rounded_up(allocation.bytes) + kGranule)) {
    report_host(Fault::kOutOfBounds, "somebody wrote beside allocation %llu of %zu bytes",
                static_cast<unsigned long long>(allocation.number), allocation.bytes);
  }
  set_limits(allocation, false);
  if (options().race) give_up_global(base - kGranule, footprint(allocation.bytes));
  allocation.is_usable = false;
  allocation.is_freed = true;
  map().used[allocation.device] -= allocation.bytes;
  map().freed[allocation.device].push_back(base);
  give_back_pages(base, base + allocation.bytes);
  const auto limits = reinterpret_cast<uint64_t>(map().limits + (base - map().base) / kGranule);
  give_back_pages(limits, limits + allocation.bytes / kGranule * sizeof(uint16_t));
}

void queue_free(uint64_t base) { find(base)->is_free_queued = true; }

size_t num_used_bytes(int device) { return map().used[device]; }

void set_constant(uint64_t base) { find(base)->is_constant = true; }
void set_counts_as_written(uint64_t base) { find(base)->counts_as_written = true; }

void count_existing_memory_as_written() {
  for (auto& allocations : map().allocations) {
    for (auto& [base, allocation] : allocations) allocation.counts_as_written = true;
  }
}

const Allocation* allocation_at(uint64_t address) { return find(address); }

bool is_usable(uint64_t address, size_t bytes) {
  const Allocation* allocation = find(address);
  return allocation != nullptr && allocation->is_usable && address - allocation->base <= allocation->bytes &&
         bytes <= allocation->bytes - (address - allocation->base);
}

void set_peer_access(int from, int to, AllocationKind kind, bool on) {
  (kind == AllocationKind::kPool ? map().pool_peer : map().peer)[from][to] = on;
}

bool has_peer_access(int from, int to, AllocationKind kind) {
  return from == to || (kind == AllocationKind::kPool ? map().pool_peer : map().peer)[from][to];
}

void add_host_memory(const HostMemory& memory) { map().host[memory.base] = memory; }
void remove_host_memory(uint64_t base) { map().host.erase(base); }

const HostMemory* host_memory_at(uint64_t address) {
  auto after = map().host.upper_bound(address);
  if (after == map().host.begin()) return nullptr;
  const HostMemory& memory = std::prev(after)->second;
  return address - memory.base < memory.bytes ? &memory : nullptr;
}

std::string describe_address(uint64_t address) {
  char text[160];
  const Allocation* near = find(address);
  if (near != nullptr) {
    const uint64_t offset = address - near->base;
    const char* state = near->is_freed ? "freed " : !near->is_usable ? "not yet reached " : "";
    const auto number = static_cast<unsigned long long>(near->number);
    if (offset < near->bytes) {
      std::snprintf(text, sizeof text, "byte %llu of the %zu bytes of %sallocation %llu on device %d",
                    static_cast<unsigned long long>(offset), near->bytes, state, number, near->device);
    } else {
      std::snprintf(text, sizeof text, "%llu bytes past the end of %sallocation %llu (%zu bytes) on device %d",
                    static_cast<unsigned long long>(offset - near->bytes), state, number, near->bytes, near->device);
    }
    return text;
  }
  if (address < 4096) {
    std::snprintf(text, sizeof text, "a null pointer plus %llu", static_cast<unsigned long long>(address));
    return text;
  }
  if (device_of(address) >= 0) return "just before the first allocation of a device";
  if (host_memory_at(address) != nullptr) return "page-locked host memory";
  std::snprintf(text, sizeof text, "%#llx, which is no device memory: a host pointer or a wild one",
                static_cast<unsigned long long>(address));
  return text;
}

}  // namespace assay::cuda_sim
