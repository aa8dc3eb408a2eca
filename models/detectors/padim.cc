// SPDX-License-Identifier: Apache-2.0
#include "models/detectors/padim.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/device/stream.h"
#include "engine/ops/gather.h"
#include "engine/ops/resize_bilinear.h"
#include "kernels/base/check.h"
#include "kernels/base/parallel.h"
#include "kernels/random/generator.h"
#include "models/detectors/reference_grid.h"

namespace assay::models {
namespace {

constexpr uint64_t kChannelStream = 0x706164696d;  // "padim": random numbers of this choice's own
constexpr int64_t kBlockImages = 8;     // accumulated together, so that a position's triangle is fetched once for all
constexpr int64_t kMaxCells = 1 << 20;  // a side of a grid: far above any image, and its square is no overflow

void check_grid(const FeatureGrid& grid, int64_t feature_width) {
  ASSAY_CHECK(grid.height >= 1 && grid.height <= kMaxCells && grid.width >= 1 && grid.width <= kMaxCells &&
                  grid.rows.dtype() == DType::kFloat32 &&
                  grid.rows.shape() == Shape({grid.batch * grid.height * grid.width, feature_width}),
              "padim: features of a ", grid.height, " x ", grid.width, " grid have shape ",
              to_string(grid.rows.shape()), ", expected one row of ", feature_width, " float32 a cell");
}

// The same images in an order that depends on their content alone.
std::vector<int64_t> ordered_by_content(const FeatureSource& features, const std::vector<int64_t>& images) {
  std::vector<std::pair<uint64_t, int64_t>> keyed;
  for (const int64_t image : images) {
    ASSAY_CHECK(image >= 0 && image < features.num_images(), "padim: image ", image, " of a source of ",
                features.num_images());
    keyed.push_back({features.content_key(image), image});
  }
  std::sort(keyed.begin(), keyed.end());
  std::vector<int64_t> ordered;
  for (const auto& [key, image] : keyed) ordered.push_back(image);
  return ordered;
}

Tensor choose_channels(int64_t feature_width, int64_t wanted, uint64_t seed) {
  kernels::Generator generator(seed, kChannelStream);
  const auto chosen = kernels::random_sample(feature_width, std::min(wanted, feature_width), generator);
  Tensor channels = Tensor::empty<int32_t>({static_cast<int64_t>(chosen.size())}, "padim");
  std::copy(chosen.begin(), chosen.end(), channels.data<int32_t>());
  return channels;
}

// What kernels take: int64, on the device.
Tensor index_on(const Tensor& channels, Device device) {
  const Tensor index = Tensor::empty<int64_t>(channels.shape(), "padim");
  std::copy_n(channels.data<int32_t>(), channels.size(), index.data<int64_t>());
  return index.to(device, "padim");
}

Result<int64_t> read_size(const nlohmann::json& description, const char* key, int64_t largest) {
  const auto found = description.is_object() ? description.find(key) : description.end();
  if (found == description.end()) return Status::error("padim: ", key, " is missing from the description");
  const bool integer = found->is_number_integer();
  const bool fits = integer && (!found->is_number_unsigned() || found->get<uint64_t>() <= INT64_MAX);
  const int64_t value = fits ? found->get<int64_t>() : 0;
  if (value >= 1 && value <= largest) return value;
  return Status::error("padim: ", key, " is ", found->is_number() ? found->dump() : found->type_name(),
                       ", expected an integer from 1 to ", largest);
}

Result<Tensor> read_tensor(const std::map<std::string, Tensor>& tensors, const char* name) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) return Status::error("padim: tensor ", name, " is missing");
  return found->second;
}

Status validate_channels(const Tensor& channels, int64_t feature_width) {
  if (channels.dtype() != DType::kInt32 || channels.rank() != 1 || channels.size() < 1) {
    return Status::error("padim.channels has shape ", to_string(channels.shape()), ", expected (D) of int32, D >= 1");
  }
  int64_t previous = -1;
  for (int64_t i = 0; i < channels.size(); ++i) {
    const int64_t channel = channels.data<int32_t>()[i];
    if (channel <= previous || channel >= feature_width) {
      return Status::error("padim.channels: element ", i, " is ", channel, ", expected ", previous + 1, " to ",
                           feature_width - 1, " (ascending)");
    }
    previous = channel;
  }
  return Status();
}

}  // namespace

Padim::Padim(const PadimOptions& options, Device device) : options_(options), device_(device) {
  ASSAY_CHECK(options.channels >= 1, "padim: ", options.channels, " channels, expected at least 1");
  ASSAY_CHECK(options.regularisation > 0 && std::isfinite(options.regularisation), "padim: regularisation ",
              options.regularisation, ", expected a positive number");
  ASSAY_CHECK(options.grid_height >= 0 && options.grid_height <= kMaxCells && options.grid_width >= 0 &&
                  options.grid_width <= kMaxCells,
              "padim: reference grid of ", options.grid_height, " x ", options.grid_width, " cells, expected 0 to ",
              kMaxCells);
}

