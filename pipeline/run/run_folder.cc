// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

#include "pipeline/data/file.h"
#include "pipeline/data/sha256.h"

namespace assay::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr char kRecord[] = "run.json";
constexpr char kLock[] = ".lock";
constexpr char kTemporary[] =
    ".assay-tmp-";  // how the names begin that atomic writers and SpillStore give to unfinished files
constexpr int64_t kMaxRecordBytes = int64_t{1} << 30;

std::string shown(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// As it is when read back: text that is not UTF-8 changes on its way through a file.
nlohmann::ordered_json as_recorded(const nlohmann::ordered_json& value) {
  return nlohmann::ordered_json::parse(shown(value));
}

// The first member in which two configurations differ, as "image_size: 320 in the run, 256 asked for"; empty if none.
std::string first_difference(const nlohmann::ordered_json& in_run, const nlohmann::ordered_json& asked,
                             const std::string& prefix = "") {
  std::vector<std::string> names;
  for (const auto& [name, value] : asked.items()) names.push_back(name);
  for (const auto& [name, value] : in_run.items()) {
    if (!asked.contains(name)) names.push_back(name);
  }
  for (const std::string& name : names) {
    const nlohmann::ordered_json a = in_run.value(name, nlohmann::ordered_json());
    const nlohmann::ordered_json b = asked.value(name, nlohmann::ordered_json());
    if (a == b) continue;
    if (a.is_object() && b.is_object()) return first_difference(a, b, prefix + name + ".");
    return prefix + name + ": " + shown(a) + " in the run, " + shown(b) + " asked for";
  }
  return "";
}

bool is_leftover(const fs::path& path) {
  return path.filename().string().compare(0, sizeof kTemporary - 1, kTemporary) == 0;
}

// Files of a run that was stopped before its first record do no harm.
bool is_empty_but_for_leftovers(const std::string& path) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) {
    if (entry.path().filename() != kLock && !is_leftover(entry.path())) return false;
  }
  return true;
}

// What killed writers have left. Only for who holds the lock.
void remove_leftovers(const std::string& path) {
  std::vector<fs::path> leftovers;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, ignored)) {
    if (is_leftover(entry.path())) leftovers.push_back(entry.path());
  }
  for (const fs::path& leftover : leftovers) fs::remove(leftover, ignored);
}

}  // namespace

Status RunFolder::check_writable(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return Status::error(path, ": cannot make the folder: ", error.message());
  if (!fs::is_directory(path, error)) return Status::error(path, ": not a folder");
  if (::access(path.c_str(), W_OK | X_OK) != 0) {
    return Status::error(path, ": cannot write into the folder: ", std::strerror(errno));
  }
  return Status();
}

Result<std::unique_ptr<RunFolder>> RunFolder::open(const std::string& path,
                                                   const nlohmann::ordered_json& configuration) {
  ASSAY_RETURN_IF_ERROR(check_writable(path));
  std::unique_ptr<RunFolder> folder(new RunFolder);
  folder->path_ = path;
  folder->configuration_ = as_recorded(configuration);
  if (!fs::exists(folder->file(kRecord)) && !is_empty_but_for_leftovers(path)) {
    return Status::error(path, ": holds files but no ", kRecord,
                         "; --out needs a new or empty folder, or one of a run");
  }
  folder->lock_ = ::open(folder->file(kLock).c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644);
  if (folder->lock_ < 0) return Status::error(path, ": cannot write into the folder: ", std::strerror(errno));
  if (::flock(folder->lock_, LOCK_EX | LOCK_NB) != 0) {
    return Status::error(path, ": another process is running in this folder");
  }
  remove_leftovers(path);
  remove_leftovers(folder->unfinished());
  // Looked for only now: another process may have made it before it let go of the lock.
  if (fs::exists(folder->file(kRecord))) ASSAY_RETURN_IF_ERROR(folder->read_record());
  ASSAY_RETURN_IF_ERROR(folder->write_record());
  return folder;
}

Status RunFolder::read_record() {
  const Result<std::vector<uint8_t>> bytes = data::read_file(file(kRecord), kMaxRecordBytes);
  if (!bytes.ok()) return bytes.status();
  const auto record = nlohmann::ordered_json::parse(bytes.value(), nullptr, /*allow_exceptions=*/false);
  const auto is_object = [&](const char* member) { return record.contains(member) && record[member].is_object(); };
  if (!record.is_object() || !is_object("configuration") || !is_object("notes") || !is_object("files")) {
    return Status::error(file(kRecord), ": not the record of a run");
  }
  const std::string difference = first_difference(record["configuration"], configuration_);
  if (!difference.empty()) {
    return Status::error(path_, ": holds a run of another configuration (", difference, "); use another --out");
  }
  for (const auto& [name, digest] : record["files"].items()) {
    if (digest.is_string()) files_[name] = digest.get<std::string>();
  }
  notes_ = record["notes"];
  return Status();
}

RunFolder::~RunFolder() {
  if (lock_ >= 0) ::close(lock_);
}

bool RunFolder::is_whole(const std::string& name) const {
  const auto recorded = files_.find(name);
  if (recorded == files_.end()) return false;
  const Result<std::string> digest = data::sha256_file(file(name));
  return digest.ok() && digest.value() == recorded->second;
}

Status RunFolder::write(const std::string& name, const std::string& contents) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(contents.data());
  ASSAY_RETURN_IF_ERROR(data::write_file_atomically(file(name), {bytes, contents.size()}));
  return record_file(name);
}

Status RunFolder::record_file(const std::string& name) {
  Result<std::string> digest = data::sha256_file(file(name));
  if (!digest.ok()) return digest.status();
  files_[name] = digest.value();
  return write_record();
}

void RunFolder::discard_unfinished() {
  std::error_code ignored;
  fs::remove_all(unfinished(), ignored);
}

Status RunFolder::write_record() {
  nlohmann::ordered_json record;
  record["configuration"] = configuration_;
  record["notes"] = notes_;
  record["files"] = nlohmann::ordered_json::object();
  for (const auto& [name, digest] : files_) record["files"][name] = digest;
  const std::string contents = record.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  const auto* bytes = reinterpret_cast<const uint8_t*>(contents.data());
  return data::write_file_atomically(file(kRecord), {bytes, contents.size()});
}

}  // namespace assay::pipeline
