// SPDX-License-Identifier: Apache-2.0
// The part of Python's pickle that a PyTorch state dict is written in, as a tree of values. A pickle is a program; this
// machine runs only the instructions that build numbers, strings, tuples, lists, dicts and tensors' descriptions. Every
// other instruction, and every global that is not on the list of pickle.cc, is refused: nothing is looked up or called.
// Source: Python's pickletools (protocols 2 to 4), torch.serialization's use of persistent ids.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/base/status.h"

namespace assay::io {

struct PickleValue;
using PickleRef = const PickleValue*;

struct PickleValue {
  enum class Kind {
    kNone,
    kBool,
    kInt,
    kFloat,
    kString,
    kTuple,
    kList,
    kDict,        // in order; the values of `pairs`
    kGlobal,      // `text` is "module.name"
    kPersistent,  // items[0]: what a persistent id was made of
    kCall,        // items[0] the global, items[1] its arguments: not called, but recorded
  };
  Kind kind = Kind::kNone;
  int64_t number = 0;  // kBool, kInt
  double real = 0;     // kFloat
  std::string text;    // kString, kGlobal
  std::vector<PickleRef> items;
  std::vector<std::pair<PickleRef, PickleRef>> pairs;  // kDict
};

// A pickle's value, and all values that it is made of. They may be shared, and a list or dict may hold itself: walk
// with a limit of depth.
struct PickleTree {
  std::deque<PickleValue> values;
  PickleRef root = nullptr;
  size_t bytes_used = 0;  // of the input
};

// Runs one pickle at the start of `bytes`. Untrusted input: memory is bounded by the number of bytes.
Result<PickleTree> parse_pickle(std::string_view bytes);

}  // namespace assay::io
