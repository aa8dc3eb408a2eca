// SPDX-License-Identifier: Apache-2.0
#include "models/layers/parameter_list.h"

#include <algorithm>
#include <cmath>

#include "kernels/base/text.h"
#include "kernels/random/generator.h"

namespace assay::models {
namespace {

constexpr double kDeviation = 0.01;
constexpr double kCut = 3;  // deviations
constexpr size_t kMostListed = 10;

double truncated_normal(kernels::Generator& generator) {
  double z = generator.normal();
  while (std::abs(z) > kCut) z = generator.normal();  // one in 370
  return kDeviation * z;
}

void fill(Initial initial, uint64_t seed, uint64_t stream, const Tensor& value) {
  float* x = value.data<float>();
  const auto fill_with = [&](const auto& next) {
    for (int64_t i = 0; i < value.size(); ++i) x[i] = static_cast<float>(next());
  };
  kernels::Generator generator(seed, stream);
  switch (initial) {
    case Initial::kZeros:
    case Initial::kOnes:
      std::fill_n(x, value.size(), initial == Initial::kOnes ? 1.0f : 0.0f);
      return;
    case Initial::kTruncatedNormal:
      fill_with([&] { return truncated_normal(generator); });
      return;
    case Initial::kKaimingNormal: {
      const double fan_out = static_cast<double>(value.size() / value.dim(value.rank() - 1));
      fill_with([&, deviation = std::sqrt(2 / fan_out)] { return deviation * generator.normal(); });
      return;
    }
    case Initial::kKaimingUniform: {
      const double fan_in = static_cast<double>(value.size() / value.dim(0));
      fill_with([&, most = 1 / std::sqrt(fan_in)] { return most * (2 * generator.uniform() - 1); });
      return;
    }
  }
}

// "3 missing: a, b, c; "
std::string listed(const std::vector<std::string>& names, const char* what) {
  if (names.empty()) return "";
  std::string list = text(names.size(), " ", what, ": ");
  for (size_t i = 0; i < std::min(names.size(), kMostListed); ++i) list += (i == 0 ? "" : ", ") + names[i];
  return list + (names.size() > kMostListed ? ", ...; " : "; ");
}

}  // namespace

autograd::Parameter* ParameterList::declare(const std::string& name, const Shape& shape, Initial initial) {
  ASSAY_CHECK(index_.emplace(name, size()).second, "parameter ", name, ": declared twice");
  parameters_.push_back({name, Tensor(), Tensor()});
  shapes_.push_back(shape);
  initials_.push_back(initial);
  is_buffer_.push_back(false);
  return &parameters_.back();
}

autograd::Parameter* ParameterList::declare_buffer(const std::string& name, const Shape& shape, Initial initial) {
  autograd::Parameter* buffer = declare(name, shape, initial);
  is_buffer_.back() = true;
  return buffer;
}

std::vector<autograd::Parameter*> ParameterList::trained() {
  std::vector<autograd::Parameter*> trained;
  for (int64_t i = 0; i < size(); ++i) {
    if (!is_buffer_[static_cast<size_t>(i)]) trained.push_back(&at(i));
  }
  return trained;
}

int64_t ParameterList::num_elements() const {
  int64_t total = 0;
  for (const Shape& shape : shapes_) total += assay::num_elements(shape);
  return total;
}

void ParameterList::initialise(uint64_t seed, Device device) {
  for (int64_t i = 0; i < size(); ++i) {
    const Tensor value = Tensor::empty<float>(shape(i), "parameters");
    fill(initials_[static_cast<size_t>(i)], seed, static_cast<uint64_t>(i), value);
    at(i).value = value.to(device, "parameters");
    at(i).grad = Tensor();
  }
}

Status ParameterList::load(const NamedTensors& tensors, Device device) {
  std::vector<NamedShape> expected, found;
  for (int64_t i = 0; i < size(); ++i) expected.push_back({at(i).name, shape(i)});
  for (const auto& [name, tensor] : tensors) {
    if (tensor.dtype() != DType::kFloat32) {
      return Status::error(name, ": is ", dtype_name(tensor.dtype()), ", expected float32");
    }
    found.push_back({name, tensor.shape()});
  }
  ASSAY_RETURN_IF_ERROR(check_names_and_shapes(expected, found));
  for (const auto& [name, tensor] : tensors) {
    autograd::Parameter& parameter = at(index_.at(name));
    parameter.value = tensor.to(device, "parameters");
    parameter.grad = Tensor();
  }
  return Status();
}

NamedTensors ParameterList::values() const {
  NamedTensors values;
  for (const autograd::Parameter& p : parameters_) values.push_back({p.name, p.value});
  return values;
}

autograd::Var use(autograd::Tape& tape, autograd::Parameter* parameter, const Pass& pass) {
  return pass.trains ? tape.parameter(parameter) : tape.constant(parameter->value);
}

Status check_names_and_shapes(const std::vector<NamedShape>& expected, const std::vector<NamedShape>& found) {
  std::map<std::string, const Shape*> shapes;
  for (const NamedShape& f : found) {
    if (!shapes.emplace(f.name, &f.shape).second) return Status::error("two tensors have the name ", f.name);
  }
  std::vector<std::string> missing, unexpected, wrong;
  for (const NamedShape& e : expected) {
    const auto at = shapes.find(e.name);
    if (at == shapes.end()) {
      missing.push_back(e.name);
      continue;
    }
    if (*at->second != e.shape) {
      wrong.push_back(text(e.name, " ", to_string(*at->second), ", expected ", to_string(e.shape)));
    }
    shapes.erase(at);
  }
  for (const NamedShape& f : found) {
    if (shapes.count(f.name)) unexpected.push_back(text(f.name, " ", to_string(f.shape)));
  }
  std::string all = listed(missing, "missing") + listed(unexpected, "unexpected") + listed(wrong, "of the wrong shape");
  if (all.empty()) return Status();
  all.resize(all.size() - 2);
  return Status::error(all);
}

}  // namespace assay::models
