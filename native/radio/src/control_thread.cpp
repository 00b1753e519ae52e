#include "otabench/radio/control_thread.hpp"

#include <chrono>

namespace otabench::radio {

ControlThread::ControlThread(std::size_t limit) : jobs_(limit), thread_([this] { run(); }) {}

ControlThread::~ControlThread() {
  finish();
}

bool ControlThread::post(std::function<void()> job) {
  return jobs_.try_push(std::move(job));
}

void ControlThread::finish() {
  jobs_.close();
  if (thread_.joinable())
    thread_.join();
}

void ControlThread::run() {
  for (;;) {
    std::optional<std::function<void()>> job = jobs_.pop(std::chrono::seconds(60));
    if (job)
      (*job)();
    else if (jobs_.closed())
      return;
  }
}

} // namespace otabench::radio
