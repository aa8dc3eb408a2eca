// SPDX-License-Identifier: Apache-2.0
#include "engine/io/zip_reader.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace assay::io {
namespace {

constexpr int64_t kEndBytes = 22;  // end of central directory, without its comment
constexpr int64_t kLocator64Bytes = 20;
constexpr int64_t kEnd64Bytes = 56;
constexpr int64_t kCentralBytes = 46;
constexpr int64_t kLocalBytes = 30;
constexpr int64_t kMaxDirectoryBytes = int64_t{256} << 20;
constexpr uint32_t kNotInThirtyTwoBits = 0xffffffffu;

using Bytes = std::vector<uint8_t>;

uint64_t little(const Bytes& b, int64_t at, int count) {
  uint64_t value = 0;
  for (int i = 0; i < count; ++i) value |= uint64_t{b.at(static_cast<size_t>(at + i))} << (8 * i);
  return value;
}

bool fits(const ByteSource& source, uint64_t offset, uint64_t bytes) {
  const uint64_t size = static_cast<uint64_t>(source.bytes());
  return offset <= size && bytes <= size - offset;
}

Result<Bytes> read(const ByteSource& source, uint64_t offset, uint64_t bytes, const char* what) {
  if (!fits(source, offset, bytes)) {
    return Status::error("zip: ", what, " of ", bytes, " bytes at ", offset, ", the file has ", source.bytes());
  }
  Bytes b(bytes);
  ASSAY_RETURN_IF_ERROR(source.read(static_cast<int64_t>(offset), static_cast<int64_t>(bytes), b.data()));
  return b;
}

struct Directory {
  uint64_t offset, bytes, members;
};

// The 64-bit record that stands before the end record where a number does not fit into that.
Result<Directory> find_directory64(const ByteSource& source, int64_t end_at) {
  if (end_at < kLocator64Bytes) return Status::error("zip: the 64-bit directory's locator is missing");
  Result<Bytes> locator = read(source, static_cast<uint64_t>(end_at - kLocator64Bytes), kLocator64Bytes, "locator");
  if (!locator.ok()) return locator.status();
  if (little(locator.value(), 0, 4) != 0x07064b50) {
    return Status::error("zip: the 64-bit directory's locator is missing");
  }
  Result<Bytes> end = read(source, little(locator.value(), 8, 8), kEnd64Bytes, "64-bit end record");
  if (!end.ok()) return end.status();
  if (little(end.value(), 0, 4) != 0x06064b50) return Status::error("zip: the 64-bit end record is missing");
  return Directory{little(end.value(), 48, 8), little(end.value(), 40, 8), little(end.value(), 32, 8)};
}

Result<Directory> find_directory(const ByteSource& source) {
  // The end record is the last thing but for a comment of at most 65535 bytes.
  const int64_t tail_bytes = std::min<int64_t>(source.bytes(), kEndBytes + 65535);
  Result<Bytes> tail =
      read(source, static_cast<uint64_t>(source.bytes() - tail_bytes), static_cast<uint64_t>(tail_bytes), "end record");
  if (!tail.ok()) return tail.status();
  for (int64_t at = tail_bytes - kEndBytes; at >= 0; --at) {
    const Bytes& b = tail.value();
    if (little(b, at, 4) != 0x06054b50) continue;
    if (at + kEndBytes + static_cast<int64_t>(little(b, at + 20, 2)) != tail_bytes) continue;
    if (little(b, at + 4, 2) != little(b, at + 6, 2)) return Status::error("zip: split over several files");
    const Directory d = {little(b, at + 16, 4), little(b, at + 12, 4), little(b, at + 10, 2)};
    const bool is_64 = d.offset == kNotInThirtyTwoBits || d.bytes == kNotInThirtyTwoBits || d.members == 0xffff;
    return is_64 ? find_directory64(source, source.bytes() - tail_bytes + at) : Result<Directory>(d);
  }
  return Status::error("zip: no end record (truncated, or not a zip archive)");
}

struct CentralEntry {
  std::string name;
  uint64_t local_offset;
  uint64_t bytes;
};

// Takes a number from the 64-bit extra field where its 32-bit place says that it is there.
Status widen(const Bytes& extra, int64_t* at, uint64_t* number) {
  if (*number != kNotInThirtyTwoBits) return {};
  if (*at + 8 > static_cast<int64_t>(extra.size())) return Status::error("zip: a 64-bit number is missing");
  *number = little(extra, *at, 8);
  *at += 8;
  return {};
}

Result<CentralEntry> parse_central(const Bytes& b, int64_t at, int64_t* next) {
  const int64_t size = static_cast<int64_t>(b.size());
  if (at + kCentralBytes > size || little(b, at, 4) != 0x02014b50) {
    return Status::error("zip: the directory is damaged at its byte ", at);
  }
  const int64_t name_bytes = static_cast<int64_t>(little(b, at + 28, 2));
  const int64_t extra_bytes = static_cast<int64_t>(little(b, at + 30, 2));
  const int64_t comment_bytes = static_cast<int64_t>(little(b, at + 32, 2));
  *next = at + kCentralBytes + name_bytes + extra_bytes + comment_bytes;
  if (*next > size) return Status::error("zip: the directory is damaged at its byte ", at);
  CentralEntry entry;
  const auto begin = b.begin() + at + kCentralBytes;
  entry.name.assign(begin, begin + name_bytes);
  if (little(b, at + 8, 2) & 1) return Status::error("zip: member ", entry.name, " is encrypted");
  if (little(b, at + 10, 2) != 0) return Status::error("zip: member ", entry.name, " is compressed");
  uint64_t compressed = little(b, at + 20, 4);
  entry.bytes = little(b, at + 24, 4);
  entry.local_offset = little(b, at + 42, 4);
  const Bytes extra(begin + name_bytes, begin + name_bytes + extra_bytes);
  for (int64_t field = 0; field + 4 <= extra_bytes;) {
    const int64_t field_bytes = static_cast<int64_t>(little(extra, field + 2, 2));
    if (field + 4 + field_bytes > extra_bytes) break;
    if (little(extra, field, 2) == 1) {
      const Bytes wide(extra.begin() + field + 4, extra.begin() + field + 4 + field_bytes);
      int64_t in_wide = 0;
      ASSAY_RETURN_IF_ERROR(widen(wide, &in_wide, &entry.bytes));
      ASSAY_RETURN_IF_ERROR(widen(wide, &in_wide, &compressed));
      ASSAY_RETURN_IF_ERROR(widen(wide, &in_wide, &entry.local_offset));
    }
    field += 4 + field_bytes;
  }
  if (compressed != entry.bytes) return Status::error("zip: member ", entry.name, " has two sizes");
  return entry;
}

// The local header repeats name and extra field in lengths of its own; the data follow.
Result<ZipMember> locate(const ByteSource& source, const CentralEntry& entry) {
  const Result<Bytes> local = read(source, entry.local_offset, kLocalBytes, "local header");
  if (!local.ok()) return local.status();
  if (little(local.value(), 0, 4) != 0x04034b50) {
    return Status::error("zip: member ", entry.name, " has no local header");
  }
  const uint64_t begin = entry.local_offset + kLocalBytes + little(local.value(), 26, 2) + little(local.value(), 28, 2);
  if (!fits(source, begin, entry.bytes)) {
    return Status::error("zip: member ", entry.name, " of ", entry.bytes, " bytes at ", begin, ", the file has ",
                         source.bytes());
  }
  return ZipMember{static_cast<int64_t>(begin), static_cast<int64_t>(entry.bytes)};
}

Status check_no_overlap(const std::map<std::string, ZipMember>& members) {
  std::vector<std::pair<int64_t, int64_t>> ranges;
  for (const auto& [name, m] : members) {
    if (m.bytes > 0) ranges.push_back({m.begin, m.begin + m.bytes});
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[i - 1].second) return Status::error("zip: members overlap");
  }
  return {};
}

}  // namespace

