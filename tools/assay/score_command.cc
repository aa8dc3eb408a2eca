// SPDX-License-Identifier: Apache-2.0
// `assay score`: scores, decisions and heatmaps of images.
#include <cstdio>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>

#include "pipeline/data/file.h"
#include "pipeline/data/image.h"
#include "pipeline/data/png_write.h"
#include "pipeline/dataset/csv.h"
#include "pipeline/dataset/image_files.h"
#include "pipeline/evaluation/score_images.h"
#include "pipeline/heatmap/overlay.h"
#include "pipeline/model/model.h"
#include "tools/assay/command.h"
#include "tools/assay/console_progress.h"
#include "tools/assay/run_flags.h"

namespace assay::tools {
namespace {

namespace fs = std::filesystem;

struct Scored {
  std::string path;
  std::string problem;  // empty: scored
  double score = 0;
  bool anomalous = false;
};

// The operands as files; a folder stands for the images in it.
Result<std::vector<std::string>> list_images(const std::vector<std::string>& operands) {
  std::vector<std::string> files;
  for (size_t i = 1; i < operands.size(); ++i) {
    std::error_code error;
    if (!fs::is_directory(operands[i], error)) {
      files.push_back(operands[i]);
      continue;
    }
    const auto found = dataset::list_image_files(operands[i], "");
    if (!found.ok()) return found.status();
    if (found.value().paths.empty()) return Status::error(operands[i], ": holds no images");
    for (const std::string& path : found.value().paths) files.push_back(operands[i] + "/" + path);
  }
  return files;
}

// `DIR/line/7.jpg` -> `line_7.jpg.png`, with a number where that is taken.
std::string map_name(const std::string& path, std::set<std::string>* taken) {
  std::string name = fs::path(path).relative_path().lexically_normal().string();
  for (char& c : name) c = c == '/' ? '_' : c;
  std::string unique = name + ".png";
  for (int n = 2; !taken->insert(unique).second; ++n) unique = name + "-" + std::to_string(n) + ".png";
  return unique;
}

// Scores and, where wanted, the overlays; the original pixels are kept from loading until they are drawn on.
class Scoring {
 public:
  Scoring(const pipeline::Model& model, std::vector<std::string> map_files, std::vector<Scored>* results)
      : model_(model), map_files_(std::move(map_files)), results_(*results), originals_(results->size()) {}

  Result<std::optional<Tensor>> load(int64_t i) {
    const Result<data::Image> image = data::read_image(results_[i].path);
    if (!image.ok()) {
      results_[i].problem = image.message();
      return std::optional<Tensor>();
    }
    if (!map_files_[i].empty()) originals_[i] = image.value().pixels;
    return std::optional<Tensor>(model_.to_input(image.value().pixels));
  }

  Status take(int64_t i, const pipeline::ScoredImage& scored) {
    results_[i].score = scored.score;
    results_[i].anomalous = scored.anomalous;
    if (map_files_[i].empty()) return Status();
    const Tensor original = std::exchange(originals_[i], Tensor());
    const float threshold = static_cast<float>(model_.calibration().threshold);
    return data::write_png(map_files_[i], heatmap::render_overlay(original, scored.map, threshold));
  }

 private:
  const pipeline::Model& model_;
  const std::vector<std::string> map_files_;
  std::vector<Scored>& results_;
  std::vector<Tensor> originals_;
};

std::string to_csv(const std::vector<Scored>& results) {
  std::string csv = "path,score,anomalous,problem\n";
  for (const Scored& r : results) {
    char numbers[64] = ",,,";
    if (r.problem.empty()) std::snprintf(numbers, sizeof numbers, ",%.9g,%d,", r.score, r.anomalous ? 1 : 0);
    csv += dataset::csv_field(r.path) + numbers + dataset::csv_field(r.problem) + "\n";
  }
  return csv;
}

void print_json(const pipeline::Model& model, const std::vector<Scored>& results) {
  nlohmann::ordered_json images = nlohmann::ordered_json::array();
  for (const Scored& r : results) {
    if (r.problem.empty()) {
      images.push_back({{"path", r.path}, {"score", r.score}, {"anomalous", r.anomalous}});
    } else {
      images.push_back({{"path", r.path}, {"problem", r.problem}});
    }
  }
  const nlohmann::ordered_json out = {{"threshold", model.calibration().threshold}, {"images", images}};
  std::printf("%s\n", out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

}  // namespace

std::vector<Flag> score_command_flags() {
  const std::vector<Flag> own = {
      {"maps", FlagType::kText, "", "DIR", 0, 0, "write an overlay of each image's anomaly map there"},
      {"csv", FlagType::kText, "", "FILE", 0, 0, "write path,score,anomalous,problem there"},
  };
  return join({own, common_flags()});
}

int score_command(const Flags& flags) {
  const auto where = placement(flags);
  if (!where.ok()) return fail(where.message());
  const auto model = pipeline::Model::load(flags.operands()[0], where.value().first());
  if (!model.ok()) return fail(model.message());
  const auto replicas = pipeline::ModelReplicas::make(*model.value(), where.value());
  if (!replicas.ok()) return fail(replicas.message());
  const auto files = list_images(flags.operands());
  if (!files.ok()) return fail(files.message());
  const std::string& maps = flags.text("maps");
  std::error_code error;
  if (!maps.empty() && !fs::is_directory(maps, error) && !fs::create_directories(maps, error)) {
    return fail(maps + ": cannot make the folder: " + error.message());
  }
  std::vector<Scored> results;
  std::vector<std::string> map_files;
  std::set<std::string> taken;
  for (const std::string& path : files.value()) {
    results.push_back({path, "", 0, false});
    map_files.push_back(maps.empty() ? "" : maps + "/" + map_name(path, &taken));
  }
  ConsoleProgress progress(flags.boolean("quiet"));
  const int64_t count = static_cast<int64_t>(results.size());
  progress.begin("scoring", count);
  Scoring scoring(*model.value(), std::move(map_files), &results);
  const Status status = pipeline::score_images(
      replicas.value(), count, [&](int64_t i) { return scoring.load(i); },
      [&](int64_t i, const pipeline::ScoredImage& scored) { return scoring.take(i, scored); }, &progress);
  if (!status.ok()) return fail(status.message());
  progress.end();
  if (flags.given("csv")) {
    const std::string csv = to_csv(results);
    const Status written =
        data::write_file_atomically(flags.text("csv"), {reinterpret_cast<const uint8_t*>(csv.data()), csv.size()});
    if (!written.ok()) return fail(written.message());
  }
  if (flags.boolean("json")) {
    print_json(*model.value(), results);
  } else {
    for (const Scored& r : results) {
      if (r.problem.empty())
        std::printf("%-9s %10.4g  %s\n", r.anomalous ? "anomalous" : "normal", r.score, r.path.c_str());
    }
  }
  int64_t unusable = 0;
  for (const Scored& r : results) {
    if (r.problem.empty()) continue;
    ++unusable;
    std::fprintf(stderr, "not scored: %s\n", r.problem.c_str());
  }
  return unusable == 0 ? kDone : fail(text(unusable, " of ", count, " images could not be scored"));
}

}  // namespace assay::tools
