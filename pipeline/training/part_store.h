// SPDX-License-Identifier: Apache-2.0
// What a run has of trainings while it is not through with them, so that it can be stopped at any time.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/tensor/tensor.h"
#include "kernels/base/status.h"

namespace assay::pipeline {

struct Part {
  nlohmann::json description = nlohmann::json::object();
  std::map<std::string, Tensor> tensors;
};

// A folder of parts by name. A part is a safetensors file that carries the SHA-256 of what is in it: at any moment the
// folder has a part's old bytes or its new ones, and one that is damaged is as good as absent. Safe to use from several
// threads for parts of different names.
class PartStore {
 public:
  // The folder is made when something is put there. `maker` tells the parts of one version of the program from those of
  // others, which count as absent.
  PartStore(std::string folder, std::string maker) : folder_(std::move(folder)), maker_(std::move(maker)) {}

  // Replaces what is there under the name.
  Status put(const std::string& name, const Part& part) const;
  // An error where the part cannot be used, and says why; nothing where there is none.
  Result<std::optional<Part>> get(const std::string& name) const;
  void remove(const std::string& name) const;

 private:
  std::string path_of(const std::string& name) const { return folder_ + "/" + name + ".part"; }

  const std::string folder_;
  const std::string maker_;
};

// Tensors hold no doubles: their bits as integers.
Tensor bits_of(const std::vector<double>& values);
std::vector<double> doubles_of(const Tensor& bits);

}  // namespace assay::pipeline
