// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace assay::pipeline {

// Of the program, its files and its library, as major.minor.patch (semver.org).
inline constexpr char kVersion[] = "0.1.0";

}  // namespace assay::pipeline
