// SPDX-License-Identifier: Apache-2.0
#include "engine/tensor/tensor.h"

#include "engine/device/copy.h"

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

Tensor Tensor::empty(const Shape& shape, DType dtype, const char* tag, Device device) {
  Tensor t;
  t.shape_ = shape;
  t.size_ = num_elements(shape);
  t.dtype_ = dtype;
  int64_t bytes = 0;
  ASSAY_CHECK(!__builtin_mul_overflow(t.size_, static_cast<int64_t>(dtype_bytes(dtype)), &bytes), tag, ": shape ",
              to_string(shape), " has more bytes than int64 counts");
  t.storage_ = std::make_shared<Storage>(static_cast<size_t>(bytes), tag, device);
  return t;
}

Tensor Tensor::zeros(const Shape& shape, DType dtype, const char* tag, Device device) {
  Tensor t = empty(shape, dtype, tag, device);
  if (t.bytes() > 0) fill_zero(t.written_by(current_stream(device)), t.bytes(), current_stream(device));
  return t;
}

std::byte* Tensor::raw() const {
  ASSAY_CHECK(device().is_cpu(), "tensor of shape ", to_string(shape_), " lies on ", to_string(device()),
              ", where the host cannot reach it");
  return storage_ && storage_->address() ? storage_->address() + offset_bytes_ : nullptr;
}

const std::byte* Tensor::read_by(const Stream& stream) const {
  if (!storage_ || storage_->address() == nullptr) return nullptr;
  storage_->reads_on(stream);
  return storage_->address() + offset_bytes_;
}

std::byte* Tensor::written_by(const Stream& stream) const {
  if (!storage_ || storage_->address() == nullptr) return nullptr;
  storage_->writes_on(stream);
  return storage_->address() + offset_bytes_;
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
  const Tensor t = empty(shape_, dtype_, tag, device());
  copy(*this, t, current_stream(device()));
  return t;
}

Tensor Tensor::to(Device target, const char* tag) const {
  if (target == device()) return *this;
  const Tensor t = empty(shape_, dtype_, tag, target);
  const Stream& stream = current_stream(target.is_cpu() ? device() : target);
  copy(*this, t, stream);
  if (target.is_cpu() || device().is_cpu()) stream.synchronise();
  return t;
}

void copy(const Tensor& from, const Tensor& to, const Stream& stream) {
  ASSAY_CHECK(from.shape() == to.shape() && from.dtype() == to.dtype(), "copy: from shape ", to_string(from.shape()),
              " of ", dtype_name(from.dtype()), " to shape ", to_string(to.shape()), " of ", dtype_name(to.dtype()));
  if (from.bytes() == 0) return;
  const Device source = from.device(), target = to.device();
  const Device worker = target.is_cpu() ? source : target;
  ASSAY_CHECK(stream.device() == worker, "copy: from ", to_string(source), " to ", to_string(target),
              " on a stream of ", to_string(stream.device()));
  copy_bytes(from.read_by(stream), source, to.written_by(stream), target, from.bytes(), stream);
}

}  // namespace assay
