// The native dead-man's switch: nothing is transmitted unless somebody alive has said so within the last 500
// ms.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace otabench::radio {

// States: disarmed (at the start) -> arm() -> armed -> silent for `timeout` -> tripped -> arm() -> armed.
// feed() keeps it armed and never arms it: transmission does not resume by itself.
class Watchdog {
public:
  using Clock = std::chrono::steady_clock;

  explicit Watchdog(std::chrono::milliseconds timeout = std::chrono::milliseconds(500));
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  void arm();
  void feed();
  // Turns transmission off now, as if the time had run out.
  void trip(const std::string& reason);

  // Whether transmission is possible at this moment. Looks at the clock itself, so it is right even if the
  // watchdog's own thread is starved. Called before every write.
  bool transmit_allowed() const;
  // "disarmed", "armed" or "tripped".
  const char* state() const;
  // Why it tripped, one line; empty while it has not.
  std::string reason() const;

  // Called once each time it trips, on the watchdog's thread or the tripping one; must not block.
  std::uint64_t on_trip(std::function<void(const std::string& reason)> listener);
  // After this returns the listener is not running and will not run.
  void forget(std::uint64_t number);

private:
  enum class State { disarmed, armed, tripped };
  void run();

  const std::chrono::milliseconds timeout_;
  mutable std::mutex mutex_;
  // Held while listeners run, so that forget() waits for them.
  std::mutex listeners_mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, std::function<void(const std::string&)>> listeners_;
  std::uint64_t next_listener_ = 1;
  std::atomic<State> state_{State::disarmed};
  std::atomic<Clock::rep> last_feed_{0};
  std::string reason_;
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace otabench::radio
