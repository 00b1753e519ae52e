// Everything of this addon that belongs to one Node environment (main thread, worker, utility process).
#pragma once

#include "dispatcher.hpp"

#include "otabench/radio/control_thread.hpp"
#include "otabench/radio/device.hpp"
#include "otabench/radio/error.hpp"
#include "otabench/radio/watchdog.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <napi.h>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace otabench::addon {

// A JavaScript Error with `code` (the radio layer's code names) and a one-line message.
Napi::Error to_js_error(Napi::Env env, const radio::RadioError& error);

// Instance data: made when the addon is loaded, told by a cleanup hook that the environment ends. All devices
// that were opened here are closed then, and their threads joined.
class Environment {
public:
  explicit Environment(Napi::Env env);

  static Environment& of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

  const std::shared_ptr<Dispatcher>& dispatcher() const { return dispatcher_; }
  const std::shared_ptr<radio::Watchdog>& watchdog() const { return watchdog_; }
  // For what belongs to no device: enumerating, opening, closing.
  radio::ControlThread& service() { return *service_; }

  // Devices opened here. They stay open until closed, also when JavaScript has forgotten them: a stream must
  // not end because the garbage collector came by. Any thread.
  void keep(const std::shared_ptr<radio::Device>& device);
  void forget(const std::shared_ptr<radio::Device>& device);

  // Listeners by number, so that native threads hold numbers and never JavaScript values. JavaScript thread
  // only.
  std::uint64_t add_listener(const Napi::Function& listener);
  void remove_listener(std::uint64_t number) { listeners_.erase(number); }
  // Calls the listener if it is still there.
  void call_listener(std::uint64_t number, const std::vector<napi_value>& arguments);

  // Runs `work` elsewhere and settles a promise here. `post` hands a job to a thread and tells whether it
  // took it; `work` returns what `convert(env, result)` makes a JavaScript value of, and may throw
  // RadioError.
  template <typename Post, typename Work, typename Convert>
  Napi::Value promise(Napi::Env env, Post post, Work work, Convert convert) {
    const Napi::Promise::Deferred deferred = Napi::Promise::Deferred::New(env);
    dispatcher_->begin_call(env);
    const bool taken = post([dispatcher = dispatcher_, deferred, work, convert]() mutable {
      try {
        // Shared, because a task must be copyable and a result need not be.
        auto result = std::make_shared<decltype(work())>(work());
        dispatcher->post([deferred, result, convert](Environment& environment, Napi::Env js) {
          environment.settle(js, deferred, [&] { return convert(js, *result); });
        });
      } catch (const std::exception& error) {
        reject_later(*dispatcher, deferred, error);
      }
    });
    if (!taken)
      reject_later(*dispatcher_, deferred,
                   radio::RadioError(radio::ErrorCode::queue_full, "too many calls are pending"));
    return deferred.Promise();
  }

  // Any thread: posts the rejection of `deferred`.
  static void reject_later(Dispatcher& dispatcher, Napi::Promise::Deferred deferred,
                           const std::exception& error);

  // JavaScript thread: resolves with what `value` returns, or rejects with what it throws.
  template <typename Value> void settle(Napi::Env env, Napi::Promise::Deferred deferred, Value value) {
    dispatcher_->end_call(env);
    try {
      deferred.Resolve(value());
    } catch (const Napi::Error& error) {
      deferred.Reject(error.Value());
    }
  }

  Napi::FunctionReference device_class;
  Napi::FunctionReference receiver_class;
  Napi::FunctionReference transmitter_class;
  // 0: none.
  std::uint64_t log_listener = 0;
  std::uint64_t trip_listener = 0;

private:
  void shut_down();
  void listen(Napi::Env env);

  std::shared_ptr<Dispatcher> dispatcher_;
  std::shared_ptr<radio::Watchdog> watchdog_;
  std::unique_ptr<radio::ControlThread> service_;
  std::mutex devices_mutex_;
  std::set<std::shared_ptr<radio::Device>> devices_;
  std::map<std::uint64_t, Napi::FunctionReference> listeners_;
  std::uint64_t next_listener_ = 1;
  std::uint64_t log_handler_ = 0;
  std::uint64_t watchdog_listener_ = 0;
};

} // namespace otabench::addon
