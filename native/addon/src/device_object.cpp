#include "device_object.hpp"

#include "conversion.hpp"
#include "stream_objects.hpp"

namespace otabench::addon {
namespace {

Napi::Value number_to_js(Napi::Env env, double value) {
  return Napi::Number::New(env, value);
}
Napi::Value text_to_js(Napi::Env env, const std::string& value) {
  return Napi::String::New(env, value);
}
Napi::Value nothing_to_js(Napi::Env env, bool) {
  return env.Undefined();
}

} // namespace

void DeviceObject::define(Napi::Env env, Environment& environment) {
  const Napi::Function constructor = DefineClass(
      env, "RadioDevice",
      {InstanceMethod<&DeviceObject::set_number<&radio::Device::set_center_frequency_hz>>(
           "setCenterFrequencyHz"),
       InstanceMethod<&DeviceObject::set_number<&radio::Device::set_sample_rate_hz>>("setSampleRateHz"),
       InstanceMethod<&DeviceObject::set_number<&radio::Device::set_bandwidth_hz>>("setBandwidthHz"),
       InstanceMethod<&DeviceObject::set_number<&radio::Device::set_gain_db>>("setGainDb"),
       InstanceMethod<&DeviceObject::get_number<&radio::Device::center_frequency_hz>>("centerFrequencyHz"),
       InstanceMethod<&DeviceObject::get_number<&radio::Device::sample_rate_hz>>("sampleRateHz"),
       InstanceMethod<&DeviceObject::get_number<&radio::Device::bandwidth_hz>>("bandwidthHz"),
       InstanceMethod<&DeviceObject::get_number<&radio::Device::gain_db>>("gainDb"),
       InstanceMethod<&DeviceObject::set_gain_element>("setGainElementDb"),
       InstanceMethod<&DeviceObject::set_antenna>("setAntenna"),
       InstanceMethod<&DeviceObject::get_antenna>("antenna"),
       InstanceMethod<&DeviceObject::hardware_time>("hardwareTimeNs"),
       InstanceMethod<&DeviceObject::read_sensor>("readSensor"),
       InstanceMethod<&DeviceObject::start_receiver>("startReceiver"),
       InstanceMethod<&DeviceObject::start_transmitter>("startTransmitter"),
       InstanceMethod<&DeviceObject::silence>("silence"), InstanceMethod<&DeviceObject::close>("close")});
  environment.device_class = Napi::Persistent(constructor);
}

Napi::Object DeviceObject::make(Napi::Env env, const std::shared_ptr<radio::Device>& device) {
  auto holder = device;
  return Environment::of(env).device_class.New(
      {Napi::External<std::shared_ptr<radio::Device>>::New(env, &holder)});
}

DeviceObject::DeviceObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<DeviceObject>(info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsExternal())
    throw argument_error(env, "a radio is opened by openDevice");
  device_ = *info[0].As<Napi::External<std::shared_ptr<radio::Device>>>().Data();
  Napi::Object self = info.This().As<Napi::Object>();
  bool may_transmit = true;
  try {
    device_->require_transmit_permission();
  } catch (const radio::RadioError&) {
    may_transmit = false;
  }
  self.Set("driver", device_->driver());
  self.Set("serial", device_->serial());
  self.Set("hardware", device_->hardware());
  self.Set("information", to_js(env, device_->information()));
  self.Set("capabilities", to_js(env, device_->capabilities()));
  self.Set("mayTransmit", may_transmit);
}

template <typename Work, typename Convert>
Napi::Value DeviceObject::on_control_thread(Napi::Env env, Work work, Convert convert) {
  if (device_->closed()) {
    const Napi::Promise::Deferred deferred = Napi::Promise::Deferred::New(env);
    deferred.Reject(to_js_error(env, radio::RadioError(radio::ErrorCode::closed,
                                                       "radio " + device_->serial() + " is closed"))
                        .Value());
    return deferred.Promise();
  }
  return Environment::of(env).promise(
      env, [device = device_](std::function<void()> job) { return device->post(std::move(job)); },
      [device = device_, work]() mutable { return work(device); }, convert);
}

template <DeviceObject::Setter setter> Napi::Value DeviceObject::set_number(const Napi::CallbackInfo& info) {
  const radio::Direction direction = direction_argument(info, 0);
  const double value = number_argument(info, 1, "value");
  return on_control_thread(
      info.Env(),
      [=](const std::shared_ptr<radio::Device>& device) { return ((*device).*setter)(direction, value); },
      number_to_js);
}

template <DeviceObject::Getter getter> Napi::Value DeviceObject::get_number(const Napi::CallbackInfo& info) {
  const radio::Direction direction = direction_argument(info, 0);
  return on_control_thread(
      info.Env(),
      [=](const std::shared_ptr<radio::Device>& device) { return ((*device).*getter)(direction); },
      number_to_js);
}

