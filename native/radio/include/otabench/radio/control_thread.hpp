// One thread that runs jobs in order, with a bounded queue: every device has one, so its setters never
// interleave.
#pragma once

#include "otabench/radio/bounded_queue.hpp"

#include <atomic>
#include <functional>
#include <thread>

namespace otabench::radio {

class ControlThread {
public:
  explicit ControlThread(std::size_t limit = 256);
  // Runs what is queued, then ends.
  ~ControlThread();
  ControlThread(const ControlThread&) = delete;
  ControlThread& operator=(const ControlThread&) = delete;

  // False when the queue is full or the thread is ending; the job will then not run. Jobs must not throw.
  bool post(std::function<void()> job);
  // Runs what is queued and ends the thread. Must not be called from a job.
  void finish();

private:
  void run();

  BoundedQueue<std::function<void()>> jobs_;
  std::thread thread_;
};

} // namespace otabench::radio
