// Signals from outside the bench, made to look like transmitters.
#pragma once

#include "render.hpp"

#include <cstdint>
#include <list>
#include <memory>

namespace otabench::medium {

/// One interferer in one trial: its samples are a pure function of (seed, trial id, its number, time).
class InterfererSource {
public:
  InterfererSource(const Interferer& interferer, std::uint64_t key);

  /// What a receiver hears of it in [beginNs, endNs). No segments: it is off.
  SourceJob job(double beginNs, double endNs);
  bool isHeardBy(const std::string& serial) const;

private:
  std::shared_ptr<const Plane> plane(std::int64_t index);
  Interferer interferer_;
  std::uint64_t key_;
  double rateHz_;
  std::shared_ptr<const Channel> channel_;
  std::list<std::pair<std::int64_t, std::shared_ptr<const Plane>>> kept_;
};

} // namespace otabench::medium
