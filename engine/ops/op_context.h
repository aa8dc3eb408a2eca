// SPDX-License-Identifier: Apache-2.0
// What an op runs in: the device of its inputs and the calling thread's current stream there.
//
//   OpContext ctx("add", {{"a", &a}, {"b", &b}});  // throws where they are on different devices
//   Tensor y = ctx.empty<float>(a.shape(), "add");
//   const Storage workspace = ctx.workspace(kernels::add_workspace_bytes(n));
//   ctx.run(kernels::add, {ctx.in<float>(a), ctx.in<float>(b), ctx.out<float>(y), n, ctx.scratch(workspace)});
//
// On a GPU an op returns when its kernels are queued. Inputs, outputs and scratch may then be dropped: memory goes back
// when the stream has got past its uses.
#pragma once

#include <initializer_list>

#include "engine/device/stream.h"
#include "engine/memory/storage.h"
#include "engine/tensor/tensor.h"
#include "kernels/base/check.h"
#include "kernels/base/kernel_table.h"

namespace assay::ops {

class OpContext {
 public:
  struct Operand {
    const char* name;  // in error messages
    const Tensor* tensor;
  };
  // At least one operand. Throws assay::Error naming two that lie on different devices.
  OpContext(const char* op, std::initializer_list<Operand> operands);

  Device device() const { return stream_.device(); }
  const Stream& stream() const { return stream_; }

  template <class T>
  Tensor empty(const Shape& shape, const char* tag) const {
    return Tensor::empty<T>(shape, tag, device());
  }
  Storage workspace(int64_t bytes) const { return Storage(static_cast<size_t>(bytes), "workspace", device()); }

  // Addresses for the kernel's arguments. `in` for what it only reads.
  template <class T>
  const T* in(const Tensor& tensor) const {
    check(tensor, DTypeOf<T>::value);
    return reinterpret_cast<const T*>(tensor.read_by(stream_));
  }
  template <class T>
  T* out(const Tensor& tensor) const {
    check(tensor, DTypeOf<T>::value);
    return reinterpret_cast<T*>(tensor.written_by(stream_));
  }
  template <class T>
  const T* in(const Storage& storage) const {
    storage.reads_on(stream_);
    return reinterpret_cast<const T*>(storage.address());
  }
  template <class T>
  T* out(const Storage& storage) const {
    storage.writes_on(stream_);
    return reinterpret_cast<T*>(storage.address());
  }
  void* scratch(const Storage& storage) const { return out<std::byte>(storage); }

  template <class Args>
  void run(const KernelTable<Args>& kernel, const Args& args) const {
    prepare();
    assay::run(kernel, args, stream_.handle());
  }

 private:
  void check(const Tensor& tensor, DType dtype) const;
  // Kernels are launched on the calling thread's current GPU alone.
  void prepare() const;

  const char* op_;
  const Stream& stream_;
};

}  // namespace assay::ops
