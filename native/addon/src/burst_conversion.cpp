#include "burst_conversion.hpp"

#include "conversion.hpp"

#include "otabench/phy/genie.hpp"
#include "otabench/phy/numerology.hpp"

#include <complex>
#include <string>
#include <vector>

namespace otabench::addon {
namespace {

// As many symbols of a constellation as an eye can use.
constexpr std::size_t kMostConstellationSymbols = 512;

Napi::Float32Array complex_array(Napi::Env env, const std::complex<float>* values, std::size_t count) {
  // std::complex<float> is by the standard an array of re, im.
  return to_float_array(env, reinterpret_cast<const float*>(values), 2 * count);
}

Napi::Float32Array decimated_constellation(Napi::Env env, const std::vector<std::complex<float>>& symbols) {
  const std::size_t stride = (symbols.size() + kMostConstellationSymbols - 1) / kMostConstellationSymbols;
  if (stride <= 1)
    return complex_array(env, symbols.data(), symbols.size());
  std::vector<std::complex<float>> kept;
  for (std::size_t i = 0; i < symbols.size(); i += stride)
    kept.push_back(symbols[i]);
  return complex_array(env, kept.data(), kept.size());
}

// {snrDb, sdDb, lowDb, highDb}
Napi::Object estimate_to_js(Napi::Env env, const phy::SnrEstimate& estimate) {
  const Napi::Object object = Napi::Object::New(env);
  object.Set("snrDb", finite_or_null(env, estimate.snrDb));
  object.Set("sdDb", finite_or_null(env, estimate.sdDb));
  object.Set("lowDb", finite_or_null(env, estimate.lowDb));
  object.Set("highDb", finite_or_null(env, estimate.highDb));
  return object;
}

// Whether a field has one of two words: true for the second.
bool required_choice(const Napi::Object& object, const char* field, const std::string& first,
                     const std::string& second) {
  const std::string word = required_string(object, field);
  if (word != first && word != second)
    throw argument_error(object.Env(),
                         std::string(field) + " is " + word + "; allowed: " + first + ", " + second);
  return word == second;
}

phy::BurstHeader shape_of(const Napi::Object& burst) {
  phy::BurstHeader header;
  header.tokens = static_cast<int>(required_integer(burst, "tokens", 1, phy::kMaxTokens));
  header.dimension = static_cast<int>(required_integer(burst, "dimension", 1, phy::kMaxDimension));
  header.transport = to_transport(burst.Get("transport"));
  return header;
}

Napi::Object to_js(Napi::Env env, const radio::TimedBurst& timed) {
  const phy::ReceivedBurst& burst = timed.burst;
  const Napi::Object object = Napi::Object::New(env);
  object.Set("outcome", phy::toString(burst.outcome));
  object.Set("headerOk", burst.headerOk);
  object.Set("epoch", static_cast<double>(timed.epoch));
  object.Set("arrivalNs", timed.arrival_ns);
  object.Set("cfoHz", finite_or_null(env, burst.cfoHz));
  object.Set("clockOffsetPpm", finite_or_null(env, burst.clockOffsetPpm));
  object.Set("user", burst.header.user);
  object.Set("sequence", burst.header.sequence);
  object.Set("tokens", burst.header.tokens);
  object.Set("dimension", burst.header.dimension);
  object.Set("scale", burst.header.scale);
  object.Set("data", burst.tokens.empty() ? env.Null()
                                          : static_cast<Napi::Value>(to_float_array(env, burst.tokens.data(),
                                                                                    burst.tokens.size())));
  object.Set("snrDb", finite_or_null(env, burst.snrDb));
  object.Set("bestEstimator", phy::toString(burst.bestEstimator));
  object.Set("disturbed", burst.disturbed);
  object.Set("phaseDriftRad", finite_or_null(env, burst.phaseDriftRad));
  object.Set("saturatedSamples", static_cast<double>(burst.saturatedSamples));
  const Napi::Object estimates = Napi::Object::New(env);
  estimates.Set("best", estimate_to_js(env, burst.snrBest));
  estimates.Set("sndr", estimate_to_js(env, burst.sndr));
  estimates.Set("preamble", estimate_to_js(env, burst.snrRepeatedPreamble));
  estimates.Set("emptyCarriers", estimate_to_js(env, burst.snrEmptyCarriers));
  estimates.Set("pilotEvm", estimate_to_js(env, burst.snrPilotEvm));
  estimates.Set("dataAided", estimate_to_js(env, burst.snrDataAided));
  object.Set("estimates", estimates);
  object.Set("noiseVariance", finite_or_null(env, burst.noiseVariance));
  object.Set("channel", complex_array(env, burst.channel.data(), burst.channel.size()));
  object.Set("carrierSnrDb", to_float_array(env, burst.carrierSnrDb.data(), burst.carrierSnrDb.size()));
  object.Set("constellation", decimated_constellation(env, burst.constellation));
  return object;
}

Napi::Value time_or_null(Napi::Env env, const std::optional<std::int64_t>& time_ns) {
  return time_ns ? Napi::Number::New(env, static_cast<double>(*time_ns)) : env.Null();
}

} // namespace

Napi::Object to_js(Napi::Env env, const radio::ReceiverBatch& batch) {
  const Napi::Object object = Napi::Object::New(env);
  const Napi::Array bursts = Napi::Array::New(env, batch.bursts.size());
  for (std::size_t i = 0; i < batch.bursts.size(); ++i)
    bursts.Set(static_cast<std::uint32_t>(i), to_js(env, batch.bursts[i]));
  object.Set("bursts", bursts);
  object.Set("events", to_js(env, batch.events));
  object.Set("epoch", static_cast<double>(batch.epoch));
  object.Set("processedUntilNs", static_cast<double>(batch.processed_until_ns));
  object.Set("droppedBursts", static_cast<double>(batch.dropped_bursts));
  object.Set("running", batch.running);
  return object;
}

Napi::Object to_js(Napi::Env env, const radio::SentBurst& sent) {
  const Napi::Object object = Napi::Object::New(env);
  object.Set("paprDb", sent.report.paprDb);
  object.Set("ccdfDb", Napi::Array::New(env, sent.report.ccdfDb.size()));
  for (std::size_t i = 0; i < sent.report.ccdfDb.size(); ++i)
    object.Get("ccdfDb").As<Napi::Array>().Set(static_cast<std::uint32_t>(i), sent.report.ccdfDb[i]);
  object.Set("clippedFraction", sent.report.clippedFraction);
  object.Set("limitedFraction", sent.report.limitedFraction);
  object.Set("clipEvmDb", finite_or_null(env, sent.report.clipEvmDb));
  object.Set("rmsDbfs", sent.report.rmsDbfs);
  object.Set("scale", sent.report.scale);
  object.Set("payloadOfdmSymbols", static_cast<double>(sent.report.payloadOfdmSymbols));
  object.Set("startNs", time_or_null(env, sent.start_ns));
  object.Set("endNs", time_or_null(env, sent.end_ns));
  object.Set("samplesWritten", static_cast<double>(sent.samples_written));
  return object;
}

phy::TransportOptions to_transport(const Napi::Value& value) {
  phy::TransportOptions transport;
  if (value.IsUndefined())
    return transport;
  const Napi::Object object = required_object(value, "transport");
  transport.normalisation = required_choice(object, "normalisation", "burst", "token")
                                ? phy::PowerNormalisation::Token
                                : phy::PowerNormalisation::Burst;
  transport.permutation = required_boolean(object, "permutation");
  transport.phaseScramble = required_boolean(object, "scramble");
  transport.dftSpreading = required_boolean(object, "dftSpreading");
  return transport;
}

phy::Drive to_drive(const Napi::Value& value) {
  const Napi::Object object = required_object(value, "transport");
  phy::Drive drive;
  drive.rmsDbfs = required_number(object, "rmsDbfs");
  drive.papr.method = required_choice(object, "paprControl", "none", "clip-and-filter")
                          ? phy::PaprMethod::ClipAndFilter
                          : phy::PaprMethod::None;
  drive.papr.targetDb = required_number(object, "paprTargetDb");
  return drive;
}

Napi::Value burst_layout(const Napi::CallbackInfo& info) {
  const phy::BurstHeader header = shape_of(required_object(info[0], "layout"));
  const Napi::Object object = Napi::Object::New(info.Env());
  object.Set("samples", static_cast<double>(phy::burstSampleCount(header)));
  object.Set("preambleStartSample", phy::kGuardSamples);
  object.Set("payloadStartSample", phy::kGuardSamples + phy::kPreambleSamples + phy::kHeaderSamples);
  object.Set("payloadOfdmSymbols", static_cast<double>(phy::payloadOfdmSymbolCount(header)));
  return object;
}

Napi::Value genie_snr_db(const Napi::CallbackInfo& info) {
  const Napi::Object burst = required_object(info[0], "burst");
  const Napi::Float32Array sent = required_floats(burst, "sent");
  const Napi::Float32Array received = required_floats(burst, "received");
  phy::BurstHeader header = shape_of(burst);
  header.sequence = static_cast<int>(required_integer(burst, "sequence", 0, phy::kMaxSequence));
  try {
    return finite_or_null(info.Env(), phy::genieSnrDb({sent.Data(), sent.ElementLength()},
                                                      {received.Data(), received.ElementLength()}, header));
  } catch (const phy::PhyError& error) {
    throw argument_error(info.Env(), error.what());
  }
}

Napi::Object numerology(Napi::Env env) {
  const Napi::Object object = Napi::Object::New(env);
  object.Set("fftSize", phy::kCarriers);
  object.Set("cpLength", phy::kCyclicPrefix);
  object.Set("mostPayloadOfdmSymbols", phy::kMaxPayloadOfdmSymbols);
  const auto loaded = phy::loadedCarriers();
  Napi::Int16Array carriers = Napi::Int16Array::New(env, loaded.size());
  for (std::size_t i = 0; i < loaded.size(); ++i)
    carriers[i] = static_cast<std::int16_t>(loaded[i]);
  object.Set("carriers", carriers);
  Napi::Int16Array data_carriers = Napi::Int16Array::New(env, phy::kDataCarriers);
  std::size_t count = 0;
  for (const int carrier : loaded)
    if (!phy::isPilotCarrier(carrier))
      data_carriers[count++] = static_cast<std::int16_t>(carrier);
  object.Set("dataCarriers", data_carriers);
  return object;
}

} // namespace otabench::addon
