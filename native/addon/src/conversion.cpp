#include "conversion.hpp"

#include <cmath>
#include <cstring>

namespace otabench::addon {
namespace {

template <typename Item> Napi::Array list_to_js(Napi::Env env, const std::vector<Item>& items) {
  const Napi::Array list = Napi::Array::New(env, items.size());
  for (std::size_t i = 0; i < items.size(); ++i)
    list.Set(static_cast<std::uint32_t>(i), to_js(env, items[i]));
  return list;
}

Napi::Object to_js(Napi::Env env, const radio::GainElement& element) {
  const Napi::Object object = addon::to_js(env, element.range_db);
  object.Set("name", element.name);
  return object;
}

Napi::Object to_js(Napi::Env env, const radio::ChannelCapabilities& channel) {
  const Napi::Object object = Napi::Object::New(env);
  object.Set("channels", static_cast<double>(channel.channels));
  object.Set("fullDuplex", channel.full_duplex);
  object.Set("antennas", addon::to_js(env, channel.antennas));
  object.Set("gainRangeDb", addon::to_js(env, channel.gain_range_db));
  const Napi::Array elements = Napi::Array::New(env, channel.gain_elements.size());
  for (std::size_t i = 0; i < channel.gain_elements.size(); ++i)
    elements.Set(static_cast<std::uint32_t>(i), to_js(env, channel.gain_elements[i]));
  object.Set("gainElementsDb", elements);
  object.Set("frequencyRangesHz", list_to_js(env, channel.frequency_ranges_hz));
  object.Set("sampleRateRangesHz", list_to_js(env, channel.sample_rate_ranges_hz));
  object.Set("bandwidthRangesHz", list_to_js(env, channel.bandwidth_ranges_hz));
  object.Set("formats", addon::to_js(env, channel.formats));
  object.Set("nativeFormat", channel.native_format);
  object.Set("nativeFullScale", channel.native_full_scale);
  return object;
}

std::string quoted(const Napi::Value& value) {
  return value.ToString().Utf8Value();
}

} // namespace

Napi::TypeError argument_error(Napi::Env env, const std::string& message) {
  Napi::TypeError error = Napi::TypeError::New(env, radio::one_line(message));
  error.Set("code", Napi::String::New(env, radio::error_code_name(radio::ErrorCode::out_of_range)));
  return error;
}

double required_number(const Napi::Object& object, const char* field) {
  const Napi::Value value = object.Get(field);
  if (!value.IsNumber() || !std::isfinite(value.As<Napi::Number>().DoubleValue()))
    throw argument_error(object.Env(),
                         std::string(field) + " is " + quoted(value) + "; allowed: a finite number");
  return value.As<Napi::Number>().DoubleValue();
}

std::int64_t required_integer(const Napi::Object& object, const char* field, std::int64_t min,
                              std::int64_t max) {
  const double number = required_number(object, field);
  if (number != std::floor(number) || number < static_cast<double>(min) || number > static_cast<double>(max))
    throw argument_error(object.Env(), std::string(field) + " is " + quoted(object.Get(field)) +
                                           "; allowed: " + std::to_string(min) + " to " +
                                           std::to_string(max) + ", whole");
  return static_cast<std::int64_t>(number);
}

bool required_boolean(const Napi::Object& object, const char* field) {
  const Napi::Value value = object.Get(field);
  if (!value.IsBoolean())
    throw argument_error(object.Env(),
                         std::string(field) + " is " + quoted(value) + "; allowed: true, false");
  return value.As<Napi::Boolean>().Value();
}

double optional_number(const Napi::Object& object, const char* field, double otherwise) {
  const Napi::Value value = object.Get(field);
  return value.IsUndefined() || value.IsNull() ? otherwise : required_number(object, field);
}

std::string required_string(const Napi::Object& object, const char* field) {
  const Napi::Value value = object.Get(field);
  if (!value.IsString())
    throw argument_error(object.Env(), std::string(field) + " is " + quoted(value) + "; allowed: a string");
  return value.As<Napi::String>().Utf8Value();
}

Napi::Float32Array required_floats(const Napi::Object& object, const char* field) {
  const Napi::Value value = object.Get(field);
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float32_array)
    throw argument_error(object.Env(), std::string(field) + " is not usable; allowed: a Float32Array");
  return value.As<Napi::Float32Array>();
}

