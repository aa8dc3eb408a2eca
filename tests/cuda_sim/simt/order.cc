// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim/simt/order.h"

#include <algorithm>
#include <utility>

namespace assay::cuda_sim {
namespace {

struct Entry {
  uint32_t stream;
  uint32_t sequence;
  std::string name;
};

// Grows with every operation and is never cleared: shadow memory keeps numbers for as long as the memory lives.
std::vector<Entry>& entries() {
  static auto* entries = new std::vector<Entry>(1);  // number 0 is nobody
  return *entries;
}

}  // namespace

void join(StreamClock& into, const StreamClock& other) {
  if (into.size() < other.size()) into.resize(other.size(), 0);
  for (size_t stream = 0; stream < other.size(); ++stream) into[stream] = std::max(into[stream], other[stream]);
}

uint32_t enter_operation(uint32_t stream, uint32_t sequence, std::string name) {
  entries().push_back({stream, sequence, std::move(name)});
  return static_cast<uint32_t>(entries().size() - 1);
}

const std::string& operation_name(uint32_t id) { return entries()[id].name; }

bool is_over(uint32_t earlier, const Operation& later) {
  if (earlier == later.id) return true;
  const Entry& entry = entries()[earlier];
  return entry.stream < later.known.size() && later.known[entry.stream] >= entry.sequence;
}

}  // namespace assay::cuda_sim
