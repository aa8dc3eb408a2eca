// SPDX-License-Identifier: Apache-2.0
#include "engine/tensor/tensor.h"

#include <cstring>

namespace assay {

std::string to_string(const Shape& shape) {
  std::string s = "(";
  for (size_t i = 0; i < shape.size(); ++i) s += (i ? ", " : "") + std::to_string(shape[i]);
  return s + ")";
}

int64_t num_elements(const Shape& shape) {
  int64_t n = 1;
  for (const int64_t axis : shape) {
    ASSAY_CHECK(axis >= 0, "shape ", to_string(shape), " has a negative axis");
    ASSAY_CHECK(!__builtin_mul_overflow(n, axis, &n), "shape ", to_string(shape),
                " has more elements than int64 counts");
  }
  return n;
}

Tensor Tensor::empty(const Shape& shape, DType dtype, const char* tag) {
  Tensor t;
  t.shape_ = shape;
  t.size_ = num_elements(shape);
  t.dtype_ = dtype;
  int64_t bytes = 0;
  ASSAY_CHECK(!__builtin_mul_overflow(t.size_, static_cast<int64_t>(dtype_bytes(dtype)), &bytes), tag, ": shape ",
              to_string(shape), " has more bytes than int64 counts");
  t.storage_ = std::make_shared<Storage>(static_cast<size_t>(bytes), tag);
  return t;
}

Tensor Tensor::zeros(const Shape& shape, DType dtype, const char* tag) {
  Tensor t = empty(shape, dtype, tag);
  if (t.bytes() > 0) std::memset(t.raw(), 0, t.bytes());
  return t;
}

Tensor Tensor::rows(int64_t begin, int64_t end) const {
  ASSAY_CHECK(rank() >= 1 && begin >= 0 && begin <= end && end <= shape_[0], "rows ", begin, " to ", end,
              " of a tensor of shape ", to_string(shape_));
  Tensor t = *this;
  const int64_t row_size = shape_[0] == 0 ? 0 : size_ / shape_[0];
  t.shape_[0] = end - begin;
  t.size_ = row_size * (end - begin);
  t.offset_bytes_ = offset_bytes_ + static_cast<size_t>(begin * row_size) * dtype_bytes(dtype_);
  return t;
}

Tensor Tensor::reshape(const Shape& shape) const {
  ASSAY_CHECK(num_elements(shape) == size_, "reshape: ", to_string(shape_), " to ", to_string(shape),
              " changes the number of elements");
  Tensor t = *this;
  t.shape_ = shape;
  return t;
}

Tensor Tensor::clone(const char* tag) const {
  Tensor t = empty(shape_, dtype_, tag);
  if (bytes() > 0) std::memcpy(t.raw(), raw(), bytes());
  return t;
}

}  // namespace assay
