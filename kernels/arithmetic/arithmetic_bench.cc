// SPDX-License-Identifier: Apache-2.0
// The tokens of a batch through a ViT-B.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/arithmetic/combine.h"
#include "kernels/arithmetic/combine_ref.h"
#include "tools/bench/case_list.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

struct Operands {
  Buffer<float> a, b, y;
};

PreparedCase prepare(int64_t rows, int64_t cols, Broadcast broadcast) {
  const auto v = std::make_shared<Operands>(Operands{
      samples(rows * cols, 1), samples(ref::size_of_b(broadcast, {rows, cols}), 2), Buffer<float>(rows * cols)});
  const auto holds = [=] {
    const auto want =
        ref::combine(v->a.values(0, cols), v->b.values(0, cols), {1, cols}, Combination::kAdd, broadcast, 1, 0);
    return begins_with(v->y, want.value, want.tolerance);
  };
  return {[=] {
            launch(combine, {v->a.data(), v->b.data(), v->y.data(), rows, cols, Combination::kAdd, broadcast});
          },
          holds};
}

}  // namespace

std::vector<Case> arithmetic_cases(const Scale& s) {
  const int64_t rows = s(16) * s(789), cols = s(768);
  const std::string shape = shape_text({rows, cols});
  return {{"combine/add", shape, ref::combine_flop(rows, cols), ref::combine_bytes(rows, cols, rows * cols),
           [=] { return prepare(rows, cols, Broadcast::kNone); }},
          {"combine/bias", shape, ref::combine_flop(rows, cols), ref::combine_bytes(rows, cols, cols),
           [=] { return prepare(rows, cols, Broadcast::kRow); }}};
}

}  // namespace assay::bench
