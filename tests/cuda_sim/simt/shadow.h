// SPDX-License-Identifier: Apache-2.0
// Shadow memory: who touched each granule of memory last. Only kept while race detection is on.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "tests/cuda_sim/simt/thread.h"

namespace assay::cuda_sim {

// One access, by whom and when.
struct Record {
  uint32_t operation = 0;  // global memory: the operation; shared memory: the run of the block; 0: nobody
  uint32_t block = 0;      // its number in the grid
  uint32_t thread : 10;    // its number in the block
  uint32_t clock : 22;     // of BlockClock
  int32_t where = 0;       // packed SourceLine
  Record() : thread(0), clock(0) {}
};

// SourceLine objects are static, and so within 2 GiB of each other. 0 stands for null.
int32_t pack_place(const SourceLine* where);
const SourceLine* unpack_place(int32_t packed);

struct Cell {
  Record write;
  Record atomic;
  Record read[2];

  // Whether `operation` of 0 (nobody) is all there is.
  bool is_written() const { return write.operation != 0 || atomic.operation != 0; }
};

class ShadowMemory {
 public:
  explicit ShadowMemory(uint64_t base) : base_(base) {}

  // Calls visit(Cell&, offset of the granule from the base, its bytes) for each granule of [address, address + bytes).
  template <class Visit>
  void visit(uint64_t address, uint64_t bytes, Visit visit);

  // Nobody will touch these bytes any more: a page that is given up whole, at once or bit by bit, costs nothing then.
  void give_up(uint64_t address, uint64_t bytes);

 private:
  static constexpr uint64_t kPageBytes = 4096;
  // Granules are words until a page sees an access of half a word or a byte. A page whose granules were only touched
  // all at once (copies, memsets) is a single one.
  struct Page {
    bool is_uniform = true;
    uint32_t shift = 2;
    uint32_t given_up = 0;  // bytes
    Cell uniform;
    std::vector<Cell> cells;
  };

  Page& page_of(uint64_t offset);
  void erase(uint64_t number);
  static void split(Page& page);
  static void refine(Page& page, uint32_t shift);

  uint64_t base_;
  std::unordered_map<uint64_t, std::unique_ptr<Page>> pages_;
  uint64_t last_number_ = ~uint64_t{0};
  Page* last_ = nullptr;
};

template <class Visit>
void ShadowMemory::visit(uint64_t address, uint64_t bytes, Visit visit) {
  uint64_t offset = address - base_;
  const uint64_t end = offset + bytes;
  while (offset < end) {
    const uint64_t page_start = offset / kPageBytes * kPageBytes;
    const uint64_t stop = end < page_start + kPageBytes ? end : page_start + kPageBytes;
    Page& page = page_of(offset);
    if (page.is_uniform && stop - offset == kPageBytes) {
      visit(page.uniform, page_start, kPageBytes);
      offset = stop;
      continue;
    }
    if (page.is_uniform) split(page);
    const uint32_t shift = static_cast<uint32_t>(__builtin_ctzll(offset | stop | 4));
    if (shift < page.shift) refine(page, shift);
    for (uint64_t granule = offset - page_start; granule < stop - page_start; granule += uint64_t{1} << page.shift) {
      visit(page.cells[granule >> page.shift], page_start + granule, uint64_t{1} << page.shift);
    }
    offset = stop;
  }
}

}  // namespace assay::cuda_sim
