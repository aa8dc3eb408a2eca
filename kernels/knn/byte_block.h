// SPDX-License-Identifier: Apache-2.0
// A block of queries on its way through a byte bank (byte_search.h), in scratch memory.
#pragma once

#include <cstdint>

#include "kernels/knn/byte_codes.h"
#include "kernels/knn/query_blocks.h"

namespace assay::kernels {

struct ByteBlock {
  static constexpr int kTile = 14;              // queries of a register tile: 28 sums, two rows, one query
  static constexpr int64_t kPadded = 128;       // kMaxBlockQueries in whole tiles and whole vectors
  static constexpr float kLeastSlack = 1e-35f;  // above anything that underflows
  struct Row {
    int32_t row;
    float upper;  // bound of its score
  };

  // Lays itself out in scratch: bytes(dim, k), aligned to 64 bytes. k: rows wanted of each query; 0: no lists of rows.
  ByteBlock(void* scratch, int64_t dim, int64_t k);
  static int64_t bytes(int64_t dim, int64_t k);

  // A block of `count` queries, to be put.
  void clear(int64_t count, int64_t dim);
  void put(int64_t q, const ByteRow& row, const int8_t* row_codes, int64_t dim, float rounding);
  // All at once. False where one is not tame.
  bool pack(const float* queries, int64_t count, int64_t dim, float rounding);

  Row* left(int64_t q) const { return rows_ + q * capacity; }
  float* lowers(int64_t q) const { return lowers_ + q * k_; }

  int32_t* codes;       // (tiles, width / 4, kTile), four bytes each
  int32_t* correction;  // what the rows' + 128 add to a sum, negated
  float* scale;
  float* length;     // |q|
  float* residual;   // |e| + rounding * |q|
  float* best;       // the k-th largest lower bound so far
  float* slack;      // for the current panel
  float* threshold;  // for the current panel
  int32_t* num_left;
  int64_t capacity;  // of the rows left of a query

 private:
  int64_t k_;
  int64_t used_;
  float* turned_;      // (width)
  int8_t* row_codes_;  // (width)
  float* lowers_;      // (kMaxBlockQueries, k)
  Row* rows_;          // (kMaxBlockQueries, capacity)
};

}  // namespace assay::kernels
