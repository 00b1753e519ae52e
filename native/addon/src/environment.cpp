#include "environment.hpp"

#include "otabench/medium/medium.hpp"
#include "otabench/radio/log.hpp"

#include <atomic>

namespace otabench::addon {
namespace {

// Log lines that may wait for JavaScript; a vendor that floods loses lines, not memory.
constexpr int kMostWaitingLogLines = 256;

} // namespace

Napi::Error to_js_error(Napi::Env env, const radio::RadioError& error) {
  Napi::Error js_error = Napi::Error::New(env, error.what());
  js_error.Set("code", Napi::String::New(env, radio::error_code_name(error.code())));
  return js_error;
}

Environment::Environment(Napi::Env env)
    : dispatcher_(std::make_shared<Dispatcher>(env, *this)), watchdog_(std::make_shared<radio::Watchdog>()),
      service_(std::make_unique<radio::ControlThread>()) {
  listen(env);
  // Hooks run last in, first out: this one comes before the ThreadSafeFunction's own, while it still takes
  // calls.
  env.AddCleanupHook([](Environment* self) { self->shut_down(); }, this);
}

void Environment::listen(Napi::Env) {
  auto waiting = std::make_shared<std::atomic<int>>(0);
  log_handler_ = radio::add_log_handler([dispatcher = dispatcher_, waiting](const char* level,
                                                                            const std::string& line) {
    if (waiting->fetch_add(1) >= kMostWaitingLogLines) {
      waiting->fetch_sub(1);
      return;
    }
    dispatcher->post([waiting, level, line](Environment& self, Napi::Env env) {
      waiting->fetch_sub(1);
      self.call_listener(self.log_listener, {Napi::String::New(env, level), Napi::String::New(env, line)});
    });
  });
  watchdog_listener_ = watchdog_->on_trip([dispatcher = dispatcher_](const std::string& reason) {
    // What twins have queued would still go out after their streams were deactivated.
    medium::Medium::instance().silence();
    dispatcher->post([reason](Environment& self, Napi::Env env) {
      self.call_listener(self.trip_listener, {Napi::String::New(env, reason)});
    });
  });
}

void Environment::shut_down() {
  dispatcher_->close();
  watchdog_->trip("the process is ending");
  // A device that is being opened is in devices_ when the service thread has ended.
  service_->finish();
  std::set<std::shared_ptr<radio::Device>> devices;
  {
    std::lock_guard<std::mutex> lock(devices_mutex_);
    devices.swap(devices_);
  }
  for (const std::shared_ptr<radio::Device>& device : devices)
    device->close();
  watchdog_->forget(watchdog_listener_);
  radio::remove_log_handler(log_handler_);
  listeners_.clear();
}

void Environment::keep(const std::shared_ptr<radio::Device>& device) {
  std::lock_guard<std::mutex> lock(devices_mutex_);
  devices_.insert(device);
}

void Environment::forget(const std::shared_ptr<radio::Device>& device) {
  std::lock_guard<std::mutex> lock(devices_mutex_);
  devices_.erase(device);
}

std::uint64_t Environment::add_listener(const Napi::Function& listener) {
  const std::uint64_t number = next_listener_++;
  listeners_.emplace(number, Napi::Persistent(listener));
  return number;
}

void Environment::call_listener(std::uint64_t number, const std::vector<napi_value>& arguments) {
  const auto found = listeners_.find(number);
  if (found == listeners_.end())
    return;
  const Napi::Function listener = found->second.Value();
  // MakeCallback, so that promises and process.nextTick run behind each call.
  listener.MakeCallback(listener.Env().Global(), arguments);
}

void Environment::reject_later(Dispatcher& dispatcher, Napi::Promise::Deferred deferred,
                               const std::exception& error) {
  const auto* known = dynamic_cast<const radio::RadioError*>(&error);
  const radio::RadioError reason =
      known != nullptr ? *known : radio::RadioError(radio::ErrorCode::driver_failed, error.what());
  dispatcher.post([deferred, reason](Environment& environment, Napi::Env env) {
    environment.settle(env, deferred, [&]() -> Napi::Value { throw to_js_error(env, reason); });
  });
}

} // namespace otabench::addon