Napi::Value DeviceObject::set_gain_element(const Napi::CallbackInfo& info) {
  const radio::Direction direction = direction_argument(info, 0);
  const std::string element = string_argument(info, 1, "element");
  const double gain_db = number_argument(info, 2, "gainDb");
  return on_control_thread(
      info.Env(),
      [=](const std::shared_ptr<radio::Device>& device) {
        return device->set_gain_element_db(direction, element, gain_db);
      },
      number_to_js);
}

Napi::Value DeviceObject::set_antenna(const Napi::CallbackInfo& info) {
  const radio::Direction direction = direction_argument(info, 0);
  const std::string antenna = string_argument(info, 1, "antenna");
  return on_control_thread(
      info.Env(),
      [=](const std::shared_ptr<radio::Device>& device) { return device->set_antenna(direction, antenna); },
      text_to_js);
}

Napi::Value DeviceObject::get_antenna(const Napi::CallbackInfo& info) {
  const radio::Direction direction = direction_argument(info, 0);
  return on_control_thread(
      info.Env(), [=](const std::shared_ptr<radio::Device>& device) { return device->antenna(direction); },
      text_to_js);
}

Napi::Value DeviceObject::hardware_time(const Napi::CallbackInfo& info) {
  return on_control_thread(
      info.Env(), [](const std::shared_ptr<radio::Device>& device) { return device->hardware_time_ns(); },
      [](Napi::Env env, const std::optional<std::int64_t>& time_ns) -> Napi::Value {
        return time_ns ? Napi::Number::New(env, static_cast<double>(*time_ns)) : env.Null();
      });
}

Napi::Value DeviceObject::read_sensor(const Napi::CallbackInfo& info) {
  const std::string name = string_argument(info, 0, "sensor");
  return on_control_thread(
      info.Env(), [=](const std::shared_ptr<radio::Device>& device) { return device->read_sensor(name); },
      text_to_js);
}

Napi::Value DeviceObject::silence(const Napi::CallbackInfo& info) {
  return on_control_thread(
      info.Env(),
      [](const std::shared_ptr<radio::Device>& device) {
        device->silence();
        return true;
      },
      nothing_to_js);
}

Napi::Value DeviceObject::start_receiver(const Napi::CallbackInfo& info) {
  const Napi::Object options_object = required_object(info[0], "options");
  radio::ReceiverOptions options;
  options.sample_rate_hz = required_number(options_object, "sampleRateHz");
  options.center_frequency_hz = required_number(options_object, "centerFrequencyHz");
  options.cfo_prior_hz = optional_number(options_object, "cfoPriorHz", 0);
  options.block_samples = static_cast<std::size_t>(
      optional_number(options_object, "blockSamples", static_cast<double>(options.block_samples)));
  options.result_limit = static_cast<std::size_t>(
      optional_number(options_object, "resultLimit", static_cast<double>(options.result_limit)));
  if (options.block_samples < 64 || options.block_samples > 1U << 20U)
    throw argument_error(info.Env(), "blockSamples: allowed are 64 to 1048576");
  Environment& environment = Environment::of(info.Env());
  const std::uint64_t listener = environment.add_listener(required_function(info[1], "onBatch"));
  auto link = std::make_shared<ReceiverLink>(environment.dispatcher(), listener);
  return on_control_thread(
      info.Env(),
      [options, link](const std::shared_ptr<radio::Device>& device) {
        link->attach(radio::Receiver::start(device, options, [link] { link->notify(); }));
        return link;
      },
      [](Napi::Env env, const std::shared_ptr<ReceiverLink>& started) -> Napi::Value {
        return ReceiverObject::make(env, started);
      });
}

Napi::Value DeviceObject::start_transmitter(const Napi::CallbackInfo& info) {
  const Napi::Object options_object = required_object(info[0], "options");
  radio::TransmitterOptions options;
  options.sample_rate_hz = required_number(options_object, "sampleRateHz");
  options.rms_dbfs = optional_number(options_object, "rmsDbfs", options.rms_dbfs);
  options.queue_limit = static_cast<std::size_t>(
      optional_number(options_object, "queueLimit", static_cast<double>(options.queue_limit)));
  Environment& environment = Environment::of(info.Env());
  const std::uint64_t listener = environment.add_listener(required_function(info[1], "onEvents"));
  auto link = std::make_shared<TransmitterLink>(environment.dispatcher(), listener);
  return on_control_thread(
      info.Env(),
      [options, link](const std::shared_ptr<radio::Device>& device) {
        link->attach(radio::Transmitter::start(device, options, [link] { link->notify(); }));
        return link;
      },
      [](Napi::Env env, const std::shared_ptr<TransmitterLink>& started) -> Napi::Value {
        return TransmitterObject::make(env, started);
      });
}

Napi::Value DeviceObject::close(const Napi::CallbackInfo& info) {
  Environment& environment = Environment::of(info.Env());
  // On the service thread, since closing ends the control thread.
  return environment.promise(
      info.Env(),
      [&environment](std::function<void()> job) { return environment.service().post(std::move(job)); },
      [device = device_, &environment] {
        device->close();
        environment.forget(device);
        return true;
      },
      nothing_to_js);
}

} // namespace otabench::addon