Tensor Padim::at_reference_grid(const FeatureGrid& grid, const Model& model) {
  check_grid(grid, model.feature_width);
  const Tensor rows = grid.rows.to(model.channel_index.device(), "features");
  const Tensor chosen = ops::gather_columns(rows, model.channel_index, "padim");
  return ops::resize_bilinear(chosen.reshape({grid.batch, grid.height, grid.width, model.channels.size()}),
                              model.height, model.width);
}

void Padim::fit(const FeatureSource& features, const std::vector<int64_t>& images, const FitOptions& options) {
  ASSAY_CHECK(!images.empty(), "padim: no image to fit to");
  const std::vector<int64_t> ordered = ordered_by_content(features, images);
  const int64_t num_images = static_cast<int64_t>(ordered.size());
  Model model;
  model.feature_width = features.feature_width();
  ASSAY_CHECK(model.feature_width >= 1 && model.feature_width <= INT32_MAX, "padim: features of ", model.feature_width,
              " channels, expected 1 to ", INT32_MAX);
  model.channels = choose_channels(model.feature_width, options_.channels, options.seed);
  model.channel_index = index_on(model.channels, device_);
  const ReferenceGrid median = median_grid(features, ordered);
  model.height = options_.grid_height > 0 ? options_.grid_height : median.height;
  model.width = options_.grid_width > 0 ? options_.grid_width : median.width;

  const int64_t positions = model.height * model.width, kept = model.channels.size();
  ops::GaussianAccumulator accumulator(positions, kept, device_);
  const Tensor block = Tensor::empty<float>({std::min(kBlockImages, num_images), positions, kept}, "padim", device_);
  for (int64_t begin = 0; begin < num_images; begin += kBlockImages) {
    const int64_t count = std::min(kBlockImages, num_images - begin);
    std::vector<Tensor> samples(count);
    parallel_for(count, 1, [&](int64_t i, int64_t) {
      samples[i] = at_reference_grid(features.read(ordered[begin + i]), model).reshape({1, positions, kept});
    });
    for (int64_t i = 0; i < count; ++i) copy(samples[i], block.rows(i, i + 1), current_stream(device_));
    accumulator.add(block.rows(0, count));
    const double done = static_cast<double>(begin + count) / static_cast<double>(num_images);
    if (options.progress && !options.progress(done)) throw Cancelled();
  }
  model.gaussians = std::move(accumulator).finish(options_.regularisation);
  model_ = std::move(model);
}

Tensor Padim::score(const FeatureGrid& grid) const {
  ASSAY_CHECK(model_, "padim: score before fit or load");
  const int64_t positions = model_->height * model_->width;
  const Tensor x = at_reference_grid(grid, *model_).reshape({grid.batch * positions, model_->channels.size()});
  // An image at a time: each is compared with the same Gaussians.
  const Tensor distances = Tensor::empty<float>({grid.batch, model_->height, model_->width, 1}, "maps", device_);
  for (int64_t b = 0; b < grid.batch; ++b) {
    const Tensor d = ops::mahalanobis(model_->gaussians, x.rows(b * positions, (b + 1) * positions));
    if (grid.batch == 1) {
      return ops::resize_bilinear(d.reshape({model_->height, model_->width}), grid.height, grid.width);
    }
    copy(d.reshape({1, model_->height, model_->width, 1}), distances.rows(b, b + 1), current_stream(device_));
  }
  return ops::resize_bilinear(distances, grid.height, grid.width).reshape({grid.batch, grid.height, grid.width});
}

nlohmann::json Padim::save(std::map<std::string, Tensor>* tensors) const {
  ASSAY_CHECK(model_, "padim: save before fit or load");
  const ops::PositionGaussians gaussians = model_->gaussians.to(Device::cpu());
  (*tensors)["padim.mean"] = gaussians.mean;
  (*tensors)["padim.cholesky"] = gaussians.cholesky;
  (*tensors)["padim.channels"] = model_->channels;
  return {{"height", model_->height}, {"width", model_->width}, {"feature_width", model_->feature_width}};
}

Status Padim::load(const nlohmann::json& description, const std::map<std::string, Tensor>& tensors) {
  const Result<int64_t> height = read_size(description, "height", kMaxCells);
  const Result<int64_t> width = read_size(description, "width", kMaxCells);
  const Result<int64_t> feature_width = read_size(description, "feature_width", INT32_MAX);
  const Result<Tensor> mean = read_tensor(tensors, "padim.mean");
  const Result<Tensor> cholesky = read_tensor(tensors, "padim.cholesky");
  const Result<Tensor> channels = read_tensor(tensors, "padim.channels");
  for (const auto* size : {&height, &width, &feature_width}) ASSAY_RETURN_IF_ERROR(size->status());
  for (const auto* tensor : {&mean, &cholesky, &channels}) ASSAY_RETURN_IF_ERROR(tensor->status());

  ASSAY_RETURN_IF_ERROR(validate_channels(channels.value(), feature_width.value()));
  const ops::PositionGaussians gaussians = {mean.value(), cholesky.value()};
  const int64_t positions = height.value() * width.value();
  const Status valid = ops::validate(gaussians, positions, channels.value().size());
  if (!valid.ok()) return Status::error("padim.", valid.message());
  model_ = Model{
      height.value(),       width.value(), feature_width.value(), channels.value(), index_on(channels.value(), device_),
      gaussians.to(device_)};
  return Status();
}

}  // namespace assay::models
