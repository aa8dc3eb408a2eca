// SPDX-License-Identifier: Apache-2.0
// Status and Result<T>: how a function reports that the world is wrong (a file, a flag, a data set, a device).
// Both are [[nodiscard]]; a message is one line that names the thing, what was found and what was expected.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "kernels/base/check.h"

namespace assay {

class [[nodiscard]] Status {
 public:
  Status() = default;  // ok
  template <class... Parts>
  static Status error(const Parts&... parts) {
    Status s;
    s.message_ = text(parts...);
    return s;
  }
  bool ok() const { return !message_.has_value(); }
  // The reason; an empty string where ok().
  const std::string& message() const {
    static const std::string none;
    return message_ ? *message_ : none;
  }

 private:
  std::optional<std::string> message_;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // NOLINT: a value is a result
  Result(Status status) : status_(std::move(status)) {  // NOLINT: so is an error
    ASSAY_CHECK(!status_.ok(), "Result: built from an ok Status without a value");
  }
  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  const std::string& message() const { return status_.message(); }
  // The value; throws assay::Error with the message where there is none.
  T& value() & {
    ASSAY_CHECK(ok(), status_.message());
    return *value_;
  }
  const T& value() const& {
    ASSAY_CHECK(ok(), status_.message());
    return *value_;
  }
  T&& value() && {
    ASSAY_CHECK(ok(), status_.message());
    return *std::move(value_);
  }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace assay

// Leaves the enclosing function with the error of `expr`, a Status.
#define ASSAY_RETURN_IF_ERROR(expr)                \
  do {                                             \
    ::assay::Status assay_status_ = (expr);        \
    if (!assay_status_.ok()) return assay_status_; \
  } while (0)
