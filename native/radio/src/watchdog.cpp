#include "otabench/radio/watchdog.hpp"

#include "otabench/radio/error.hpp"

namespace otabench::radio {

Watchdog::Watchdog(std::chrono::milliseconds timeout) : timeout_(timeout), thread_([this] { run(); }) {}

Watchdog::~Watchdog() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Watchdog::arm() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    last_feed_ = Clock::now().time_since_epoch().count();
    reason_.clear();
    state_ = State::armed;
  }
  changed_.notify_all();
}

void Watchdog::feed() {
  // A feed that comes too late must not stretch the time: the trip stands even if the thread has not seen it
  // yet.
  if (transmit_allowed())
    last_feed_ = Clock::now().time_since_epoch().count();
}

bool Watchdog::transmit_allowed() const {
  if (state_ != State::armed)
    return false;
  const Clock::duration silence = Clock::now().time_since_epoch() - Clock::duration(last_feed_.load());
  return silence < timeout_;
}

const char* Watchdog::state() const {
  if (state_ == State::disarmed)
    return "disarmed";
  return transmit_allowed() ? "armed" : "tripped";
}

std::string Watchdog::reason() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return reason_;
}

std::uint64_t Watchdog::on_trip(std::function<void(const std::string&)> listener) {
  std::lock_guard<std::mutex> listeners_lock(listeners_mutex_);
  const std::uint64_t number = next_listener_++;
  listeners_.emplace(number, std::move(listener));
  return number;
}

void Watchdog::forget(std::uint64_t number) {
  std::lock_guard<std::mutex> listeners_lock(listeners_mutex_);
  listeners_.erase(number);
}

void Watchdog::trip(const std::string& reason) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (state_ != State::armed)
      return;
    state_ = State::tripped;
    reason_ = one_line(reason);
  }
  std::lock_guard<std::mutex> listeners_lock(listeners_mutex_);
  for (const auto& entry : listeners_)
    entry.second(reason);
}

void Watchdog::run() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    if (state_ != State::armed) {
      changed_.wait(lock);
      continue;
    }
    const Clock::time_point deadline = Clock::time_point(Clock::duration(last_feed_.load())) + timeout_;
    if (Clock::now() < deadline) {
      changed_.wait_until(lock, deadline);
      continue;
    }
    lock.unlock();
    trip("not fed for " + std::to_string(timeout_.count()) + " ms");
    lock.lock();
  }
}

} // namespace otabench::radio
