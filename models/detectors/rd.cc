// SPDX-License-Identifier: Apache-2.0
#include "models/detectors/rd.h"

#include <algorithm>
#include <utility>

#include "engine/autograd/ops/elementwise.h"
#include "engine/autograd/ops/map_cosine.h"
#include "engine/autograd/ops/reshape.h"
#include "engine/ops/combine.h"
#include "engine/ops/cosine_distance.h"
#include "engine/ops/resize_bilinear.h"
#include "models/detectors/network_state.h"
#include "models/detectors/training.h"
#include "models/features/packed_cells.h"

namespace assay::models {
namespace {

using autograd::Tape;
using autograd::Var;

constexpr char kName[] = "rd";
constexpr int64_t kMaxWidth = 16384;  // of a file's network: far above any backbone's, and its products are no overflow
constexpr double kLearningRate = 5e-3;
constexpr const char* kBlockNames[] = {"basic", "bottleneck", "wide_bottleneck"};

// Cells of a level within one of the grid, along a side.
int64_t factor_of(const RdShape& shape, size_t level) { return int64_t{1} << (shape.widths.size() - 1 - level); }

// Each (B, H, W, C) of its own.
std::vector<Tensor> unpack_levels(const FeatureGrid& grid, const RdShape& shape) {
  std::vector<Tensor> levels;
  int64_t begin = 0;
  for (size_t i = 0; i < shape.widths.size(); ++i) {
    const int64_t factor = factor_of(shape, i);
    levels.push_back(unpack_cells(grid.rows, grid.batch, grid.height, grid.width, {begin, shape.widths[i], factor}));
    begin += factor * factor * shape.widths[i];
  }
  return levels;
}

// (B, cells, C).
Var as_maps(const Var& level) {
  const Shape& s = level.shape();
  return autograd::reshape(level, {s[0], s[1] * s[2], s[3]});
}

// The sum over levels of the cosine distance at each cell, on the finest level's grid: (B, H, W).
Tensor distances(const std::vector<Tensor>& targets, const std::vector<Var>& reconstructions) {
  const int64_t batch = targets[0].dim(0), height = targets[0].dim(1), width = targets[0].dim(2);
  Tensor sum;
  for (size_t i = 0; i < targets.size(); ++i) {
    const Tensor& t = targets[i];
    const Shape rows = {t.dim(0) * t.dim(1) * t.dim(2), t.dim(3)};
    Tensor map = ops::cosine_distance(t.reshape(rows), reconstructions[i].value().reshape(rows))
                     .reshape({batch, t.dim(1), t.dim(2), 1});
    if (i == 0) {
      sum = map;
    } else {
      map = ops::resize_bilinear(map, height, width);
      ops::add_into(sum, map);
    }
  }
  return sum.reshape({batch, height, width});
}

Result<RdShape> read_shape(const nlohmann::json& description) {
  RdShape shape;
  const auto member = [&](const char* key) {
    return description.is_object() && description.contains(key) ? description[key] : nlohmann::json();
  };
  const nlohmann::json widths = member("widths"), block = member("block"), rectified = member("rectified");
  if (!widths.is_array() || widths.empty() || widths.size() > kMaxRdLevels) {
    return Status::error("rd: widths is ", widths.dump(), ", expected 1 to ", kMaxRdLevels, " numbers");
  }
  for (const nlohmann::json& width : widths) {
    const Result<int64_t> channels = read_size(kName, {{"width", width}}, "width", kMaxWidth);
    if (!channels.ok()) return channels.status();
    shape.widths.push_back(channels.value());
  }
  const auto* named = std::find_if(std::begin(kBlockNames), std::end(kBlockNames),
                                   [&](const char* name) { return block.is_string() && block == name; });
  if (named == std::end(kBlockNames)) {
    return Status::error("rd: block is ", block.dump(), ", expected basic, bottleneck or wide_bottleneck");
  }
  shape.block = static_cast<RdShape::Block>(named - std::begin(kBlockNames));
  if (!rectified.is_boolean()) return Status::error("rd: rectified is ", rectified.dump(), ", expected true or false");
  shape.is_rectified = rectified.get<bool>();
  return shape;
}

// What batch norm divides by is the root of a variance.
Status check_variances(const ParameterList& parameters) {
  for (const auto& [name, tensor] : parameters.values()) {
    const std::string ending = ".running_var";
    if (name.size() < ending.size() || name.compare(name.size() - ending.size(), ending.size(), ending) != 0) continue;
    const Tensor host = tensor.to(Device::cpu(), kName);
    const float* v = host.data<float>();
    if (std::any_of(v, v + host.size(), [](float x) { return x < 0; })) {
      return Status::error("rd: ", name, " holds a negative number");
    }
  }
  return Status();
}

}  // namespace

int64_t rd_feature_width(const RdShape& shape) {
  int64_t width = 0;
  for (size_t i = 0; i < shape.widths.size(); ++i) width += shape.widths[i] * factor_of(shape, i) * factor_of(shape, i);
  return width;
}

Rd::Rd(const RdOptions& options, Device device) : options_(options), device_(device) {
  ASSAY_CHECK(options.iterations >= 1 && options.batch >= 1, "rd: ", options.iterations, " iterations, batches of ",
              options.batch, ", expected at least 1 of each");
  check_rd_shape(options.shape);
  ASSAY_CHECK(options.sub_model_share > 0 && options.sub_model_share <= 1, "rd: sub_model_share ",
              options.sub_model_share, ", expected more than 0, at most 1");
}

int64_t Rd::training_steps(Schedule schedule) const {
  return steps_of(schedule, options_.iterations, options_.sub_model_share);
}

void Rd::fit(const FeatureSource& features, const std::vector<int64_t>& images, const FitOptions& options) {
  ASSAY_CHECK(!images.empty(), "rd: no image to fit to");
  const RdShape& shape = options_.shape;
  ASSAY_CHECK(features.feature_width() == rd_feature_width(shape), "rd: features of ", features.feature_width(),
              " columns for levels of ", rd_feature_width(shape), " when packed");
  Rd trainee(options_, device_);  // an earlier fit stays until this one is done
  trainee.model_ = std::make_unique<Model>(shape);
  optim::OptimizerOptions adam;
  adam.kind = optim::OptimizerOptions::Kind::kAdam;
  adam.beta1 = 0.5;
  const auto loss = [&](Tape& tape, const FeatureGrid& grid, int64_t step) {
    const std::vector<Var> levels = tape.constants(unpack_levels(grid, shape));
    const Pass pass = {/*trains=*/true, options.seed, static_cast<uint64_t>(step)};
    const std::vector<Var> reconstructions = trainee.model_->network.forward(levels, pass);
    Var sum;
    for (size_t i = 0; i < levels.size(); ++i) {
      const Var term = autograd::map_cosine(as_maps(levels[i]), as_maps(reconstructions[i]));
      sum = sum.is_defined() ? autograd::add(sum, term) : term;
    }
    return sum;
  };
  const TrainingPlan plan = {
      &trainee, &trainee.model_->parameters,           kName, training_steps(options.schedule), options_.batch,
      adam,     [](int64_t) { return kLearningRate; }, loss};
  trainee.losses_ = train(plan, features, images, options);
  *this = std::move(trainee);
}

Tensor Rd::score(const FeatureGrid& grid) const {
  ASSAY_CHECK(model_ != nullptr, "rd: score before fit or load");
  const RdShape& shape = model_->network.shape();
  ASSAY_CHECK(grid.rows.rank() == 2 && grid.rows.dim(1) == rd_feature_width(shape) &&
                  grid.rows.dim(0) == grid.batch * grid.height * grid.width,
              "rd: features of shape ", to_string(grid.rows.shape()), " for ", grid.batch, " grids of ", grid.height,
              " x ", grid.width, " cells, expected one row of ", rd_feature_width(shape), " a cell");
  FeatureGrid here = grid;
  here.rows = grid.rows.to(device_, kName);
  const std::vector<Tensor> levels = unpack_levels(here, shape);
  Tape tape;
  const Tensor values = distances(levels, model_->network.forward(tape.constants(levels), Pass()));
  return grid.batch == 1 ? values.reshape({values.dim(1), values.dim(2)}) : values;
}

nlohmann::json Rd::save(std::map<std::string, Tensor>* tensors) const {
  ASSAY_CHECK(model_ != nullptr, "rd: save before fit or load");
  save_parameters(kName, model_->parameters, tensors);
  const RdShape& s = model_->network.shape();
  return {{"widths", s.widths}, {"block", kBlockNames[static_cast<int>(s.block)]}, {"rectified", s.is_rectified}};
}

Status Rd::load(const nlohmann::json& description, const std::map<std::string, Tensor>& tensors) {
  Result<RdShape> shape = read_shape(description);
  if (!shape.ok()) return shape.status();
  std::unique_ptr<Model> model;
  try {
    model = std::make_unique<Model>(shape.value());
  } catch (const Error& e) {
    return Status::error(e.what());
  }
  ASSAY_RETURN_IF_ERROR(load_parameters(kName, tensors, device_, &model->parameters));
  ASSAY_RETURN_IF_ERROR(check_variances(model->parameters));
  options_.shape = std::move(shape).value();
  model_ = std::move(model);
  return Status();
}

}  // namespace assay::models
