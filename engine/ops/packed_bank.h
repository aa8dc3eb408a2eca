// SPDX-License-Identifier: Apache-2.0
// A bank of feature rows, laid out once for nearest_neighbour, segment_minimum and top_k_neighbours to search.
#pragma once

#include <cstdint>

#include "engine/tensor/tensor.h"
#include "kernels/knn/packed_bank.h"

namespace assay::ops {

// Owns a packed copy of the rows on their device; the tensor it was made from can be dropped. Copies share the packed
// memory, which never changes, so one bank may be searched from several threads. On CPUs that search faster by bytes
// (kernels/knn/byte_bank.h) the bank holds these too, a quarter of the rows' memory, and shares the rows' own.
class PackedBank {
 public:
  // kWhereTheyHelp: for nearest_neighbour and top_k_neighbours. segment_minimum has no use for bytes.
  enum class Bytes { kWhereTheyHelp, kNone };

  // rows: (N, D) float32, N >= 0, D >= 1, not to be written to as long as the bank lives. `tag` names the memory in
  // usage reports.
  explicit PackedBank(const Tensor& rows, const char* tag = "memory bank", Bytes bytes = Bytes::kWhereTheyHelp);

  int64_t rows() const { return rows_; }  // N
  int64_t dim() const { return dim_; }    // D
  Device device() const { return panels_.device(); }
  // For ops: the memory, and its address for the stream's next work.
  const Tensor& panels() const { return panels_; }
  kernels::PackedBank view(const Stream& stream) const;

 private:
  void add_bytes(const Tensor& rows, const char* tag);

  Tensor panels_;
  Tensor row_major_;    // the rows, where there are bytes
  Tensor byte_panels_;  // uint8; empty: none
  int64_t rows_;
  int64_t dim_;
};

// Throws unless queries is (Q, D) float32 with the bank's D.
void check_queries(const char* op, const Tensor& queries, const PackedBank& bank);

}  // namespace assay::ops
