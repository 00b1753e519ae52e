#include "burst_conversion.hpp"

#include "conversion.hpp"
#include "digital_functions.hpp"

#include "otabench/medium/medium.hpp"
#include "otabench/phy/error_budget.hpp"
#include "otabench/phy/genie.hpp"
#include "otabench/phy/numerology.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <optional>
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
  set_mapping(header, burst.Get("digital"));
  return header;
}

Napi::Object to_js(Napi::Env env, const radio::TimedBurst& timed) {
  const phy::ReceivedBurst& burst = timed.burst;
  const Napi::Object object = Napi::Object::New(env);
  object.Set("outcome", phy::toString(burst.outcome));
  object.Set("headerOk", burst.headerOk);
  object.Set("subbandUser", timed.subband_user ? Napi::Number::New(env, *timed.subband_user) : env.Null());
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
  object.Set("digital", digital_result(env, burst));
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
  object.Set("signalPower", finite_or_null(env, burst.signalPower));
  object.Set("channel", complex_array(env, burst.channel.data(), burst.channel.size()));
  object.Set("carrierSnrDb", to_float_array(env, burst.carrierSnrDb.data(), burst.carrierSnrDb.size()));
  object.Set("constellation", decimated_constellation(env, burst.constellation));
  object.Set("unequalised", decimated_constellation(env, burst.unequalised));
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

phy::SubbandUser to_subband_user(const Napi::Value& value) {
  const Napi::Object object = required_object(value, "subband");
  phy::SubbandUser user;
  user.user = static_cast<int>(required_integer(object, "user", 0, phy::kMaxUser));
  user.band.centerBin =
      static_cast<int>(required_integer(object, "centerBin", -phy::kGridBins / 2, phy::kGridBins / 2));
  user.band.size = static_cast<int>(required_integer(object, "size", 1, phy::kGridBins));
  user.band.guardBins = static_cast<int>(required_integer(object, "guardBins", 0, phy::kGridBins));
  if (!object.Get("soundedCfoHz").IsNull())
    user.soundedCfoHz = required_number(object, "soundedCfoHz");
  return user;
}

std::vector<phy::SubbandUser> to_subband_users(const Napi::Value& value) {
  if (!value.IsArray())
    throw argument_error(value.Env(), "subbands: not usable; allowed: a list of users with their sub-bands");
  const Napi::Array list = value.As<Napi::Array>();
  std::vector<phy::SubbandUser> users;
  for (std::uint32_t i = 0; i < list.Length(); ++i)
    users.push_back(to_subband_user(list.Get(i)));
  return users;
}

Napi::Value subband_faults(const Napi::CallbackInfo& info) {
  const std::vector<phy::SubbandError> faults = phy::subbandFaults(to_subband_users(info[0]));
  const Napi::Array list = Napi::Array::New(info.Env(), faults.size());
  for (std::size_t i = 0; i < faults.size(); ++i) {
    const Napi::Object object = Napi::Object::New(info.Env());
    object.Set("fault", phy::toString(faults[i].fault()));
    object.Set("message", faults[i].what());
    list.Set(static_cast<std::uint32_t>(i), object);
  }
  return list;
}

Napi::Value place_subbands(const Napi::CallbackInfo& info) {
  if (!info[0].IsArray())
    throw argument_error(info.Env(), "widthCarriers: not usable; allowed: a list of numbers");
  const Napi::Array given = info[0].As<Napi::Array>();
  std::vector<double> widths;
  for (std::uint32_t i = 0; i < given.Length(); ++i)
    widths.push_back(given.Get(i).ToNumber().DoubleValue());
  try {
    const std::vector<phy::Subband> bands =
        phy::placeSubbands(widths, static_cast<int>(number_argument(info, 1, "guardBins")));
    const Napi::Array list = Napi::Array::New(info.Env(), bands.size());
    for (std::size_t i = 0; i < bands.size(); ++i) {
      const Napi::Object object = Napi::Object::New(info.Env());
      object.Set("centerBin", bands[i].centerBin);
      object.Set("size", bands[i].size);
      object.Set("guardBins", bands[i].guardBins);
      list.Set(static_cast<std::uint32_t>(i), object);
    }
    return list;
  } catch (const phy::PhyError& error) {
    throw argument_error(info.Env(), error.what());
  }
}

namespace {

// Of the capture's samples; positions as SubbandTransmitter reports them.
void set_layout(const Napi::Object& object, const phy::BurstHeader& header, const phy::Subband& band) {
  const auto wide = [&](int own) { return static_cast<double>(std::llround(own / band.rateRatio())); };
  object.Set("samples", static_cast<double>(phy::subbandBurstSampleCount(header, band)));
  object.Set("preambleStartSample", wide(phy::kGuardSamples));
  object.Set("payloadStartSample", wide(phy::kGuardSamples + phy::kPreambleSamples + phy::kHeaderSamples));
}

} // namespace

Napi::Value burst_layout(const Napi::CallbackInfo& info) {
  const Napi::Object burst = required_object(info[0], "layout");
  const phy::BurstHeader header = shape_of(burst);
  phy::Subband band;
  if (!burst.Get("subband").IsUndefined()) {
    const phy::SubbandUser user = to_subband_user(burst.Get("subband"));
    try {
      phy::requireSubbands({user});
    } catch (const phy::PhyError& error) {
      throw argument_error(info.Env(), error.what());
    }
    band = user.band;
  }
  const Napi::Object object = Napi::Object::New(info.Env());
  set_layout(object, header, band);
  object.Set("payloadOfdmSymbols", static_cast<double>(phy::payloadOfdmSymbolCount(header)));
  return object;
}

Napi::Value genie_snr(const Napi::CallbackInfo& info) {
  const Napi::Object burst = required_object(info[0], "burst");
  const Napi::Float32Array sent = required_floats(burst, "sent");
  const Napi::Float32Array received = required_floats(burst, "received");
  phy::BurstHeader header = shape_of(burst);
  header.sequence = static_cast<int>(required_integer(burst, "sequence", 0, phy::kMaxSequence));
  try {
    return estimate_to_js(info.Env(), phy::genieSnr({sent.Data(), sent.ElementLength()},
                                                    {received.Data(), received.ElementLength()}, header));
  } catch (const phy::PhyError& error) {
    throw argument_error(info.Env(), error.what());
  }
}

namespace {

// By substitution: {from, to, firstSample, sampleCount, sampleRateHz, centerFrequencyHz, cfoPriorHz} says
// where the burst lies in the receiver's samples of the present trial. `clippedAtSource`: the waveform was
// clipped before the air got it, so the air's linear version has that in it and cannot tell it from what
// turns.
std::optional<phy::ErrorBudget> budget_by_substitution(const Napi::Object& air, phy::Span<const float> sent,
                                                       const phy::BurstHeader& header) {
  medium::PartsQuery query;
  query.from = required_string(air, "from");
  query.to = required_string(air, "to");
  query.firstSample = required_integer(air, "firstSample", 0, std::int64_t{1} << 52);
  query.sampleCount = static_cast<std::size_t>(required_integer(air, "sampleCount", 1, 1 << 20));
  phy::ReceiverConfig config;
  config.sampleRateHz = required_number(air, "sampleRateHz");
  config.centerFrequencyHz = required_number(air, "centerFrequencyHz");
  config.cfoPriorHz = required_number(air, "cfoPriorHz");
  medium::BudgetParts parts = medium::Medium::instance().budgetParts(query);
  const auto span = [](const std::vector<medium::Sample>& samples) {
    return phy::Span<const std::complex<float>>(samples.data(), samples.size());
  };
  phy::BudgetWindows windows;
  windows.firstSample = query.firstSample;
  windows.received = span(parts.received);
  windows.noiseFree = span(parts.noiseFree);
  if (!required_boolean(air, "clippedAtSource"))
    windows.linear = span(parts.linear);
  windows.quiet = span(parts.quiet);
  return phy::errorBudget(sent, header, windows, config);
}

// From what the receiver said: {data, channel, noiseVariance, signalPower, dataAidedDb, clipEvmDb | null}
phy::ErrorBudget budget_from_estimates(const Napi::Object& heard, phy::Span<const float> sent,
                                       const phy::BurstHeader& header) {
  phy::ReceivedBurst burst;
  burst.header = header;
  const Napi::Float32Array data = required_floats(heard, "data");
  burst.tokens.assign(data.Data(), data.Data() + data.ElementLength());
  const Napi::Float32Array channel = required_floats(heard, "channel");
  if (channel.ElementLength() != 2 * burst.channel.size())
    throw argument_error(heard.Env(), "channel: " + std::to_string(channel.ElementLength()) +
                                          " values; allowed " + std::to_string(2 * burst.channel.size()));
  for (std::size_t i = 0; i < burst.channel.size(); ++i)
    burst.channel[i] = {channel[2 * i], channel[2 * i + 1]};
  burst.noiseVariance = required_number(heard, "noiseVariance");
  burst.signalPower = required_number(heard, "signalPower");
  burst.snrDataAided.snrDb = required_number(heard, "dataAidedDb");
  const Napi::Value clip_evm_db = heard.Get("clipEvmDb");
  return clip_evm_db.IsNull() ? phy::errorBudget(sent, burst)
                              : phy::errorBudget(sent, burst, required_number(heard, "clipEvmDb"));
}

} // namespace

Napi::Value error_budget(const Napi::CallbackInfo& info) {
  const Napi::Object burst = required_object(info[0], "burst");
  const Napi::Float32Array values = required_floats(burst, "sent");
  const phy::Span<const float> sent(values.Data(), values.ElementLength());
  phy::BurstHeader header = shape_of(burst);
  header.user = static_cast<int>(required_integer(burst, "user", 0, phy::kMaxUser));
  header.sequence = static_cast<int>(required_integer(burst, "sequence", 0, phy::kMaxSequence));
  std::optional<phy::ErrorBudget> budget;
  try {
    budget = burst.Get("air").IsUndefined()
                 ? budget_from_estimates(required_object(burst.Get("heard"), "heard"), sent, header)
                 : budget_by_substitution(required_object(burst.Get("air"), "air"), sent, header);
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& error) {
    throw argument_error(info.Env(), error.what());
  }
  if (!budget)
    return info.Env().Null();
  const Napi::Object object = Napi::Object::New(info.Env());
  object.Set("measured", budget->measured);
  object.Set("noise", budget->noise);
  object.Set("nonlinearity", budget->nonlinearity);
  object.Set("phase", budget->phase);
  object.Set("channel", budget->channel);
  object.Set("interference", budget->interference);
  object.Set("unexplained", budget->unexplained);
  return object;
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
