// SPDX-License-Identifier: Apache-2.0
// `assay demo`: synthetic products with flaws hidden in the training images, and the whole job on each of them.
#include <cstdio>
#include <filesystem>

#include "pipeline/demo/demo_dataset.h"
#include "pipeline/run/run.h"
#include "tools/assay/command.h"
#include "tools/assay/console_progress.h"
#include "tools/assay/print_result.h"
#include "tools/assay/run_flags.h"

namespace assay::tools {
namespace {

namespace fs = std::filesystem;

demo::DemoOptions demo_options(const Flags& flags) {
  demo::DemoOptions o;
  o.alpha = flags.number("alpha");
  o.train_images = flags.integer("train-images");
  o.seed = static_cast<uint64_t>(flags.integer("seed"));
  return o;
}

}  // namespace

std::vector<Flag> demo_command_flags() {
  const std::vector<Flag> own = {
      {"out", FlagType::kText, "assay-demo", "DIR", 0, 0, "where the images and the runs go"},
      {"alpha", FlagType::kFloat, "0.15", "A", 0, 0.5, "share of flawed images among the training images"},
      {"train-images", FlagType::kInt, "160", "N", 10, 100000, "training images of each product"},
  };
  return join({own, data_flags(), training_flags(), common_flags()});
}

int demo_command(const Flags& flags) {
  const std::string& out = flags.text("out");
  const bool json = flags.boolean("json");
  ConsoleProgress progress(flags.boolean("quiet"));
  progress.begin("synthetic images", 0);
  const auto lists = demo::write_demo_dataset(out + "/data", demo_options(flags));
  if (!lists.ok()) return fail(lists.message());
  progress.end();
  nlohmann::ordered_json all = nlohmann::ordered_json::object();
  for (const std::string& list : lists.value()) {
    const std::string category = fs::path(list).parent_path().filename().string();
    auto options = run_options(list, flags);
    if (!options.ok()) return fail_usage(options.message());
    const std::string run_folder = out + "/" + category;
    progress.note("-- " + category);
    const auto result = pipeline::run(options.value(), run_folder, pipeline::RunExtent::kWhole, &progress);
    if (!result.ok()) return fail(result.message());
    all[category] = result.value();
    if (!json) {
      std::printf("== %s\n", category.c_str());
      print_result(result.value(), run_folder, pipeline::RunExtent::kWhole);
    }
  }
  if (json) {
    std::printf("%s\n", all.dump(2).c_str());
  } else {
    std::printf(
        "\nThe images lie in %s/data. To see where a model looks:\n  assay score %s/%s/model.assay %s/data/%s/test "
        "--maps maps\n",
        out.c_str(), out.c_str(), all.begin().key().c_str(), out.c_str(), all.begin().key().c_str());
  }
  return kDone;
}

}  // namespace assay::tools
