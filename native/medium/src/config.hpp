#pragma once

#include "otabench/medium/medium.hpp"

namespace otabench::medium {

/// @throws std::invalid_argument one line: field, value, allowed range.
void validate(const MediumConfig& config);
/// One path against the radios of a configuration. @throws as above.
void validate(const MediumConfig& config, const PathProfile& path);

} // namespace otabench::medium
