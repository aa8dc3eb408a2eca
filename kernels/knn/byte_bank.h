// SPDX-License-Identifier: Apache-2.0
// A packed bank once more in bytes, by which the CPU's searches skip nearly all of its rows and still find what they
// would have found without: same rows, same distances, same bits (byte_search.h).
//
// A row is turned by a fixed orthogonal matrix (signs, then Hadamard's matrix over the first and over the last 2^m
// features), which spreads its length over all features, and each feature x'_d is rounded to a byte: x'_d = s c_d + e_d
// with s = max |x'_d| / 127. Kept of a row are s, -|x|^2 / 2 and the bytes; of each panel of 32 rows also the largest
// |x'| and the largest length |e| of what rounding left.
//
// A panel: 16 floats (largest |e|, largest |x'|, 14 unused), 32 scales, 32 starting values, then for each four features
// 32 times four bytes c_d + 128. An internal format of one process, like packed_bank.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/knn/packed_bank.h"

namespace assay::kernels {

// Whether this machine can use byte banks at all: AVX-512 with its dot product of bytes (VNNI). Without that
// instruction bytes are no faster than float32, so there is no other version.
bool byte_banks_work();
// Whether searches of such a bank gain from one: it must have features and rows enough to pay for the bounds.
bool byte_bank_helps(int64_t rows, int64_t dim);

// (320 + 32 * D rounded up to 16) * ceil(rows / 32).
int64_t byte_bank_bytes(int64_t rows, int64_t dim);

// Where byte_banks_work: writes byte_bank_bytes at panels, aligned to 64 bytes, for a bank that is packed and whose
// row_major is set; fewer than 2^31 rows, at most 2^14 features. False, and the panels of no use, where a row is so
// long (|x|^2 > 2e30) that bounds would overflow; rows that no search takes do not count. The same bits for any number
// of threads.
bool pack_byte_bank(const PackedBank& bank, std::byte* panels);

}  // namespace assay::kernels
