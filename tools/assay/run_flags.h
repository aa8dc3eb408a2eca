// SPDX-License-Identifier: Apache-2.0
// The flags that the commands share, and what they mean.
#pragma once

#include <string>
#include <vector>

#include "pipeline/run/options.h"
#include "tools/assay/flags.h"

namespace assay::tools {

// Flags of commands that read a data set, that train, and of all commands.
const std::vector<Flag>& data_flags();
const std::vector<Flag>& training_flags();
const std::vector<Flag>& common_flags();
// Of commands that train on labelled data to measure: training sets made by labels.
const std::vector<Flag>& experiment_flags();

std::vector<Flag> join(const std::vector<std::vector<Flag>>& tables);

// "a,b" as a and b.
std::vector<std::string> split_at_commas(const std::string& s);

dataset::Kind kind_from_name(const std::string& name);
dataset::Options dataset_options(const Flags& flags);
// From data, training and common flags. Fails for names that no detector, backbone or level has.
Result<pipeline::RunOptions> run_options(const std::string& data, const Flags& flags);

// What experiment_flags() say. Fails where they contradict each other.
Status apply_experiment_flags(const Flags& flags, pipeline::RunOptions* options);
// How to inject: --alpha-of, --overlap and --inject-seed.
dataset::Injection injection_rule(const Flags& flags);

// --threads, which every command has: called once, before any work. Fails where --device names none, so that no command
// finds out late.
Status apply_common_flags(const Flags& flags);

// --device and --batch.
Result<pipeline::Placement> placement(const Flags& flags);

}  // namespace assay::tools
