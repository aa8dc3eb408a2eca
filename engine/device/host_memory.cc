// SPDX-License-Identifier: Apache-2.0
#include "engine/device/host_memory.h"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

namespace assay {
namespace {

constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

// The number behind "NAME" or "NAME:" in a file of such lines, -1 where there is none.
int64_t number_in(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string key;
    int64_t value = -1;
    if (fields >> key >> value && (key == name || key == name + ":")) return value;
  }
  return -1;
}

int64_t kibibytes_in(const std::string& path, const std::string& name) {
  const int64_t value = number_in(path, name);
  return value < 0 ? 0 : value * 1024;
}

int64_t left_of_limit(decltype(RLIMIT_AS) resource, const char* used) {
  rlimit limit = {};
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kUnlimited;
  return std::max<int64_t>(0, static_cast<int64_t>(limit.rlim_cur) - kibibytes_in("/proc/self/status", used));
}

// Of version 2, which has one line "0::/PATH" in /proc/self/cgroup. Every group above the process's has a say, too.
int64_t left_of_control_groups() {
  std::ifstream file("/proc/self/cgroup");
  std::string line;
  int64_t left = kUnlimited;
  while (std::getline(file, line)) {
    if (line.rfind("0::/", 0) != 0) continue;
    for (std::string group = line.substr(3); !group.empty(); group.resize(group.rfind('/'))) {
      const std::string folder = "/sys/fs/cgroup" + group;
      int64_t limit = -1, used = -1;
      std::ifstream(folder + "/memory.max") >> limit;  // "max": no number
      std::ifstream(folder + "/memory.current") >> used;
      if (limit < 0 || used < 0) continue;
      const int64_t cache = std::max<int64_t>(0, number_in(folder + "/memory.stat", "inactive_file"));
      left = std::min(left, std::max<int64_t>(0, limit - used + cache));
    }
  }
  return left;
}

}  // namespace

int64_t free_host_bytes() {
  return std::min({kibibytes_in("/proc/meminfo", "MemAvailable"), left_of_limit(RLIMIT_AS, "VmSize"),
                   left_of_limit(RLIMIT_DATA, "VmData"), left_of_control_groups()});
}

}  // namespace assay
