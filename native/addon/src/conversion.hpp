// Between JavaScript values and plain C++.
#pragma once

#include "otabench/radio/device.hpp"
#include "otabench/radio/event.hpp"

#include <cstdint>
#include <napi.h>
#include <string>
#include <vector>

namespace otabench::addon {

// Readers of arguments. @throws Napi::TypeError naming the field, its value and what is allowed
double required_number(const Napi::Object& object, const char* field);
std::int64_t required_integer(const Napi::Object& object, const char* field, std::int64_t min,
                              std::int64_t max);
bool required_boolean(const Napi::Object& object, const char* field);
double optional_number(const Napi::Object& object, const char* field, double otherwise);
std::string required_string(const Napi::Object& object, const char* field);
Napi::Float32Array required_floats(const Napi::Object& object, const char* field);
Napi::Object required_object(const Napi::Value& value, const char* what);
Napi::Function required_function(const Napi::Value& value, const char* what);
std::string string_argument(const Napi::CallbackInfo& info, std::size_t index, const char* what);
double number_argument(const Napi::CallbackInfo& info, std::size_t index, const char* what);
// "rx" or "tx".
radio::Direction direction_argument(const Napi::CallbackInfo& info, std::size_t index);

Napi::TypeError argument_error(Napi::Env env, const std::string& message);

radio::Arguments to_arguments(const Napi::Object& object);
Napi::Object to_js(Napi::Env env, const std::map<std::string, std::string>& entries);
Napi::Array to_js(Napi::Env env, const std::vector<std::string>& entries);
Napi::Object to_js(Napi::Env env, const radio::Range& range);
Napi::Object to_js(Napi::Env env, const radio::Capabilities& capabilities);
Napi::Array to_js(Napi::Env env, const std::vector<radio::Event>& events);

// null for NaN and infinities, which do not survive validation (nor JSON).
Napi::Value finite_or_null(Napi::Env env, double value);
Napi::Float32Array to_float_array(Napi::Env env, const float* values, std::size_t count);

} // namespace otabench::addon
