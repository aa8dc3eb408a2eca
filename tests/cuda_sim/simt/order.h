// SPDX-License-Identifier: Apache-2.0
// Happens-before between pieces of work: kernels, copies, memsets on streams. An operation knows, per stream, the last
// operation that is sure to be over when it begins: a vector clock over streams.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace assay::cuda_sim {

// known[s] = n: the first n operations of stream slot s are over.
using StreamClock = std::vector<uint32_t>;

void join(StreamClock& into, const StreamClock& other);

struct Operation {
  uint32_t id = 0;  // from 1
  StreamClock known;
};

// Enters the `sequence`-th operation (from 1) of stream slot `stream` under a new number. `name` is for messages.
uint32_t enter_operation(uint32_t stream, uint32_t sequence, std::string name);
const std::string& operation_name(uint32_t id);

// Whether operation `earlier` is over when `later` begins. An operation is before itself.
bool is_over(uint32_t earlier, const Operation& later);

}  // namespace assay::cuda_sim
