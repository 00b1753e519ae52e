// From native threads to the JavaScript thread of one environment.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <napi.h>

namespace otabench::addon {

class Environment;

// Holds one ThreadSafeFunction. Native threads keep a shared_ptr to it and may post at any time, also while
// the environment goes away: what is posted then is dropped. What may wait here is bounded by the callers:
// one task for each promise that is pending and one for each stream.
class Dispatcher {
public:
  using Task = std::function<void(Environment&, Napi::Env)>;

  Dispatcher(Napi::Env env, Environment& environment);
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // Any thread. Tasks run in order on the JavaScript thread. They must own nothing that belongs to it
  // (references to JavaScript values), since they may be destroyed where they were made.
  void post(Task task);
  // JavaScript thread: nothing runs from now on; called before the environment goes away.
  void close();

  // JavaScript thread: pending promises keep the event loop alive; streams that only wait do not.
  void begin_call(Napi::Env env);
  void end_call(Napi::Env env);

private:
  static void run_tasks(Napi::Env env, Napi::Function callback, Dispatcher* dispatcher, void* data);
  // Tasks that another one's exception kept from running go first the next time.
  void put_back(std::deque<Task> tasks);
  using Function = Napi::TypedThreadSafeFunction<Dispatcher, void, &Dispatcher::run_tasks>;

  Environment& environment_;
  Function function_;
  std::mutex mutex_;
  std::deque<Task> tasks_;
  bool called_ = false;
  bool closed_ = false;
  std::size_t pending_calls_ = 0;
};

} // namespace otabench::addon
