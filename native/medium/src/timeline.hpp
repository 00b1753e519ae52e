// A setting over true time: what holds when. Lets a receiver that lags the present still get, for each
// sample, what held at that sample's time, and lets timed commands be entered ahead.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace otabench::medium {

class Timeline {
public:
  explicit Timeline(double value = 0.0) : latest_(value), steps_{{0.0, value}} {}

  /// Value asked for last, whenever it acts.
  double latest() const { return latest_; }

  double at(double trueNs) const {
    auto after = std::upper_bound(steps_.begin(), steps_.end(), trueNs,
                                  [](double t, const Step& step) { return t < step.first; });
    return after == steps_.begin() ? steps_.front().second : std::prev(after)->second;
  }

  void set(double trueNs, double value) {
    latest_ = value;
    auto after = std::upper_bound(steps_.begin(), steps_.end(), trueNs,
                                  [](double t, const Step& step) { return t < step.first; });
    if (after != steps_.begin() && std::prev(after)->first == trueNs)
      std::prev(after)->second = value;
    else
      steps_.insert(after, {trueNs, value});
  }

  /// Forgets what ended before trueNs.
  void prune(double trueNs) {
    std::size_t first = 0;
    while (first + 1 < steps_.size() && steps_[first + 1].first <= trueNs)
      ++first;
    steps_.erase(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(first));
  }

  /// A new trial: the value asked for last holds from time 0.
  void restart() { steps_.assign(1, {0.0, latest_}); }

  /// Calls visit(trueNs) for each change within (beginNs, endNs).
  template <typename Visit> void changes(double beginNs, double endNs, Visit visit) const {
    for (const Step& step : steps_)
      if (step.first > beginNs && step.first < endNs)
        visit(step.first);
  }

private:
  using Step = std::pair<double, double>;
  double latest_;
  std::vector<Step> steps_;
};

} // namespace otabench::medium
