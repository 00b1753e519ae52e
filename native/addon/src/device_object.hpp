// The JavaScript object of an opened radio.
#pragma once

#include "environment.hpp"

#include "otabench/radio/device.hpp"

#include <memory>
#include <napi.h>

namespace otabench::addon {

// Properties: driver, serial, hardware, information, capabilities, mayTransmit. All methods return promises
// and run on the device's control thread; "rx" or "tx" names the direction; setters resolve with what was
// achieved:
//   setCenterFrequencyHz, setSampleRateHz, setBandwidthHz, setGainDb (direction, number),
//   setGainElementDb (direction, element, number), setAntenna (direction, name),
//   centerFrequencyHz, sampleRateHz, bandwidthHz, gainDb, antenna (direction), hardwareTimeNs (), readSensor
//   (name), startReceiver (options, onBatch), startTransmitter (options, onEvents), silence (), close ().
class DeviceObject : public Napi::ObjectWrap<DeviceObject> {
public:
  static void define(Napi::Env env, Environment& environment);
  static Napi::Object make(Napi::Env env, const std::shared_ptr<radio::Device>& device);
  explicit DeviceObject(const Napi::CallbackInfo& info);

private:
  using Setter = double (radio::Device::*)(radio::Direction, double);
  using Getter = double (radio::Device::*)(radio::Direction);

  template <Setter setter> Napi::Value set_number(const Napi::CallbackInfo& info);
  template <Getter getter> Napi::Value get_number(const Napi::CallbackInfo& info);
  Napi::Value set_gain_element(const Napi::CallbackInfo& info);
  Napi::Value set_antenna(const Napi::CallbackInfo& info);
  Napi::Value get_antenna(const Napi::CallbackInfo& info);
  Napi::Value hardware_time(const Napi::CallbackInfo& info);
  Napi::Value read_sensor(const Napi::CallbackInfo& info);
  Napi::Value start_receiver(const Napi::CallbackInfo& info);
  Napi::Value start_transmitter(const Napi::CallbackInfo& info);
  Napi::Value silence(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  // Runs `work(device)` on the control thread.
  template <typename Work, typename Convert>
  Napi::Value on_control_thread(Napi::Env env, Work work, Convert convert);

  std::shared_ptr<radio::Device> device_;
};

} // namespace otabench::addon
