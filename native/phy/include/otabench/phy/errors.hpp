#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace otabench::phy {

/** Unusable input to the PHY. `what()` is one line: field, value, what is allowed. */
class PhyError : public std::invalid_argument {
public:
  PhyError(std::string field, std::string value, std::string allowed)
      : std::invalid_argument(field + " is " + value + "; allowed: " + allowed), field_(std::move(field)),
        value_(std::move(value)), allowed_(std::move(allowed)) {}

  const std::string& field() const { return field_; }
  const std::string& value() const { return value_; }
  const std::string& allowed() const { return allowed_; }

private:
  std::string field_;
  std::string value_;
  std::string allowed_;
};

} // namespace otabench::phy
