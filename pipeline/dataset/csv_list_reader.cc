// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dataset/csv_list_reader.h"

#include <optional>
#include <utility>

#include "pipeline/dataset/builder.h"
#include "pipeline/dataset/csv.h"
#include "pipeline/dataset/quoted.h"

namespace assay::dataset {
namespace {

std::optional<int> parse_label(const std::string& text) {
  if (text.empty() || text == "-1") return -1;
  if (text == "0") return 0;
  if (text == "1") return 1;
  return std::nullopt;
}

// Name of the folder that holds the image; empty for an image in the root.
std::string folder_name(const std::string& path) {
  const std::string folder = parent_folder(path);
  return folder == "." ? "" : base_name(folder);
}

}  // namespace

Result<Opened> read_csv_list(const ListSource& source) {
  const std::string name = base_name(source.path);
  Result<CsvTable> table = CsvTable::open(source.text, name, {"split", "path"});
  if (!table.ok()) return table.status();
  CsvTable& rows = table.value();
  const auto where = [name](Split, int64_t line) { return text(name, ": line ", line); };
  Builder builder(name.substr(0, name.rfind('.')), Kind::kCsv, source.root, where);
  while (true) {
    Result<bool> more = rows.next();
    if (!more.ok()) return more.status();
    if (!more.value()) break;
    const std::string& split = rows.get("split");
    if (split != "train" && split != "test") {
      return Status::error(where({}, rows.line()), ": split is ", quoted(split), ", expected train or test");
    }
    const std::optional<int> label = parse_label(rows.get("label"));
    if (!label) {
      return Status::error(where({}, rows.line()), ": label is ", quoted(rows.get("label")),
                           ", expected 0, 1 or nothing");
    }
    Truth truth{*label, rows.get("mask"), ""};
    if (*label == 1) truth.defect = folder_name(rows.get("path"));
    ASSAY_RETURN_IF_ERROR(
        builder.add(rows.get("path"), split == "train" ? Split::kTrain : Split::kTest, std::move(truth), rows.line()));
  }
  Result<Opened> opened = builder.finish();
  if (opened.ok() && opened.value().dataset.items.empty()) return Status::error(name, ": the list has no rows");
  return opened;
}

}  // namespace assay::dataset
