// SPDX-License-Identifier: Apache-2.0
#include "models/detectors/dinomaly.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/autograd/ops/elementwise.h"
#include "engine/autograd/ops/map_cosine.h"
#include "engine/autograd/ops/skip_tokens.h"
#include "engine/device/stream.h"
#include "engine/ops/cosine_distance.h"
#include "engine/ops/gather.h"
#include "engine/optim/schedule.h"
#include "models/detectors/network_state.h"
#include "models/detectors/training.h"

namespace assay::models {
namespace {

using autograd::Tape;
using autograd::Var;

constexpr char kName[] = "dinomaly";
constexpr int64_t kMaxWidth = 16384;  // of a file's network: far above any backbone's, and its products are no overflow
constexpr int64_t kMaxBlocks = 64;
constexpr double kHardShare = 0.9;  // of points that count as easy, once the ramp is done

// ---- The published recipes

struct Recipe {
  optim::OptimizerOptions optimizer;
  float easy_factor;
  bool ramps;  // the share of easy points rises from 0
};

Recipe recipe_of(DinomalyOptions::Recipe recipe) {
  Recipe t;
  if (recipe == DinomalyOptions::Recipe::kDinomaly) {
    t.optimizer.kind = optim::OptimizerOptions::Kind::kStableAdamW;
    t.optimizer.eps = 1e-10;
    t.optimizer.weight_decay = 1e-4;
    t.optimizer.amsgrad = true;
    t.optimizer.max_grad_norm = 0.1;
    t.easy_factor = 0.1f;
    t.ramps = true;
  } else {
    t.optimizer.kind = optim::OptimizerOptions::Kind::kAdam;
    t.optimizer.beta1 = 0.5;
    t.optimizer.max_grad_norm = 5;
    t.easy_factor = 0;
    t.ramps = false;
  }
  return t;
}

// Published trainings of 5000 iterations and more warm up for 100 and ramp over 1000; shorter ones in proportion.
double learning_rate(DinomalyOptions::Recipe recipe, int64_t step, int64_t iterations) {
  if (recipe == DinomalyOptions::Recipe::kLlbnad) {
    return optim::StepDecay{5e-3, 0.1, iterations * 4 / 5}.rate(step);
  }
  return optim::WarmupCosine{2e-3, 2e-4, std::min<int64_t>(100, iterations / 10), iterations}.rate(step);
}

double easy_share(const Recipe& recipe, int64_t step, int64_t iterations) {
  if (!recipe.ramps) return kHardShare;
  const int64_t ramp = std::max<int64_t>(1, std::min<int64_t>(1000, iterations / 5));
  return std::min(kHardShare * static_cast<double>(step) / static_cast<double>(ramp), kHardShare);
}

// ---- Features as the network sees them

// What a network is given and is to reconstruct: of each image its prefix and then its cells.
struct Targets {
  std::vector<Tensor> groups;  // each (B, T + P, C)
  int64_t prefix;              // T: seen, but no part of the loss and of scores
};

Tensor prefixes_and_cells(const FeatureGrid& grid) {
  if (!has_prefix(grid)) return grid.rows;
  const int64_t prefix = grid.prefix.dim(0) / grid.batch, cells = grid.height * grid.width, all = prefix + cells;
  const Tensor tokens = Tensor::empty<float>({grid.batch * all, grid.rows.dim(1)}, "dinomaly", grid.rows.device());
  const Stream& stream = current_stream(tokens.device());
  for (int64_t b = 0; b < grid.batch; ++b) {
    const Tensor image = tokens.rows(b * all, (b + 1) * all);
    copy(grid.prefix.rows(b * prefix, (b + 1) * prefix), image.rows(0, prefix), stream);
    copy(grid.rows.rows(b * cells, (b + 1) * cells), image.rows(prefix, all), stream);
  }
  return tokens;
}

Targets make_targets(const FeatureGrid& grid, int64_t groups) {
  const Tensor tokens = prefixes_and_cells(grid);
  const int64_t width = tokens.dim(1) / groups, prefix = has_prefix(grid) ? grid.prefix.dim(0) / grid.batch : 0;
  const Shape shape = {grid.batch, prefix + grid.height * grid.width, width};
  if (groups == 1) return {{tokens.reshape(shape)}, prefix};
  Targets targets = {{}, prefix};
  for (int64_t g = 0; g < groups; ++g) {
    const Tensor columns = Tensor::empty<int64_t>({width}, "dinomaly");
    for (int64_t c = 0; c < width; ++c) columns.data<int64_t>()[c] = g * width + c;
    targets.groups.push_back(
        ops::gather_columns(tokens, columns.to(tokens.device(), "dinomaly"), "dinomaly").reshape(shape));
  }
  return targets;
}

std::vector<Var> cells_of(const std::vector<Var>& tokens, int64_t prefix) {
  std::vector<Var> cells;
  for (const Var& t : tokens) cells.push_back(autograd::skip_tokens(t, prefix));
  return cells;
}

Var mean_loss(const std::vector<Var>& targets, const std::vector<Var>& reconstructions, double share, float factor) {
  Var loss = autograd::map_cosine(targets[0], reconstructions[0], share, factor);
  for (size_t g = 1; g < targets.size(); ++g) {
    loss = autograd::add(loss, autograd::map_cosine(targets[g], reconstructions[g], share, factor));
  }
  return targets.size() == 1 ? loss : autograd::scale(loss, 1.0f / static_cast<float>(targets.size()));
}

}  // namespace

Dinomaly::Dinomaly(const DinomalyOptions& options, Device device) : options_(options), device_(device) {
  ASSAY_CHECK(options.iterations >= 1 && options.batch >= 1 && options.groups >= 1 && options.blocks >= 1 &&
                  options.blocks <= kMaxBlocks,
              "dinomaly: ", options.iterations, " iterations, batches of ", options.batch, ", ", options.groups,
              " groups, ", options.blocks, " blocks, expected at least 1 of each, at most ", kMaxBlocks, " blocks");
  ASSAY_CHECK(options.sub_model_share > 0 && options.sub_model_share <= 1, "dinomaly: sub_model_share ",
              options.sub_model_share, ", expected more than 0, at most 1");
}

DinomalyShape Dinomaly::shape_for(int64_t feature_width) const {
  ASSAY_CHECK(feature_width >= 1 && feature_width % options_.groups == 0, "dinomaly: features of ", feature_width,
              " channels for ", options_.groups, " groups of one width");
  const int64_t width = feature_width / options_.groups;
  return {width, options_.groups, options_.blocks, dinomaly_heads(width), options_.dropout};
}

int64_t Dinomaly::training_steps(Schedule schedule) const {
  return steps_of(schedule, options_.iterations, options_.sub_model_share);
}

// ---- Training

Var Dinomaly::loss(Tape& tape, const FeatureGrid& grid, int64_t step, const FitOptions& options) const {
  const Recipe recipe = recipe_of(options_.recipe);
  const Targets targets = make_targets(grid, options_.groups);
  const std::vector<Var> given = tape.constants(targets.groups);
  const Pass pass = {/*trains=*/true, options.seed, static_cast<uint64_t>(step)};
  const std::vector<Var> reconstructions = model_->network.forward(given, pass, options_.recompute);
  const double share = easy_share(recipe, step, training_steps(options.schedule));
  return mean_loss(cells_of(given, targets.prefix), cells_of(reconstructions, targets.prefix), share,
                   recipe.easy_factor);
}

void Dinomaly::fit(const FeatureSource& features, const std::vector<int64_t>& images, const FitOptions& options) {
  ASSAY_CHECK(!images.empty(), "dinomaly: no image to fit to");
  Dinomaly trainee(options_, device_);  // an earlier fit stays until this one is done
  trainee.model_ = std::make_unique<Model>(shape_for(features.feature_width()));
  const int64_t num_steps = training_steps(options.schedule);
  const TrainingPlan plan = {
      &trainee,
      &trainee.model_->parameters,
      kName,
      num_steps,
      options_.batch,
      recipe_of(options_.recipe).optimizer,
      [&](int64_t step) { return learning_rate(options_.recipe, step, num_steps); },
      [&](Tape& tape, const FeatureGrid& grid, int64_t step) { return trainee.loss(tape, grid, step, options); }};
  trainee.losses_ = train(plan, features, images, options);
  *this = std::move(trainee);
}

Tensor Dinomaly::score(const FeatureGrid& grid) const {
  ASSAY_CHECK(model_ != nullptr, "dinomaly: score before fit or load");
  const DinomalyShape& shape = model_->network.shape();
  ASSAY_CHECK(grid.rows.rank() == 2 && grid.rows.dim(1) == shape.width * shape.groups &&
                  grid.rows.dim(0) == grid.batch * grid.height * grid.width,
              "dinomaly: features of shape ", to_string(grid.rows.shape()), " for ", grid.batch, " grids of ",
              grid.height, " x ", grid.width, " cells, expected one row of ", shape.width * shape.groups, " a cell");
  ASSAY_CHECK(!has_prefix(grid) || (grid.prefix.dim(0) % grid.batch == 0 && grid.prefix.dim(1) == grid.rows.dim(1)),
              "dinomaly: prefix of shape ", to_string(grid.prefix.shape()), " for ", grid.batch,
              " images with rows of ", grid.rows.dim(1));
  FeatureGrid here = grid;
  here.rows = grid.rows.to(device_, "dinomaly");
  here.prefix = has_prefix(grid) ? grid.prefix.to(device_, "dinomaly") : Tensor();
  Tape tape;
  const Targets targets = make_targets(here, shape.groups);
  const std::vector<Var> given = tape.constants(targets.groups);
  const std::vector<Var> reconstructions = cells_of(model_->network.forward(given, Pass()), targets.prefix);
  const std::vector<Var> cells = cells_of(given, targets.prefix);
  const Shape rows = {grid.rows.dim(0), shape.width};
  Var sum;
  for (size_t g = 0; g < cells.size(); ++g) {
    const Var distance =
        tape.constant(ops::cosine_distance(cells[g].value().reshape(rows), reconstructions[g].value().reshape(rows)));
    sum = sum.is_defined() ? autograd::add(sum, distance) : distance;
  }
  const Var mean = cells.size() == 1 ? sum : autograd::scale(sum, 1.0f / static_cast<float>(cells.size()));
  return grid.batch == 1 ? mean.value().reshape({grid.height, grid.width})
                         : mean.value().reshape({grid.batch, grid.height, grid.width});
}

nlohmann::json Dinomaly::save(std::map<std::string, Tensor>* tensors) const {
  ASSAY_CHECK(model_ != nullptr, "dinomaly: save before fit or load");
  save_parameters(kName, model_->parameters, tensors);
  const DinomalyShape& s = model_->network.shape();
  return {{"width", s.width}, {"groups", s.groups}, {"blocks", s.blocks}, {"heads", s.heads}};
}

Status Dinomaly::load(const nlohmann::json& description, const std::map<std::string, Tensor>& tensors) {
  const Result<int64_t> width = read_size(kName, description, "width", kMaxWidth);
  const Result<int64_t> groups = read_size(kName, description, "groups", kMaxBlocks);
  const Result<int64_t> blocks = read_size(kName, description, "blocks", kMaxBlocks);
  const Result<int64_t> heads = read_size(kName, description, "heads", kMaxWidth);
  for (const auto* size : {&width, &groups, &blocks, &heads}) ASSAY_RETURN_IF_ERROR(size->status());
  const DinomalyShape shape = {width.value(), groups.value(), blocks.value(), heads.value(), 0};
  std::unique_ptr<Model> model;
  try {
    model = std::make_unique<Model>(shape);
  } catch (const Error& e) {
    return Status::error(e.what());
  }
  ASSAY_RETURN_IF_ERROR(load_parameters(kName, tensors, device_, &model->parameters));
  options_.groups = shape.groups;
  model_ = std::move(model);
  return Status();
}

}  // namespace assay::models
