// SPDX-License-Identifier: Apache-2.0
// `assay import-weights`: a backbone's weights from a file of PyTorch, checked, as safetensors.
#include <cstdio>

#include "engine/io/safetensors.h"
#include "models/backbones/backbone_list.h"
#include "pipeline/model/feature_recipe.h"
#include "tools/assay/command.h"
#include "tools/assay/run_flags.h"

namespace assay::tools {

std::vector<Flag> import_weights_command_flags() {
  static const std::string names = [] {
    std::string all;
    for (const models::BackboneListing& listing : models::backbone_list()) {
      if (!listing.has_built_in_weights) all += (all.empty() ? "" : "|") + std::string(listing.name);
    }
    return all;
  }();
  const std::vector<Flag> own = {
      {"backbone", FlagType::kText, "", names.c_str(), 0, 0, "whose weights FILE holds, under PyTorch's names"},
      {"out", FlagType::kText, "", "F", 0, 0, "file to write; `--weights F` reads it, as it reads FILE itself"},
  };
  return join({own, common_flags()});
}

int import_weights_command(const Flags& flags) {
  if (flags.text("backbone").empty()) return fail_usage("import-weights: --backbone is missing");
  if (flags.text("out").empty()) return fail_usage("import-weights: --out is missing");
  const auto weights = pipeline::read_backbone_weights(flags.text("backbone"), flags.operands()[0]);
  if (!weights.ok()) return fail(weights.message());
  const Status written =
      io::write_safetensors(flags.text("out"), weights.value(), {{"backbone", flags.text("backbone")}});
  if (!written.ok()) return fail(written.message());
  int64_t elements = 0;
  for (const auto& [name, tensor] : weights.value()) elements += tensor.size();
  std::printf("%s: %zu tensors, %lld numbers\n", flags.text("out").c_str(), weights.value().size(),
              static_cast<long long>(elements));
  return kDone;
}

}  // namespace assay::tools
