#pragma once

#include <cstddef>
#include <string>

#include "otabench/phy/errors.hpp"

namespace otabench::phy::fec {

/** @throws PhyError unless `count` is `expected` */
inline void checkCount(const char* field, std::size_t count, std::size_t expected) {
  if (count != expected)
    throw PhyError(std::string("number of ") + field, std::to_string(count), std::to_string(expected));
}

} // namespace otabench::phy::fec
