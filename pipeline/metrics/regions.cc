// SPDX-License-Identifier: Apache-2.0
#include "pipeline/metrics/regions.h"

#include <algorithm>
#include <cstring>

namespace assay {
namespace {

void append_runs(const uint8_t* row_mask, int64_t row, int64_t width, std::vector<Run>& runs) {
  int64_t x = 0;
  while (x < width) {
    // Most rows of most masks are empty: skip zeros a word at a time.
    uint64_t word = 0;
    while (x + 8 <= width) {
      std::memcpy(&word, row_mask + x, 8);
      if (word != 0) break;
      x += 8;
    }
    while (x < width && row_mask[x] == 0) ++x;
    if (x == width) return;
    const int64_t begin = x;
    while (x < width && row_mask[x] != 0) ++x;
    runs.push_back({row, begin, x, 0});
  }
}

// The root of a run's tree; a parent is never behind its child, so a root is the region's first run.
int64_t find_root(std::vector<int64_t>& parent, int64_t run) {
  while (parent[run] != run) {
    parent[run] = parent[parent[run]];
    run = parent[run];
  }
  return run;
}

void join(std::vector<int64_t>& parent, int64_t a, int64_t b) {
  a = find_root(parent, a);
  b = find_root(parent, b);
  parent[std::max(a, b)] = std::min(a, b);
}

}  // namespace

Regions connected_regions(const uint8_t* mask, int64_t height, int64_t width) {
  Regions found;
  std::vector<Run>& runs = found.runs;
  std::vector<int64_t> parent;
  int64_t above = 0, above_end = 0;  // the runs of the row above
  for (int64_t row = 0; row < height; ++row) {
    const int64_t first = static_cast<int64_t>(runs.size());
    append_runs(mask + row * width, row, width, runs);
    const int64_t last = static_cast<int64_t>(runs.size());
    for (int64_t r = first; r < last; ++r) {
      parent.push_back(r);
      while (above < above_end && runs[above].end < runs[r].begin) ++above;  // equal: they touch at a corner
      for (int64_t a = above; a < above_end && runs[a].begin <= runs[r].end; ++a) join(parent, a, r);
    }
    above = first;
    above_end = last;
  }
  for (int64_t r = 0; r < static_cast<int64_t>(runs.size()); ++r) {
    const int64_t root = find_root(parent, r);
    if (root == r) {
      runs[r].region = static_cast<int64_t>(found.areas.size());
      found.areas.push_back(0);
    } else {
      runs[r].region = runs[root].region;
    }
    found.areas[runs[r].region] += runs[r].end - runs[r].begin;
  }
  return found;
}

}  // namespace assay
