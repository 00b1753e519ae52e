#include "medium_functions.hpp"

#include "conversion.hpp"
#include "environment.hpp"

#include "otabench/medium/medium.hpp"

#include <cmath>
#include <map>
#include <optional>

namespace otabench::addon {
namespace {

using medium::Medium;

// Runs a call into the medium; its complaints become JavaScript errors with the code `out-of-range`.
template <typename Call> Napi::Value medium_call(Napi::Env env, Call call) {
  try {
    return call();
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& error) {
    throw argument_error(env, error.what());
  }
}

// Absent, null: nothing.
std::optional<double> present_number(const Napi::Object& object, const char* field) {
  const Napi::Value value = object.Get(field);
  if (value.IsUndefined() || value.IsNull())
    return std::nullopt;
  return required_number(object, field);
}

std::vector<medium::Tap> to_taps(const Napi::Value& value) {
  std::vector<medium::Tap> taps;
  const Napi::Array list = required_object(value, "taps").As<Napi::Array>();
  for (std::uint32_t i = 0; i < list.Length(); ++i) {
    const Napi::Object tap = required_object(list.Get(i), "tap");
    taps.push_back(
        {required_number(tap, "delayS"), required_number(tap, "powerDb"), required_number(tap, "phaseRad")});
  }
  return taps;
}

// Undefined: no fading. {kind, profile, delaySpreadS, dopplerHz, ricianKDb: number | null}
medium::Fading to_fading(const Napi::Value& value) {
  medium::Fading fading;
  if (value.IsUndefined())
    return fading;
  const Napi::Object object = required_object(value, "fading");
  const std::string kind = required_string(object, "kind");
  const std::string profile = required_string(object, "profile");
  static const std::map<std::string, medium::FadingKind> kinds = {
      {"none", medium::FadingKind::None},
      {"block", medium::FadingKind::Block},
      {"continuous", medium::FadingKind::Continuous}};
  static const std::map<std::string, medium::DelayProfile> profiles = {
      {"taps", medium::DelayProfile::Taps},  {"tdl-a", medium::DelayProfile::TdlA},
      {"tdl-b", medium::DelayProfile::TdlB}, {"tdl-c", medium::DelayProfile::TdlC},
      {"tdl-d", medium::DelayProfile::TdlD}, {"tdl-e", medium::DelayProfile::TdlE}};
  const auto found_kind = kinds.find(kind);
  if (found_kind == kinds.end())
    throw argument_error(value.Env(), "kind is " + kind + "; allowed: none, block, continuous");
  const auto found_profile = profiles.find(profile);
  if (found_profile == profiles.end())
    throw argument_error(value.Env(),
                         "profile is " + profile + "; allowed: taps, tdl-a, tdl-b, tdl-c, tdl-d, tdl-e");
  fading.kind = found_kind->second;
  fading.profile = found_profile->second;
  fading.delaySpreadS = required_number(object, "delaySpreadS");
  fading.dopplerHz = required_number(object, "dopplerHz");
  fading.ricianKDb = present_number(object, "ricianKDb");
  return fading;
}

medium::PathProfile to_path(const Napi::Object& object) {
  medium::PathProfile path;
  path.from = required_string(object, "from");
  path.to = required_string(object, "to");
  path.pathLossDb = required_number(object, "pathLossDb");
  path.taps = to_taps(object.Get("taps"));
  path.fading = to_fading(object.Get("fading"));
  return path;
}

medium::Interferer to_interferer(const Napi::Object& object) {
  medium::Interferer interferer;
  interferer.frequencyHz = required_number(object, "frequencyHz");
  interferer.powerDbm = required_number(object, "powerDbm");
  interferer.bandwidthHz = required_number(object, "bandwidthHz");
  interferer.startS = required_number(object, "startS");
  interferer.onS = required_number(object, "onS");
  interferer.periodS = required_number(object, "periodS");
  const Napi::Array serials = required_object(object.Get("serials"), "serials").As<Napi::Array>();
  for (std::uint32_t i = 0; i < serials.Length(); ++i)
    interferer.serials.push_back(serials.Get(i).ToString().Utf8Value());
  return interferer;
}

medium::TrialStart to_trial_start(const Napi::Object& object) {
  const std::string start = required_string(object, "trialStart");
  if (start == "settled")
    return medium::TrialStart::Settled;
  if (start == "activated")
    return medium::TrialStart::Activated;
  if (start == "retuned")
    return medium::TrialStart::Retuned;
  throw argument_error(object.Env(), "trialStart is " + start + "; allowed: settled, activated, retuned");
}

medium::RadioProfile to_radio(const Napi::Object& object) {
  medium::RadioProfile profile;
  profile.serial = required_string(object, "serial");
  profile.clockErrorPpm = required_number(object, "clockErrorPpm");
  profile.noiseFigureDb = required_number(object, "noiseFigureDb");
  profile.maxOutputPowerDbm = required_number(object, "maxOutputPowerDbm");
  medium::Impairments& impairments = profile.impairments;
  impairments.phaseNoiseLinewidthHz = optional_number(object, "phaseNoiseLinewidthHz", 0);
  impairments.phaseNoiseLoopBandwidthHz = optional_number(object, "phaseNoiseLoopBandwidthHz", 0);
  impairments.phaseNoiseFloorDbcHz = present_number(object, "phaseNoiseFloorDbcHz");
  impairments.txIq = {optional_number(object, "txIqGainDb", 0), optional_number(object, "txIqPhaseDeg", 0)};
  impairments.rxIq = {optional_number(object, "rxIqGainDb", 0), optional_number(object, "rxIqPhaseDeg", 0)};
  impairments.loLeakageDbfs = present_number(object, "loLeakageDbfs");
  impairments.dcOffsetDbfs = present_number(object, "dcOffsetDbfs");
  if (const auto saturation_db = present_number(object, "amplifierSaturationDb")) {
    impairments.amplifier.emplace();
    impairments.amplifier->saturationDb = *saturation_db;
    impairments.amplifier->smoothness =
        optional_number(object, "amplifierSmoothness", impairments.amplifier->smoothness);
  }
  impairments.dacBits = static_cast<int>(optional_number(object, "dacBits", 0));
  impairments.adcBits = static_cast<int>(optional_number(object, "adcBits", 0));
  profile.settling.activateS = optional_number(object, "activateSettleS", 0);
  profile.settling.retuneS = optional_number(object, "retuneSettleS", 0);
  profile.settling.invalidRxSamples =
      static_cast<std::int64_t>(optional_number(object, "invalidRxSamples", 0));
  if (!object.Get("trialStart").IsUndefined())
    profile.settling.trialStart = to_trial_start(object);
  profile.rxFullScaleDbm = optional_number(object, "rxFullScaleDbm", profile.rxFullScaleDbm);
  return profile;
}

Napi::Array taps_to_js(Napi::Env env, const std::vector<medium::Tap>& taps) {
  const Napi::Array list = Napi::Array::New(env, taps.size());
  for (std::size_t i = 0; i < taps.size(); ++i) {
    const Napi::Object tap = Napi::Object::New(env);
    tap.Set("delayS", taps[i].delayS);
    tap.Set("powerDb", taps[i].powerDb);
    tap.Set("phaseRad", taps[i].phaseRad);
    list.Set(static_cast<std::uint32_t>(i), tap);
  }
  return list;
}

// ({pace: 'free' | 'realtime', seed, radios, paths, interferers?})
Napi::Value configure(const Napi::CallbackInfo& info) {
  const Napi::Object air = required_object(info[0], "air");
  medium::MediumConfig config;
  const std::string pace = required_string(air, "pace");
  if (pace != "free" && pace != "realtime")
    throw argument_error(info.Env(), "pace is " + pace + "; allowed: free, realtime");
  config.pace = pace == "free" ? medium::Pace::Free : medium::Pace::Realtime;
  config.seed = static_cast<std::uint64_t>(required_integer(air, "seed", 0, 9007199254740991));
  const Napi::Array radios = required_object(air.Get("radios"), "radios").As<Napi::Array>();
  for (std::uint32_t i = 0; i < radios.Length(); ++i)
    config.radios.push_back(to_radio(required_object(radios.Get(i), "radio")));
  const Napi::Array paths = required_object(air.Get("paths"), "paths").As<Napi::Array>();
  for (std::uint32_t i = 0; i < paths.Length(); ++i)
    config.paths.push_back(to_path(required_object(paths.Get(i), "path")));
  if (!air.Get("interferers").IsUndefined()) {
    const Napi::Array interferers = required_object(air.Get("interferers"), "interferers").As<Napi::Array>();
    for (std::uint32_t i = 0; i < interferers.Length(); ++i)
      config.interferers.push_back(to_interferer(required_object(interferers.Get(i), "interferer")));
  }
  return medium_call(info.Env(), [&] {
    Medium::instance().configure(config);
    return info.Env().Undefined();
  });
}

Napi::Value serials(const Napi::CallbackInfo& info) {
  return to_js(info.Env(), Medium::instance().serials());
}

Napi::Value set_path(const Napi::CallbackInfo& info) {
  const medium::PathProfile path = to_path(required_object(info[0], "path"));
  return medium_call(info.Env(), [&] {
    Medium::instance().setPath(path);
    return info.Env().Undefined();
  });
}

Napi::Value begin_trial(const Napi::CallbackInfo& info) {
  const std::string trial_id = string_argument(info, 0, "trialId");
  medium::ChannelMoment moment{trial_id, 0.0};
  if (!info[1].IsUndefined()) {
    const Napi::Object channel = required_object(info[1], "channel");
    moment = {required_string(channel, "realisation"), required_number(channel, "startS")};
  }
  return medium_call(info.Env(), [&] {
    return Napi::Number::New(info.Env(),
                             static_cast<double>(Medium::instance().beginTrial(trial_id, moment)));
  });
}

Napi::Value grant_until(const Napi::CallbackInfo& info) {
  const double time_ns = number_argument(info, 0, "timeNs");
  return medium_call(info.Env(), [&] {
    Medium::instance().grantUntilNs(std::llround(time_ns));
    return info.Env().Undefined();
  });
}

Napi::Value end_trial(const Napi::CallbackInfo& info) {
  Medium::instance().endTrial();
  return info.Env().Undefined();
}

Napi::Value current_time(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(Medium::instance().currentTimeNs()));
}

Napi::Value silence(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(Medium::instance().silence()));
}