Result<std::map<std::string, ZipMember>> read_zip_members(const ByteSource& source) {
  const Result<Directory> directory = find_directory(source);
  if (!directory.ok()) return directory.status();
  const Directory& d = directory.value();
  if (d.bytes > static_cast<uint64_t>(kMaxDirectoryBytes) || d.members > static_cast<uint64_t>(kMaxZipMembers)) {
    return Status::error("zip: a directory of ", d.bytes, " bytes and ", d.members, " members, at most ",
                         kMaxDirectoryBytes, " and ", kMaxZipMembers, " are read");
  }
  const Result<Bytes> bytes = read(source, d.offset, d.bytes, "directory");
  if (!bytes.ok()) return bytes.status();
  std::map<std::string, ZipMember> members;
  int64_t at = 0;
  for (uint64_t i = 0; i < d.members; ++i) {
    const Result<CentralEntry> entry = parse_central(bytes.value(), at, &at);
    if (!entry.ok()) return entry.status();
    const Result<ZipMember> member = locate(source, entry.value());
    if (!member.ok()) return member.status();
    if (!members.emplace(entry.value().name, member.value()).second) {
      return Status::error("zip: two members are named ", entry.value().name);
    }
  }
  ASSAY_RETURN_IF_ERROR(check_no_overlap(members));
  return members;
}

}  // namespace assay::io
