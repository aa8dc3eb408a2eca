// SPDX-License-Identifier: Apache-2.0
// Finds the rows that score_tile-inl.h would find, by a byte bank (byte_bank.h): bytes rule out almost all rows,
// float32 decides among the rest.
//
// The score of a row is s(q, x) = q.x - |x|^2 / 2, computed in float32 in one fixed order of its terms; a search wants
// the k rows of the largest computed scores. With q' = q^ + e_q, x' = x^ + e_x (turned, as bytes times scale, and rest)
//
//   |q'.x' - q^.x^| = |q'.e_x + e_q.x^| <= |q'| |e_x| + |e_q| |x^|                          (Cauchy-Schwarz)
//   |computed s - exact s| <= (D + 2) 2^-24 (|q| |x| + |x|^2 / 2)       (D fused multiply-adds, each half a last place)
//   |q'.x' - q.x| <= 2 (2 log2 D + 6) 2^-24 |q| |x|                            (turning: each stage half a last place)
//
// and so the computed score lies within q^.x^ - |x|^2 / 2 +- slack. (D + 128) 2^-24 covers the last two lines and the
// arithmetic of the bounds themselves. q^.x^ is exact in integers. A row whose upper bound is below the k-th largest
// lower bound so far cannot be among the k. What is left is bounded again by a plain float32 product (whose slack is
// the last two lines alone) and, where more than k rows stay even then, scored in the order of score_tile.
#pragma once

#include <atomic>
#include <cstdint>

#include "kernels/knn/packed_bank.h"

namespace assay::kernels {

// Scratch for a block of queries, in bytes.
int64_t byte_search_bytes(int64_t dim, int64_t k);

// rows (count, k): for each query the k rows of the largest scores, of equal scores the lower, in no order; -1 behind
// them where fewer can be taken. bank has byte panels. count <= kMaxBlockQueries; scratch: byte_search_bytes, aligned
// to 64 bytes.
//
// False, and `rows` undefined, where bounds rule out so little that plain float32 is faster, and where a query is not
// finite or so long that bounds would overflow. Costs a few percent of the plain search then.
bool byte_top_rows(const float* queries, int64_t count, const PackedBank& bank, int64_t k, void* scratch,
                   int64_t* rows);

// The same for the blocks of one call, which run at once: as soon as bytes have failed a few of them, no more are
// tried.
class ByteAttempts {
 public:
  ByteAttempts(const PackedBank& bank, int64_t k) : bank_(bank), k_(k), left_(0) {
    // Of fewer rows too many are among the k best for a while: float32 is faster (measured at k = 9, 20 and 64).
    constexpr int64_t kMinRowsPerNeighbour = 256;
    if (bank.byte_panels != nullptr && bank.rows >= kMinRowsPerNeighbour * k) left_ = 2;
  }
  bool find(const float* queries, int64_t count, void* scratch, int64_t* rows) {
    if (left_ <= 0) return false;
    if (byte_top_rows(queries, count, bank_, k_, scratch, rows)) return true;
    --left_;
    return false;
  }

 private:
  const PackedBank& bank_;
  int64_t k_;
  std::atomic<int> left_;
};

}  // namespace assay::kernels