Napi::Object required_object(const Napi::Value& value, const char* what) {
  if (!value.IsObject())
    throw argument_error(value.Env(), std::string(what) + " is " + quoted(value) + "; allowed: an object");
  return value.As<Napi::Object>();
}

Napi::Function required_function(const Napi::Value& value, const char* what) {
  if (!value.IsFunction())
    throw argument_error(value.Env(), std::string(what) + " is " + quoted(value) + "; allowed: a function");
  return value.As<Napi::Function>();
}

std::string string_argument(const Napi::CallbackInfo& info, std::size_t index, const char* what) {
  if (!info[index].IsString())
    throw argument_error(info.Env(),
                         std::string(what) + " is " + quoted(info[index]) + "; allowed: a string");
  return info[index].As<Napi::String>().Utf8Value();
}

double number_argument(const Napi::CallbackInfo& info, std::size_t index, const char* what) {
  if (!info[index].IsNumber() || !std::isfinite(info[index].As<Napi::Number>().DoubleValue()))
    throw argument_error(info.Env(),
                         std::string(what) + " is " + quoted(info[index]) + "; allowed: a finite number");
  return info[index].As<Napi::Number>().DoubleValue();
}

radio::Direction direction_argument(const Napi::CallbackInfo& info, std::size_t index) {
  const std::string name = string_argument(info, index, "direction");
  if (name == "rx")
    return radio::Direction::rx;
  if (name == "tx")
    return radio::Direction::tx;
  throw argument_error(info.Env(), "direction is " + name + "; allowed: rx, tx");
}

radio::Arguments to_arguments(const Napi::Object& object) {
  radio::Arguments arguments;
  const Napi::Array names = object.GetPropertyNames();
  for (std::uint32_t i = 0; i < names.Length(); ++i) {
    const std::string name = names.Get(i).ToString().Utf8Value();
    arguments[name] = required_string(object, name.c_str());
  }
  return arguments;
}

Napi::Object to_js(Napi::Env env, const std::map<std::string, std::string>& entries) {
  const Napi::Object object = Napi::Object::New(env);
  for (const auto& entry : entries)
    object.Set(entry.first, entry.second);
  return object;
}

Napi::Array to_js(Napi::Env env, const std::vector<std::string>& entries) {
  const Napi::Array list = Napi::Array::New(env, entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i)
    list.Set(static_cast<std::uint32_t>(i), entries[i]);
  return list;
}

Napi::Object to_js(Napi::Env env, const radio::Range& range) {
  const Napi::Object object = Napi::Object::New(env);
  object.Set("min", range.min);
  object.Set("max", range.max);
  object.Set("step", range.step);
  return object;
}

Napi::Object to_js(Napi::Env env, const radio::Capabilities& capabilities) {
  const Napi::Object object = Napi::Object::New(env);
  object.Set("rx", to_js(env, capabilities.rx));
  object.Set("tx", to_js(env, capabilities.tx));
  object.Set("hardwareTime", capabilities.hardware_time);
  object.Set("clockSources", to_js(env, capabilities.clock_sources));
  object.Set("timeSources", to_js(env, capabilities.time_sources));
  object.Set("sensors", to_js(env, capabilities.sensors));
  return object;
}

Napi::Array to_js(Napi::Env env, const std::vector<radio::Event>& events) {
  const Napi::Array list = Napi::Array::New(env, events.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    const radio::Event& event = events[i];
    const Napi::Object object = Napi::Object::New(env);
    object.Set("kind", radio::event_kind_name(event.kind));
    object.Set("direction", radio::direction_name(event.direction));
    object.Set("serial", event.serial);
    object.Set("hardwareTimeNs", event.hardware_time_ns
                                     ? Napi::Number::New(env, static_cast<double>(*event.hardware_time_ns))
                                     : env.Null());
    object.Set("count", static_cast<double>(event.count));
    object.Set("detail", event.detail);
    list.Set(static_cast<std::uint32_t>(i), object);
  }
  return list;
}

Napi::Value finite_or_null(Napi::Env env, double value) {
  return std::isfinite(value) ? Napi::Number::New(env, value) : env.Null();
}

Napi::Float32Array to_float_array(Napi::Env env, const float* values, std::size_t count) {
  // JavaScript's own memory: Electron refuses buffers that wrap foreign memory.
  Napi::Float32Array array = Napi::Float32Array::New(env, count);
  if (count > 0)
    std::memcpy(array.Data(), values, count * sizeof(float));
  return array;
}

} // namespace otabench::addon