Napi::Value link_truth(const Napi::CallbackInfo& info) {
  const std::string from = string_argument(info, 0, "from");
  const std::string to = string_argument(info, 1, "to");
  return medium_call(info.Env(), [&]() -> Napi::Value {
    const medium::LinkTruth truth = Medium::instance().linkTruth(from, to);
    const Napi::Object object = Napi::Object::New(info.Env());
    object.Set("gainDb", truth.gainDb);
    object.Set("taps", taps_to_js(info.Env(), truth.taps));
    object.Set("cfoHz", truth.cfoHz);
    object.Set("clockOffsetPpm", truth.clockOffsetPpm);
    object.Set("noisePowerDbm", truth.noisePowerDbm);
    object.Set("noisePowerDbfs", truth.noisePowerDbfs);
    object.Set("fullScaleSampleSnrDb", truth.fullScaleSampleSnrDb);
    return object;
  });
}

// ({from, to, payloadStartNs, sampleRateHz, fftSize, cpLength, symbolCount, carriers: Int16Array})
Napi::Value burst_truth(const Napi::CallbackInfo& info) {
  const Napi::Object object = required_object(info[0], "query");
  medium::BurstQuery query;
  query.from = required_string(object, "from");
  query.to = required_string(object, "to");
  query.payloadStartNs = std::llround(required_number(object, "payloadStartNs"));
  query.sampleRateHz = required_number(object, "sampleRateHz");
  query.fftSize = static_cast<std::size_t>(required_integer(object, "fftSize", 2, 65536));
  query.cpLength = static_cast<std::size_t>(required_integer(object, "cpLength", 0, 65536));
  query.symbolCount = static_cast<std::size_t>(required_integer(object, "symbolCount", 1, 1 << 20));
  const Napi::Value carriers = object.Get("carriers");
  if (!carriers.IsTypedArray() || carriers.As<Napi::TypedArray>().TypedArrayType() != napi_int16_array)
    throw argument_error(info.Env(), "carriers: allowed is an Int16Array");
  const Napi::Int16Array numbers = carriers.As<Napi::Int16Array>();
  for (std::size_t i = 0; i < numbers.ElementLength(); ++i)
    query.carriers.push_back(numbers[i]);
  return medium_call(info.Env(), [&]() -> Napi::Value {
    const medium::BurstTruth truth = Medium::instance().burstTruth(query);
    const Napi::Object result = Napi::Object::New(info.Env());
    result.Set("snrDb", truth.trueSnrDb);
    result.Set("cfoHz", truth.cfoHz);
    result.Set("clockOffsetPpm", truth.clockOffsetPpm);
    result.Set("receivedPowerDbfs", truth.receivedPowerDbfs);
    result.Set("noisePowerDbfs", truth.noisePowerDbfs);
    return result;
  });
}

} // namespace

Napi::Object medium_functions(Napi::Env env) {
  const Napi::Object object = Napi::Object::New(env);
  object.Set("configure", Napi::Function::New<configure>(env, "configure"));
  object.Set("serials", Napi::Function::New<serials>(env, "serials"));
  object.Set("setPath", Napi::Function::New<set_path>(env, "setPath"));
  object.Set("beginTrial", Napi::Function::New<begin_trial>(env, "beginTrial"));
  object.Set("grantUntilNs", Napi::Function::New<grant_until>(env, "grantUntilNs"));
  object.Set("endTrial", Napi::Function::New<end_trial>(env, "endTrial"));
  object.Set("currentTimeNs", Napi::Function::New<current_time>(env, "currentTimeNs"));
  object.Set("silence", Napi::Function::New<silence>(env, "silence"));
  object.Set("linkTruth", Napi::Function::New<link_truth>(env, "linkTruth"));
  object.Set("burstTruth", Napi::Function::New<burst_truth>(env, "burstTruth"));
  return object;
}

} // namespace otabench::addon
