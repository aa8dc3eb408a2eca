// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/stage1_csv.h"

#include <cstdio>

#include "pipeline/dataset/csv.h"

namespace assay::pipeline {
namespace {

std::string number(double value) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.9g", value);
  return digits;
}

}  // namespace

std::string stage1_csv(const ImageFeatures& features, const Stage1Result& stage1) {
  std::string csv = "path,subset";
  for (int k = 1; k <= stage1.num_models; ++k) csv += ",s_" + std::to_string(k);
  csv += ",aggregate,kept,rank,suspicious_patches\n";
  int64_t rank = 0;
  for (const int64_t i : most_suspicious_first(stage1)) {
    std::string columns = "," + (stage1.subset[i] < 0 ? "" : std::to_string(stage1.subset[i] + 1));
    for (int k = 0; k < stage1.num_models; ++k) columns += "," + number(stage1.scores[i * stage1.num_models + k]);
    columns += "," + number(stage1.suspicion[i]) + (stage1.selection.kept[i] ? ",1," : ",0,");
    const std::string suspicious = stage1.suspicious_share.empty() ? "" : number(stage1.suspicious_share[i]);
    for (const std::string& id : features.image(i).ids) {
      csv += dataset::csv_field(id) + columns + std::to_string(++rank) + "," + suspicious + "\n";
    }
  }
  return csv;
}

}  // namespace assay::pipeline
