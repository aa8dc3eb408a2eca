// SPDX-License-Identifier: Apache-2.0
// RUN/: the files of one run, whole or absent, and the record run.json that says which are whole.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "kernels/base/status.h"

namespace assay::pipeline {

class RunFolder {
 public:
  // Makes the folder, or continues the run that is in it. Errors: the folder cannot be made or written, holds files but
  // no run or a damaged record, is in use by another process, or holds a run of another configuration (the message
  // names the first difference). `configuration` must be an object. Temporary files that a killed run has left are
  // removed.
  static Result<std::unique_ptr<RunFolder>> open(const std::string& path, const nlohmann::ordered_json& configuration);
  // Makes the folder where it is missing, so that hours of work are not lost to one that cannot be written.
  static Status check_writable(const std::string& path);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

  // True where the named file was recorded as whole and still has the bytes it had then.
  bool is_whole(const std::string& name) const;
  // Writes the file under its name at once and records it.
  Status write(const std::string& name, const std::string& contents);
  // Records a file that was written under its name by other means.
  Status record_file(const std::string& name);

  // A folder in it for what is of use to an unfinished run alone; made by who writes there.
  std::string unfinished() const { return path_ + "/unfinished"; }
  // Removes that folder with all that is in it.
  void discard_unfinished();

  // Further members of run.json: counts, timings, what was skipped. Kept until the next call that writes the record.
  nlohmann::ordered_json& notes() { return notes_; }
  const nlohmann::ordered_json& notes() const { return notes_; }
  Status write_record();

 private:
  RunFolder() = default;
  Status read_record();

  std::string path_;
  int lock_ = -1;
  nlohmann::ordered_json configuration_;
  nlohmann::ordered_json notes_ = nlohmann::ordered_json::object();
  std::map<std::string, std::string> files_;  // name -> sha256
};

}  // namespace assay::pipeline
