// SPDX-License-Identifier: Apache-2.0
// `assay info`: what is in a model or a run.
#include <cstdio>
#include <filesystem>

#include "pipeline/data/file.h"
#include "pipeline/model/model.h"
#include "tools/assay/command.h"
#include "tools/assay/run_flags.h"

namespace assay::tools {

std::vector<Flag> info_command_flags() { return common_flags(); }

int info_command(const Flags& flags) {
  const std::string& path = flags.operands()[0];
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    constexpr int64_t kMaxRecordBytes = int64_t{1} << 30;
    const auto bytes = data::read_file(path + "/run.json", kMaxRecordBytes);
    if (!bytes.ok()) return fail(bytes.message());
    const auto record = nlohmann::ordered_json::parse(bytes.value(), nullptr, /*allow_exceptions=*/false);
    if (!record.is_object()) return fail(path + "/run.json: not the record of a run");
    std::printf("%s\n", record.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    return kDone;
  }
  const auto where = placement(flags);
  if (!where.ok()) return fail(where.message());
  const auto model = pipeline::Model::load(path, where.value().first());
  if (!model.ok()) return fail(model.message());
  std::printf("%s\n",
              model.value()->description().dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  return kDone;
}

}  // namespace assay::tools
