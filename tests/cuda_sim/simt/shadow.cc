// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim/simt/shadow.h"

#include <algorithm>
#include <utility>

namespace assay::cuda_sim {
namespace {

// SourceLine objects lie in the program's data like this one.
const char anchor = 0;

}  // namespace

int32_t pack_place(const SourceLine* where) {
  if (where == nullptr) return 0;
  return static_cast<int32_t>(reinterpret_cast<intptr_t>(where) - reinterpret_cast<intptr_t>(&anchor));
}

const SourceLine* unpack_place(int32_t packed) {
  if (packed == 0) return nullptr;
  return reinterpret_cast<const SourceLine*>(reinterpret_cast<intptr_t>(&anchor) + packed);
}

ShadowMemory::Page& ShadowMemory::page_of(uint64_t offset) {
  const uint64_t number = offset / kPageBytes;
  if (number != last_number_) {
    std::unique_ptr<Page>& page = pages_[number];
    if (page == nullptr) page = std::make_unique<Page>();
    last_number_ = number;
    last_ = page.get();
  }
  return *last_;
}

void ShadowMemory::erase(uint64_t number) {
  if (number == last_number_) last_number_ = ~uint64_t{0};
  pages_.erase(number);
}

void ShadowMemory::give_up(uint64_t address, uint64_t bytes) {
  const uint64_t end = address - base_ + bytes;
  for (uint64_t offset = address - base_; offset < end;) {
    const uint64_t number = offset / kPageBytes;
    const uint64_t stop = std::min(end, (number + 1) * kPageBytes);
    // A page that nobody touched so far keeps the count for its other bytes.
    const bool is_whole = stop - offset == kPageBytes || (page_of(offset).given_up += stop - offset) >= kPageBytes;
    if (is_whole) erase(number);
    offset = stop;
  }
}

void ShadowMemory::split(Page& page) {
  page.cells.assign(kPageBytes >> page.shift, page.uniform);
  page.is_uniform = false;
}

void ShadowMemory::refine(Page& page, uint32_t shift) {
  std::vector<Cell> cells(kPageBytes >> shift);
  for (size_t granule = 0; granule < cells.size(); ++granule) {
    cells[granule] = page.cells[granule >> (page.shift - shift)];
  }
  page.cells = std::move(cells);
  page.shift = shift;
}

}  // namespace assay::cuda_sim
