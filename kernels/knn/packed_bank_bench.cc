// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/knn/packed_bank.h"
#include "tools/bench/case_list.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

struct Bank {
  Bank(int64_t n, int64_t d)
      : num_rows(n),
        dim(d),
        rows(samples(n * d, 1)),
        panels(packed_bank_bytes(n, d) / static_cast<int64_t>(sizeof(float))) {}
  bool last_row_holds() const {
    const int64_t row = num_rows - 1, panel = (dim + 1) * kPanelRows;
    const std::vector<float> last = panels.values(row / kPanelRows * panel, panel), x = rows.values(row * dim, dim);
    for (int64_t d = 0; d < dim; ++d) {
      if (last[(1 + d) * kPanelRows + row % kPanelRows] != x[d]) return false;
    }
    return true;
  }
  int64_t num_rows, dim;
  Buffer<float> rows, panels;
};

PreparedCase prepare(int64_t num_rows, int64_t dim) {
  const auto bank = std::make_shared<Bank>(num_rows, dim);
  return {[=] {
            launch(pack_bank, {bank->rows.data(), bank->panels.data(), num_rows, dim});
          },
          [=] { return bank->last_row_holds(); }};
}

}  // namespace

std::vector<Case> packed_bank_cases(const Scale& s) {
  const int64_t shapes[][2] = {{65536, 152}, {16384, 384}};
  std::vector<Case> cases;
  for (const auto& shape : shapes) {
    const int64_t rows = s(shape[0]), dim = s(shape[1]);
    const double floats = static_cast<double>(rows) * static_cast<double>(dim);
    cases.push_back({"pack_bank", shape_text({rows, dim}), 2 * floats,
                     4 * floats + static_cast<double>(packed_bank_bytes(rows, dim)),
                     [=] { return prepare(rows, dim); }});
  }
  return cases;
}

}  // namespace assay::bench
