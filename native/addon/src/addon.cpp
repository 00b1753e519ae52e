// What otabench.node exports. drivers/radio/native.ts declares the same in TypeScript.
#include "burst_conversion.hpp"
#include "conversion.hpp"
#include "device_object.hpp"
#include "digital_functions.hpp"
#include "environment.hpp"
#include "medium_functions.hpp"
#include "stream_objects.hpp"

namespace otabench::addon {
namespace {

Napi::Value versions(const Napi::CallbackInfo& info) {
  Napi::Object object = to_js(info.Env(), radio::soapy_versions());
  const Napi::Object all = Napi::Object::New(info.Env());
  all.Set("soapySdr", object);
  all.Set("nodeApi", NAPI_VERSION);
  return all;
}

Napi::Value add_plugin_folder(const Napi::CallbackInfo& info) {
  radio::add_plugin_folder(string_argument(info, 0, "folder"));
  return info.Env().Undefined();
}

Napi::Value driver_may_transmit(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), radio::driver_may_transmit(string_argument(info, 0, "driver")));
}

// (driver) -> Promise of the devices' arguments
Napi::Value enumerate(const Napi::CallbackInfo& info) {
  const std::string driver = string_argument(info, 0, "driver");
  Environment& environment = Environment::of(info.Env());
  return environment.promise(
      info.Env(),
      [&environment](std::function<void()> job) { return environment.service().post(std::move(job)); },
      [driver] { return radio::enumerate(driver); },
      [](Napi::Env env, const std::vector<radio::Arguments>& found) -> Napi::Value {
        const Napi::Array list = Napi::Array::New(env, found.size());
        for (std::size_t i = 0; i < found.size(); ++i)
          list.Set(static_cast<std::uint32_t>(i), to_js(env, found[i]));
        return list;
      });
}

// ({driver, serial, ...}) -> Promise of a RadioDevice
Napi::Value open_device(const Napi::CallbackInfo& info) {
  const radio::Arguments arguments = to_arguments(required_object(info[0], "arguments"));
  Environment& environment = Environment::of(info.Env());
  return environment.promise(
      info.Env(),
      [&environment](std::function<void()> job) { return environment.service().post(std::move(job)); },
      [arguments, &environment] {
        std::shared_ptr<radio::Device> device = radio::Device::open(arguments, environment.watchdog());
        environment.keep(device);
        return device;
      },
      [](Napi::Env env, const std::shared_ptr<radio::Device>& device) -> Napi::Value {
        return DeviceObject::make(env, device);
      });
}

Napi::Value arm_watchdog(const Napi::CallbackInfo& info) {
  Environment::of(info.Env()).watchdog()->arm();
  return info.Env().Undefined();
}

Napi::Value feed_watchdog(const Napi::CallbackInfo& info) {
  Environment::of(info.Env()).watchdog()->feed();
  return info.Env().Undefined();
}

Napi::Value trip_watchdog(const Napi::CallbackInfo& info) {
  Environment::of(info.Env()).watchdog()->trip(string_argument(info, 0, "reason"));
  return info.Env().Undefined();
}

// -> {state: 'disarmed' | 'armed' | 'tripped', reason}
Napi::Value watchdog_state(const Napi::CallbackInfo& info) {
  const std::shared_ptr<radio::Watchdog>& watchdog = Environment::of(info.Env()).watchdog();
  const Napi::Object object = Napi::Object::New(info.Env());
  object.Set("state", watchdog->state());
  object.Set("reason", watchdog->reason());
  return object;
}

// Replaces the listener in `slot`; null or undefined removes it.
Napi::Value set_listener(const Napi::CallbackInfo& info, std::uint64_t Environment::*slot) {
  Environment& environment = Environment::of(info.Env());
  environment.remove_listener(environment.*slot);
  environment.*slot = info[0].IsNull() || info[0].IsUndefined()
                          ? 0
                          : environment.add_listener(required_function(info[0], "listener"));
  return info.Env().Undefined();
}

Napi::Value set_log_listener(const Napi::CallbackInfo& info) {
  return set_listener(info, &Environment::log_listener);
}
Napi::Value set_trip_listener(const Napi::CallbackInfo& info) {
  return set_listener(info, &Environment::trip_listener);
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto* environment = new Environment(env);
  env.SetInstanceData(environment);
  DeviceObject::define(env, *environment);
  ReceiverObject::define(env, *environment);
  TransmitterObject::define(env, *environment);
  exports.Set("versions", Napi::Function::New<versions>(env, "versions"));
  exports.Set("addPluginFolder", Napi::Function::New<add_plugin_folder>(env, "addPluginFolder"));
  exports.Set("driverMayTransmit", Napi::Function::New<driver_may_transmit>(env, "driverMayTransmit"));
  exports.Set("enumerate", Napi::Function::New<enumerate>(env, "enumerate"));
  exports.Set("openDevice", Napi::Function::New<open_device>(env, "openDevice"));
  exports.Set("armWatchdog", Napi::Function::New<arm_watchdog>(env, "armWatchdog"));
  exports.Set("feedWatchdog", Napi::Function::New<feed_watchdog>(env, "feedWatchdog"));
  exports.Set("tripWatchdog", Napi::Function::New<trip_watchdog>(env, "tripWatchdog"));
  exports.Set("watchdogState", Napi::Function::New<watchdog_state>(env, "watchdogState"));
  exports.Set("setLogListener", Napi::Function::New<set_log_listener>(env, "setLogListener"));
  exports.Set("setTripListener", Napi::Function::New<set_trip_listener>(env, "setTripListener"));
  exports.Set("burstLayout", Napi::Function::New<burst_layout>(env, "burstLayout"));
  exports.Set("subbandFaults", Napi::Function::New<subband_faults>(env, "subbandFaults"));
  exports.Set("placeSubbands", Napi::Function::New<place_subbands>(env, "placeSubbands"));
  exports.Set("genieSnr", Napi::Function::New<genie_snr>(env, "genieSnr"));
  exports.Set("errorBudget", Napi::Function::New<error_budget>(env, "errorBudget"));
  exports.Set("mcsThresholds", Napi::Function::New<mcs_thresholds>(env, "mcsThresholds"));
  exports.Set("digitalPlan", Napi::Function::New<digital_plan>(env, "digitalPlan"));
  exports.Set("effectiveSnrDb", Napi::Function::New<effective_snr_db>(env, "effectiveSnrDb"));
  exports.Set("requiredSnrDb", Napi::Function::New<required_snr_db>(env, "requiredSnrDb"));
  exports.Set("adaptFormat", Napi::Function::New<adapt_format>(env, "adaptFormat"));
  exports.Set("numerology", numerology(env));
  exports.Set("medium", medium_functions(env));
  return exports;
}

} // namespace

NODE_API_MODULE(otabench, init)

} // namespace otabench::addon
