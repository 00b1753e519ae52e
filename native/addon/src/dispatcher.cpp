#include "dispatcher.hpp"

namespace otabench::addon {

Dispatcher::Dispatcher(Napi::Env env, Environment& environment)
    : environment_(environment), function_(Function::New(env, "otabench", 0, 1, this)) {
  function_.Unref(env);
}

void Dispatcher::post(Task task) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (closed_)
    return;
  tasks_.push_back(std::move(task));
  if (called_)
    return;
  called_ = true;
  function_.NonBlockingCall();
}

void Dispatcher::close() {
  std::deque<Task> dropped;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (closed_)
      return;
    closed_ = true;
    dropped.swap(tasks_);
  }
  function_.Abort();
}

void Dispatcher::begin_call(Napi::Env env) {
  if (pending_calls_++ == 0)
    function_.Ref(env);
}

void Dispatcher::end_call(Napi::Env env) {
  if (--pending_calls_ == 0)
    function_.Unref(env);
}

void Dispatcher::run_tasks(Napi::Env env, Napi::Function, Dispatcher* dispatcher, void*) {
  // Without an environment the call comes from the teardown, where `dispatcher` may be gone already.
  if (static_cast<napi_env>(env) == nullptr)
    return;
  std::deque<Task> tasks;
  {
    std::lock_guard<std::mutex> lock(dispatcher->mutex_);
    tasks.swap(dispatcher->tasks_);
    dispatcher->called_ = false;
  }
  while (!tasks.empty()) {
    const Task task = std::move(tasks.front());
    tasks.pop_front();
    Napi::HandleScope scope(env);
    try {
      task(dispatcher->environment_, env);
    } catch (...) {
      // What a listener throws is the listener's: it surfaces as an uncaught exception, after the other
      // tasks.
      {
        std::lock_guard<std::mutex> lock(dispatcher->mutex_);
        while (!tasks.empty()) {
          dispatcher->tasks_.push_front(std::move(tasks.back()));
          tasks.pop_back();
        }
        if (!dispatcher->tasks_.empty() && !dispatcher->called_ && !dispatcher->closed_) {
          dispatcher->called_ = true;
          dispatcher->function_.NonBlockingCall();
        }
      }
      throw;
    }
  }
}

} // namespace otabench::addon
