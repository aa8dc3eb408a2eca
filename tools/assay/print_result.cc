// SPDX-License-Identifier: Apache-2.0
#include "tools/assay/print_result.h"

#include <cstdio>

namespace assay::tools {
namespace {

using Json = nlohmann::ordered_json;

bool is_known(const Json& result, const char* name) { return result.contains(name) && result[name].is_number(); }

void print_percent(const char* label, const Json& result, const char* name) {
  if (is_known(result, name)) std::printf("  %-40s %6.1f %%\n", label, 100 * result[name].get<double>());
}

}  // namespace

void print_result(const Json& result, const std::string& out, pipeline::RunExtent extent) {
  const int64_t num_train = result["n_train"], num_kept = result["n_kept"];
  std::printf("%lld training images, %lld look normal, %lld doubtful\n", static_cast<long long>(num_train),
              static_cast<long long>(num_kept), static_cast<long long>(num_train - num_kept));
  if (result.value("clean_by_labels", false))
    std::printf("  anomalous training images were taken out by their labels: a bound, no result\n");
  print_percent("patches left out of training", result, "share_of_patches_cut");
  if (is_known(result, "alpha_estimated")) {
    std::printf("  %-40s %6.1f %%  (95 %% interval %.1f to %.1f; rare normal images count)\n",
                "share of doubtful images", 100 * result["alpha_estimated"].get<double>(),
                100 * result["alpha_estimated_low"].get<double>(), 100 * result["alpha_estimated_high"].get<double>());
  }
  print_percent("true share (from the labels)", result, "alpha");
  print_percent("true share among those that look normal", result, "alpha_kept");
  print_percent("stage 1 ranking, AUROC", result, "stage1_auroc");
  if (is_known(result, "threshold")) {
    std::printf("  %-40s %8.4g  (exceeded by at most %.2g %% of images that look normal)\n", "decision threshold",
                result["threshold"].get<double>(), 100 * result["guaranteed_false_alarm_rate"].get<double>());
  }
  print_percent("test images, AUROC", result, "image_auroc");
  print_percent("test images, average precision", result, "image_ap");
  print_percent("pixels, AUROC", result, "pixel_auroc");
  print_percent("pixels, AUPRO", result, "pixel_aupro");
  std::printf("%.1f s, peak memory %.0f MiB\n", result["seconds"].get<double>(),
              static_cast<double>(result["peak_rss_bytes"].get<int64_t>()) / (1 << 20));
  if (extent == pipeline::RunExtent::kWhole) std::printf("model:              %s/model.assay\n", out.c_str());
  if (result.contains("alpha_estimated")) std::printf("suspicious images:  %s/stage1.csv\n", out.c_str());
  if (result.contains("learning_bias")) std::printf("scores in training: %s/stage1_scores.csv\n", out.c_str());
  if (result.contains("n_test")) std::printf("scores:             %s/scores.csv\n", out.c_str());
}

}  // namespace assay::tools
