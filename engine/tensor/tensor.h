// SPDX-License-Identifier: Apache-2.0
// A dense, contiguous, row-major array on one device that shares its storage. Copying a Tensor copies the handle;
// clone() copies data. Elements of a tensor on a GPU are reached by kernels alone: the host asks for a copy,
// to(Device::cpu()).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/device/device.h"
#include "engine/device/stream.h"
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
  Tensor() = default;  // no elements, shape (0), on the CPU
  // Uninitialised; on a GPU there for work on the calling thread's current stream and what waits for it.
  static Tensor empty(const Shape& shape, DType dtype, const char* tag, Device device = Device::cpu());
  static Tensor zeros(const Shape& shape, DType dtype, const char* tag, Device device = Device::cpu());
  template <class T>
  static Tensor empty(const Shape& shape, const char* tag, Device device = Device::cpu()) {
    return empty(shape, DTypeOf<T>::value, tag, device);
  }
  template <class T>
  static Tensor zeros(const Shape& shape, const char* tag, Device device = Device::cpu()) {
    return zeros(shape, DTypeOf<T>::value, tag, device);
  }

  Device device() const { return storage_ ? storage_->device() : Device::cpu(); }
  const Shape& shape() const { return shape_; }
  int64_t rank() const { return static_cast<int64_t>(shape_.size()); }
  int64_t dim(int64_t axis) const {
    ASSAY_CHECK(axis >= 0 && axis < rank(), "tensor of shape ", to_string(shape_), " has no axis ", axis);
    return shape_[axis];
  }
  int64_t size() const { return size_; }  // elements
  DType dtype() const { return dtype_; }
  size_t bytes() const { return static_cast<size_t>(size_) * dtype_bytes(dtype_); }

  // Elements in row-major order, for the host: throws where they lie on a GPU, and where T is not the tensor's dtype. A
  // const Tensor is a const handle, not const data.
  template <class T>
  T* data() const {
    check_dtype(DTypeOf<T>::value);
    return reinterpret_cast<T*>(raw());
  }
  // The same without a dtype.
  std::byte* raw() const;
  // Whether another Tensor holds the same storage.
  bool is_shared() const { return storage_.use_count() > 1; }
  // Where the elements lie in the device's own address space, for kernels that the next work on the stream runs: says
  // to the storage that it reads them, or writes (and may read) them (engine/memory/storage.h).
  const std::byte* read_by(const Stream& stream) const;
  std::byte* written_by(const Stream& stream) const;

  // Rows of the first axis from `begin` to before `end`, sharing storage.
  Tensor rows(int64_t begin, int64_t end) const;
  // The same elements in another shape of as many elements, sharing storage.
  Tensor reshape(const Shape& shape) const;
  // A copy on the same device.
  Tensor clone(const char* tag) const;
  // On that device: itself where it is there already, otherwise a copy. Returns when the copy is done if the host is
  // its source or destination. `tag` names the copy's memory.
  Tensor to(Device device, const char* tag) const;

 private:
  void check_dtype(DType wanted) const {
    ASSAY_CHECK(wanted == dtype_, "tensor of shape ", to_string(shape_), " read as another dtype");
  }

  std::shared_ptr<Storage> storage_;
  size_t offset_bytes_ = 0;
  Shape shape_ = {0};
  int64_t size_ = 0;
  DType dtype_ = DType::kFloat32;
};

// Copies elements between tensors of one shape and dtype, on a stream of the target's GPU or, where the target is on
// the CPU, of the source's. Host memory that takes part must stay as it is until the stream has got past the copy, and
// runs beside other work only where it is page-locked (engine/memory/pinned_buffer.h).
void copy(const Tensor& from, const Tensor& to, const Stream& stream);

}  // namespace assay
