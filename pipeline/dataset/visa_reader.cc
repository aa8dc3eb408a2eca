// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dataset/visa_reader.h"

#include <set>
#include <utility>
#include <vector>

#include "pipeline/dataset/builder.h"
#include "pipeline/dataset/csv.h"
#include "pipeline/dataset/quoted.h"

namespace assay::dataset {
namespace {

const std::vector<std::string>& columns() {
  static const std::vector<std::string> names{"object", "split", "label", "image", "mask"};
  return names;
}

constexpr size_t kMaxNamed = 20;  // in a message: enough to choose from

// Objects in the list, `most` at most.
Result<std::set<std::string>> list_objects(const ListSource& source, const std::string& name, size_t most) {
  Result<CsvTable> rows = CsvTable::open(source.text, name, columns());
  if (!rows.ok()) return rows.status();
  std::set<std::string> objects;
  while (objects.size() < most) {
    Result<bool> more = rows.value().next();
    if (!more.ok()) return more.status();
    if (!more.value()) break;
    objects.insert(rows.value().get("object"));
  }
  return objects;
}

Status choose_one(const std::string& name, const std::string& problem, const std::set<std::string>& objects) {
  std::string known;
  for (const std::string& object : objects) known += (known.empty() ? "" : ", ") + quoted(object);
  return Status::error(name, ": ", problem, "; choose a category of: ", known);
}

}  // namespace

bool looks_like_visa(const ListSource& source) { return CsvTable::open(source.text, source.path, {"object"}).ok(); }

Result<std::vector<std::string>> visa_objects(const ListSource& source) {
  Result<std::set<std::string>> objects = list_objects(source, base_name(source.path), kMaxImages);
  if (!objects.ok()) return objects.status();
  return std::vector<std::string>(objects.value().begin(), objects.value().end());
}

Result<Opened> read_visa(const ListSource& source, const std::string& category) {
  const std::string name = base_name(source.path);
  Result<std::set<std::string>> objects = list_objects(source, name, kMaxNamed);
  if (!objects.ok()) return objects.status();
  if (objects.value().empty()) return Status::error(name, ": the list has no rows");
  if (category.empty() && objects.value().size() > 1) {
    return choose_one(name, "the list has several objects", objects.value());
  }
  const std::string chosen = category.empty() ? *objects.value().begin() : category;

  Result<CsvTable> table = CsvTable::open(source.text, name, columns());
  if (!table.ok()) return table.status();
  CsvTable& rows = table.value();
  const auto where = [name](Split, int64_t line) { return text(name, ": line ", line); };
  Builder builder(chosen, Kind::kVisa, source.root, where);
  int64_t num_rows = 0;
  while (true) {
    Result<bool> more = rows.next();
    if (!more.ok()) return more.status();
    if (!more.value()) break;
    const std::string &split = rows.get("split"), &label = rows.get("label");
    if (split != "train" && split != "test") {
      return Status::error(where({}, rows.line()), ": split is ", quoted(split), ", expected train or test");
    }
    if (label != "normal" && label != "anomaly") {
      return Status::error(where({}, rows.line()), ": label is ", quoted(label), ", expected normal or anomaly");
    }
    if (rows.get("object") != chosen) continue;
    ++num_rows;
    Truth truth{label == "anomaly", rows.get("mask"), label == "anomaly" ? label : ""};
    ASSAY_RETURN_IF_ERROR(
        builder.add(rows.get("image"), split == "train" ? Split::kTrain : Split::kTest, std::move(truth), rows.line()));
  }
  if (num_rows == 0) return choose_one(name, text("no object ", quoted(chosen)), objects.value());
  return builder.finish();
}

}  // namespace assay::dataset
