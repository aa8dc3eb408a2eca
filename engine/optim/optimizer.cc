// SPDX-License-Identifier: Apache-2.0
#include "engine/optim/optimizer.h"

#include <cmath>
#include <cstring>
#include <map>
#include <set>

#include "engine/ops/combine.h"
#include "engine/ops/op_context.h"
#include "kernels/optim/step.h"

namespace assay::optim {
namespace {

using Kind = OptimizerOptions::Kind;

constexpr const char* kTag = "optimiser";

void check_options(const OptimizerOptions& o) {
  const auto is_beta = [](double b) { return b >= 0 && b < 1; };
  ASSAY_CHECK(is_beta(o.momentum) && is_beta(o.beta1) && is_beta(o.beta2), "optimizer: momentum ", o.momentum,
              ", beta1 ", o.beta1, ", beta2 ", o.beta2, ", expected 0 to below 1");
  ASSAY_CHECK(o.eps > 0 && o.weight_decay >= 0 && o.update_clip > 0 && o.max_grad_norm >= 0, "optimizer: eps ", o.eps,
              ", weight_decay ", o.weight_decay, ", update_clip ", o.update_clip, ", max_grad_norm ", o.max_grad_norm,
              ", expected positive, not negative, positive, not negative");
}

Tensor zeros_like(const Tensor& t) {
  const Tensor zeros = Tensor::empty<float>(t.shape(), kTag, t.device());
  ops::fill(zeros, 0);
  return zeros;
}

bool same(const kernels::OptimTensor& a, const kernels::OptimTensor& b) {
  return a.value == b.value && a.grad == b.grad && a.moment1 == b.moment1 && a.moment2 == b.moment2 &&
         a.most_moment2 == b.most_moment2 && a.count == b.count;
}

// A table of plain structs as bytes on the device.
template <class T>
Tensor upload(const std::vector<T>& table, Device device) {
  const Tensor bytes = Tensor::empty<uint8_t>({static_cast<int64_t>(table.size() * sizeof(T))}, kTag);
  if (!table.empty()) std::memcpy(bytes.raw(), table.data(), table.size() * sizeof(T));
  return bytes.to(device, kTag);
}

}  // namespace

Optimizer::Optimizer(std::vector<autograd::Parameter*> parameters, const OptimizerOptions& options)
    : options_(options) {
  check_options(options);
  ASSAY_CHECK(!parameters.empty(), "optimizer: no parameter");
  std::set<const autograd::Parameter*> seen;
  for (autograd::Parameter* p : parameters) {
    ASSAY_CHECK(p != nullptr && seen.insert(p).second, "optimizer: a parameter that is null or listed twice");
    ASSAY_CHECK(p->value.dtype() == DType::kFloat32, "optimizer: ", p->name, " is ", dtype_name(p->value.dtype()),
                ", expected float32");
    if (slots_.empty()) device_ = p->value.device();
    ASSAY_CHECK(p->value.device() == device_, "optimizer: ", p->name, " lies on ", to_string(p->value.device()),
                ", the first parameter on ", to_string(device_));
    Slot slot = {p, {}, {}, {}};
    const bool is_adam = options.kind != Kind::kSgd;
    if (is_adam || options.momentum > 0) slot.moment1 = zeros_like(p->value);
    if (is_adam) slot.moment2 = zeros_like(p->value);
    if (is_adam && options.amsgrad) slot.most_moment2 = zeros_like(p->value);
    slots_.push_back(std::move(slot));
  }
  norm_ = Tensor::empty<float>({2}, kTag, device_);
}

// Rebuilt only where an address has changed, which is at the first step and where gradients come or stay away.
void Optimizer::update_tables() {
  const Stream& stream = current_stream(device_);
  const auto written = [&stream](const Tensor& t) {
    return t.size() > 0 ? reinterpret_cast<float*>(t.written_by(stream)) : nullptr;
  };
  std::vector<kernels::OptimTensor> wanted;
  for (const Slot& s : slots_) {
    const autograd::Parameter& p = *s.parameter;
    if (!p.has_grad) continue;
    ASSAY_CHECK(p.grad.shape() == p.value.shape(), "optimizer: ", p.name, " has shape ", to_string(p.value.shape()),
                ", its gradient ", to_string(p.grad.shape()));
    wanted.push_back({written(p.value), written(p.grad), written(s.moment1), written(s.moment2),
                      written(s.most_moment2), p.value.size(), 0, 0});
  }
  const bool is_current = wanted.size() == host_tensors_.size() && tensors_.size() > 0 &&
                          std::equal(wanted.begin(), wanted.end(), host_tensors_.begin(), same);
  if (is_current) return;
  host_chunks_ = kernels::make_chunks(wanted.data(), static_cast<int64_t>(wanted.size()));
  host_tensors_ = std::move(wanted);
  tensors_ = upload(host_tensors_, device_);
  chunks_ = upload(host_chunks_, device_);
}

void Optimizer::step(double learning_rate) {
  ASSAY_CHECK(learning_rate >= 0, "optimizer: learning rate ", learning_rate, ", expected 0 or more");
  update_tables();
  ++num_steps_;
  const ops::OpContext ctx("optimizer", {{"tensors", &tensors_}, {"chunks", &chunks_}});
  const kernels::ParameterList list = {reinterpret_cast<const kernels::OptimTensor*>(ctx.in<uint8_t>(tensors_)),
                                       reinterpret_cast<const kernels::OptimChunk*>(ctx.in<uint8_t>(chunks_)),
                                       static_cast<int64_t>(host_tensors_.size()),
                                       static_cast<int64_t>(host_chunks_.size())};
  const Storage workspace = ctx.workspace(static_cast<int64_t>(kernels::stable_adamw_workspace_bytes(list.num_chunks)) +
                                          int64_t{sizeof(double)});
  double* scratch = static_cast<double*>(ctx.scratch(workspace));
  const float* scale = nullptr;
  if (options_.max_grad_norm > 0) {
    float* norm = ctx.out<float>(norm_);
    ctx.run(kernels::gradient_norm, kernels::GradientNormArgs{list, scratch, options_.max_grad_norm, norm, norm + 1});
    scale = norm + 1;
  }
  const OptimizerOptions& o = options_;
  switch (o.kind) {
    case Kind::kSgd:
      ctx.run(kernels::sgd_step, kernels::SgdArgs{list, scale, learning_rate, o.momentum, o.weight_decay});
      break;
    case Kind::kAdam:
    case Kind::kAdamW: {
      const auto decay = o.kind == Kind::kAdam ? kernels::WeightDecay::kCoupled : kernels::WeightDecay::kDecoupled;
      ctx.run(kernels::adam_step, kernels::AdamArgs{list, scale, num_steps_, learning_rate, o.beta1, o.beta2, o.eps,
                                                    o.weight_decay, decay, o.amsgrad});
      break;
    }
    case Kind::kStableAdamW:
      ctx.run(kernels::stable_adamw_step,
              kernels::StableAdamWArgs{list, scale, scratch, num_steps_, learning_rate, o.beta1, o.beta2, o.eps,
                                       o.weight_decay, o.update_clip, o.amsgrad});
      break;
  }
  for (const Slot& s : slots_) s.parameter->has_grad = false;
}

double Optimizer::last_grad_norm() const {
  ASSAY_CHECK(options_.max_grad_norm > 0 && num_steps_ > 0, "optimizer: the gradient's norm was not asked for");
  return norm_.to(Device::cpu(), kTag).data<float>()[0];
}

std::vector<std::pair<std::string, Tensor>> Optimizer::save_state() const {
  const Tensor steps = Tensor::empty<int64_t>({1}, kTag);
  steps.data<int64_t>()[0] = num_steps_;
  std::vector<std::pair<std::string, Tensor>> state = {{"steps", steps}};
  for (const Slot& s : slots_) {
    const std::pair<const char*, const Tensor*> moments[] = {
        {".moment1", &s.moment1}, {".moment2", &s.moment2}, {".most_moment2", &s.most_moment2}};
    for (const auto& [suffix, moment] : moments) {
      if (moment->size() > 0)
        state.push_back({s.parameter->name + suffix, moment->to(Device::cpu(), kTag).clone(kTag)});
    }
  }
  return state;
}

Status Optimizer::load_state(const std::vector<std::pair<std::string, Tensor>>& state) {
  const std::map<std::string, Tensor> by_name(state.begin(), state.end());
  const auto steps = by_name.find("steps");
  if (steps == by_name.end() || steps->second.dtype() != DType::kInt64 || steps->second.size() != 1 ||
      steps->second.data<int64_t>()[0] < 0) {
    return Status::error("optimizer: the number of steps is missing");
  }
  std::vector<Slot> loaded = slots_;
  for (Slot& s : loaded) {
    const std::pair<const char*, Tensor*> moments[] = {
        {".moment1", &s.moment1}, {".moment2", &s.moment2}, {".most_moment2", &s.most_moment2}};
    for (const auto& [suffix, moment] : moments) {
      if (moment->size() == 0) continue;
      const std::string name = s.parameter->name + suffix;
      const auto found = by_name.find(name);
      if (found == by_name.end()) return Status::error("optimizer: ", name, " is missing");
      if (found->second.shape() != moment->shape() || found->second.dtype() != DType::kFloat32) {
        return Status::error("optimizer: ", name, " has shape ", to_string(found->second.shape()), ", expected ",
                             to_string(moment->shape()), " of float32");
      }
      *moment = found->second.clone(kTag).to(device_, kTag);
    }
  }
  slots_ = std::move(loaded);
  num_steps_ = steps->second.data<int64_t>()[0];
  tensors_ = Tensor();  // the moments lie elsewhere now
  return Status();
}

}  // namespace assay::optim
