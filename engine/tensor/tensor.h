// SPDX-License-Identifier: Apache-2.0
// A dense, contiguous, row-major array that shares its storage. Copying a Tensor copies the handle; clone() copies
// data.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/memory/storage.h"
#include "engine/tensor/dtype.h"
#include "kernels/base/check.h"

namespace assay {

using Shape = std::vector<int64_t>;

// "(3, 4)".
std::string to_string(const Shape& shape);
// Product of the axes; throws assay::Error on a negative axis or where it overflows int64_t.
int64_t num_elements(const Shape& shape);

class Tensor {
 public:
  Tensor() = default;                                                     // no elements, shape (0)
  static Tensor empty(const Shape& shape, DType dtype, const char* tag);  // uninitialised
  static Tensor zeros(const Shape& shape, DType dtype, const char* tag);
  template <class T>
  static Tensor empty(const Shape& shape, const char* tag) {
    return empty(shape, DTypeOf<T>::value, tag);
  }
  template <class T>
  static Tensor zeros(const Shape& shape, const char* tag) {
    return zeros(shape, DTypeOf<T>::value, tag);
  }

  const Shape& shape() const { return shape_; }
  int64_t rank() const { return static_cast<int64_t>(shape_.size()); }
  int64_t dim(int64_t axis) const {
    ASSAY_CHECK(axis >= 0 && axis < rank(), "tensor of shape ", to_string(shape_), " has no axis ", axis);
    return shape_[axis];
  }
  int64_t size() const { return size_; }  // elements
  DType dtype() const { return dtype_; }
  size_t bytes() const { return static_cast<size_t>(size_) * dtype_bytes(dtype_); }

  // Elements in row-major order. Throws where T is not the tensor's dtype. A const Tensor is a const handle, not const
  // data.
  template <class T>
  T* data() const {
    ASSAY_CHECK(DTypeOf<T>::value == dtype_, "tensor of shape ", to_string(shape_), " read as another dtype");
    return reinterpret_cast<T*>(raw());
  }
  // Whether another Tensor holds the same storage.
  bool is_shared() const { return storage_.use_count() > 1; }
  std::byte* raw() const { return storage_ ? storage_->data() + offset_bytes_ : nullptr; }
  // Rows of the first axis from `begin` to before `end`, sharing storage.
  Tensor rows(int64_t begin, int64_t end) const;
  // The same elements in another shape of as many elements, sharing storage.
  Tensor reshape(const Shape& shape) const;
  Tensor clone(const char* tag) const;

 private:
  std::shared_ptr<Storage> storage_;
  size_t offset_bytes_ = 0;
  Shape shape_ = {0};
  int64_t size_ = 0;
  DType dtype_ = DType::kFloat32;
};

}  // namespace assay
