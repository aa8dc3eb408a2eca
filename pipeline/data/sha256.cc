// SPDX-License-Identifier: Apache-2.0
#include "pipeline/data/sha256.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "pipeline/data/file.h"

namespace assay::data {
namespace {

constexpr uint32_t kRoundConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

uint32_t rotate_right(uint32_t x, int n) { return x >> n | x << (32 - n); }

// The message schedule W of a block, FIPS 180-4 section 6.2.2 step 1.
std::array<uint32_t, 64> schedule(const uint8_t* block) {
  std::array<uint32_t, 64> w;
  const ByteView bytes(block, 64);
  for (size_t t = 0; t < 16; ++t) w[t] = bytes.u32_big(4 * t);
  for (size_t t = 16; t < 64; ++t) {
    const uint32_t s0 = rotate_right(w[t - 15], 7) ^ rotate_right(w[t - 15], 18) ^ w[t - 15] >> 3;
    const uint32_t s1 = rotate_right(w[t - 2], 17) ^ rotate_right(w[t - 2], 19) ^ w[t - 2] >> 10;
    w[t] = w[t - 16] + s0 + w[t - 7] + s1;
  }
  return w;
}

}  // namespace

void Sha256::absorb(const uint8_t* block) {
  const std::array<uint32_t, 64> w = schedule(block);
  auto [a, b, c, d, e, f, g, h] = state_;
  for (size_t t = 0; t < 64; ++t) {
    const uint32_t sum1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
    const uint32_t choice = (e & f) ^ (~e & g);
    const uint32_t t1 = h + sum1 + choice + kRoundConstants[t] + w[t];
    const uint32_t sum0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
    const uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + sum0 + majority;
  }
  const uint32_t sums[8] = {a, b, c, d, e, f, g, h};
  for (size_t i = 0; i < 8; ++i) state_[i] += sums[i];
}

void Sha256::update(ByteView bytes) {
  num_bytes_ += bytes.size();
  size_t at = 0;
  if (num_pending_ > 0) {
    at = std::min(bytes.size(), pending_.size() - num_pending_);
    if (at > 0) std::memcpy(pending_.data() + num_pending_, bytes.data(), at);
    num_pending_ += at;
    if (num_pending_ < pending_.size()) return;
    absorb(pending_.data());
    num_pending_ = 0;
  }
  for (; bytes.has(at, 64); at += 64) absorb(bytes.data() + at);
  num_pending_ = bytes.size() - at;
  if (num_pending_ > 0) std::memcpy(pending_.data(), bytes.data() + at, num_pending_);
}

std::string Sha256::finish() {
  const uint64_t num_bits = num_bytes_ * 8;
  std::vector<uint8_t> padding(num_pending_ < 56 ? 64 - num_pending_ : 128 - num_pending_, 0);
  padding[0] = 0x80;
  for (size_t i = 0; i < 8; ++i) padding[padding.size() - 1 - i] = static_cast<uint8_t>(num_bits >> (8 * i));
  update(padding);
  std::string hex;
  for (const uint32_t word : state_) {
    for (int shift = 28; shift >= 0; shift -= 4) hex += "0123456789abcdef"[word >> shift & 15];
  }
  return hex;
}

std::string sha256(ByteView bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

Result<std::string> sha256_file(const std::string& path) {
  Sha256 hash;
  ASSAY_RETURN_IF_ERROR(read_file_in_pieces(path, [&](ByteView piece) { hash.update(piece); }));
  return hash.finish();
}

}  // namespace assay::data
