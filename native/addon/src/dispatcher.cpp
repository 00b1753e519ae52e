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
    } catch (const Napi::Error& error) {
      dispatcher->put_back(std::move(tasks));
      try {
        // What a listener throws is the listener's: it surfaces as an uncaught exception.
        error.ThrowAsJavaScriptException();
      } catch (const Napi::Error&) {
        // A worker that is being terminated runs no JavaScript any more; there is nobody left to tell.
      }
      return;
    }
  }
}

void Dispatcher::put_back(std::deque<Task> tasks) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (closed_)
    return;
  while (!tasks.empty()) {
    tasks_.push_front(std::move(tasks.back()));
    tasks.pop_back();
  }
  if (!tasks_.empty() && !called_) {
    called_ = true;
    function_.NonBlockingCall();
  }
}

} // namespace otabench::addon
