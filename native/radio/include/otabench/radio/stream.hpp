// What the two kinds of stream threads share.
#pragma once

#include "otabench/radio/event.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace otabench::radio {

// A running stream of a device: one SoapySDR stream, one thread.
class Stream {
public:
  virtual ~Stream() = default;
  // Stops the thread, deactivates and closes the SoapySDR stream. Safe to call twice and from any other
  // thread.
  virtual void stop() = 0;
};

// Events on their way to whoever listens: bounded; more of the same kind in a row are counted, not stored.
// Not thread-safe: guarded by its stream's mutex.
class EventLog {
public:
  explicit EventLog(std::size_t limit = 64) : limit_(limit) {}

  void add(Event event) {
    if (!events_.empty() && events_.back().kind == event.kind && events_.back().detail == event.detail) {
      events_.back().count += event.count;
      return;
    }
    if (events_.size() < limit_)
      events_.push_back(std::move(event));
    else
      events_.back().count += event.count; // the list is full: the last entry stands for what follows
  }

  bool empty() const { return events_.empty(); }
  std::vector<Event> take() { return std::exchange(events_, {}); }

private:
  const std::size_t limit_;
  std::vector<Event> events_;
};

} // namespace otabench::radio
