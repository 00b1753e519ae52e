#include "digital_functions.hpp"

#include "conversion.hpp"

#include "otabench/phy/fec/digital.hpp"
#include "otabench/phy/fec/mcs.hpp"
#include "otabench/phy/numerology.hpp"

#include <array>
#include <optional>
#include <string>

namespace otabench::addon {
namespace {

phy::fec::Modulation modulation_named(const Napi::Object& object, const char* field) {
  const std::string word = required_string(object, field);
  std::string allowed;
  for (int m = 0; m < phy::fec::kModulations; ++m) {
    const auto modulation = static_cast<phy::fec::Modulation>(m);
    if (word == phy::fec::toString(modulation))
      return modulation;
    allowed += std::string(m > 0 ? ", " : "") + phy::fec::toString(modulation);
  }
  throw argument_error(object.Env(), std::string(field) + " is " + word + "; allowed: " + allowed);
}

int bits_per_value(const Napi::Object& object) {
  return static_cast<int>(
      required_integer(object, "bitsPerValue", phy::fec::kMinBitsPerValue, phy::fec::kMaxBitsPerValue));
}

int payload_ofdm_symbols(const Napi::Object& object) {
  return static_cast<int>(required_integer(object, "payloadOfdmSymbols", 1, phy::kMaxPayloadOfdmSymbols));
}

phy::fec::TokenFormat shape_of(const Napi::Object& object) {
  phy::fec::TokenFormat shape;
  shape.tokens = static_cast<int>(required_integer(object, "tokens", 1, phy::kMaxTokens));
  shape.dimension = static_cast<int>(required_integer(object, "dimension", 1, phy::kMaxDimension));
  return shape;
}

phy::fec::DigitalFormat format_of(const Napi::Object& object) {
  phy::fec::DigitalFormat format;
  format.tokens = shape_of(object);
  format.tokens.bitsPerValue = bits_per_value(object);
  format.modulation = modulation_named(object, "modulation");
  format.channelUses = phy::kDataCarriers * payload_ofdm_symbols(object);
  return format;
}

// What phy refuses, refused as an argument.
template <typename Work> auto checked(Napi::Env env, const Work& work) {
  try {
    return work();
  } catch (const phy::PhyError& error) {
    throw argument_error(env, error.what());
  }
}

} // namespace

void set_mapping(phy::BurstHeader& header, const Napi::Value& digital) {
  if (digital.IsUndefined())
    return;
  const Napi::Object object = required_object(digital, "digital");
  header.mapping = phy::Mapping::Digital;
  header.digital.bitsPerValue = bits_per_value(object);
  header.digital.modulation = modulation_named(object, "modulation");
  header.digital.payloadOfdmSymbols = payload_ofdm_symbols(object);
}

Napi::Value digital_result(Napi::Env env, const phy::ReceivedBurst& burst) {
  if (!burst.headerOk || burst.header.mapping != phy::Mapping::Digital)
    return env.Null();
  const phy::DigitalOptions& digital = burst.header.digital;
  const Napi::Object object = Napi::Object::New(env);
  object.Set("bitsPerValue", digital.bitsPerValue);
  object.Set("modulation", phy::fec::toString(digital.modulation));
  object.Set("payloadOfdmSymbols", digital.payloadOfdmSymbols);
  Napi::Uint8Array erased = Napi::Uint8Array::New(env, burst.erased.size());
  for (std::size_t i = 0; i < burst.erased.size(); ++i)
    erased[i] = burst.erased[i];
  object.Set("erased", erased);
  object.Set("codeBlocks", burst.codeBlocks);
  object.Set("codeBlocksLost", burst.codeBlocksLost);
  object.Set("decoderIterations", burst.decoderIterations);
  return object;
}

Napi::Value mcs_thresholds(const Napi::CallbackInfo& info) {
  const auto& table = phy::fec::mcsThresholds();
  const Napi::Array list = Napi::Array::New(info.Env(), table.size());
  for (std::size_t i = 0; i < table.size(); ++i) {
    const Napi::Object row = Napi::Object::New(info.Env());
    row.Set("modulation", phy::fec::toString(table[i].modulation));
    row.Set("codeRate", table[i].codeRate);
    row.Set("snrDb", table[i].snrDb);
    row.Set("gapDb", table[i].gapDb);
    row.Set("bitsPerChannelUse", table[i].codeRate * phy::fec::bitsPerSymbol(table[i].modulation));
    list.Set(static_cast<std::uint32_t>(i), row);
  }
  return list;
}

Napi::Value digital_plan(const Napi::CallbackInfo& info) {
  const phy::fec::DigitalFormat format = format_of(required_object(info[0], "format"));
  return checked(info.Env(), [&] {
    const phy::fec::DigitalPlan plan = phy::fec::planDigital(format);
    const Napi::Object object = Napi::Object::New(info.Env());
    object.Set("channelUses", format.channelUses);
    object.Set("leastChannelUses", phy::fec::leastChannelUses(format.tokens, format.modulation));
    object.Set("payloadBits", plan.segmentation.payloadBits);
    object.Set("codeRate", plan.codeRate);
    object.Set("codeBlocks", plan.segmentation.blockCount);
    return object;
  });
}

Napi::Value effective_snr_db(const Napi::CallbackInfo& info) {
  if (!info[0].IsTypedArray() || info[0].As<Napi::TypedArray>().TypedArrayType() != napi_float32_array)
    throw argument_error(info.Env(), "carrierSnrDb: not usable; allowed: a Float32Array");
  const Napi::Float32Array carriers = info[0].As<Napi::Float32Array>();
  return checked(info.Env(), [&] {
    const auto effective = phy::fec::effectiveSnrsDb({carriers.Data(), carriers.ElementLength()});
    const Napi::Object object = Napi::Object::New(info.Env());
    for (int m = 0; m < phy::fec::kModulations; ++m)
      object.Set(phy::fec::toString(static_cast<phy::fec::Modulation>(m)), effective[m]);
    return object;
  });
}

Napi::Value required_snr_db(const Napi::CallbackInfo& info) {
  const phy::fec::DigitalFormat format = format_of(required_object(info[0], "format"));
  const double per = number_argument(info, 1, "per");
  return checked(info.Env(),
                 [&] { return Napi::Number::New(info.Env(), phy::fec::requiredSnrDb(format, per)); });
}

Napi::Value adapt_format(const Napi::CallbackInfo& info) {
  const Napi::Object query = required_object(info[0], "query");
  const phy::fec::TokenFormat shape = shape_of(query);
  const int symbols = payload_ofdm_symbols(query);
  phy::fec::FormatLimits limits;
  if (!query.Get("bitsPerValue").IsNull())
    limits.minBitsPerValue = limits.maxBitsPerValue = bits_per_value(query);
  if (!query.Get("modulation").IsNull())
    limits.modulation = modulation_named(query, "modulation");
  const Napi::Object effective = required_object(query.Get("effectiveSnrDb"), "effectiveSnrDb");
  std::array<double, phy::fec::kModulations> effective_db{};
  for (int m = 0; m < phy::fec::kModulations; ++m)
    effective_db[m] = required_number(effective, phy::fec::toString(static_cast<phy::fec::Modulation>(m)));
  const double per = required_number(query, "targetPer");
  const double margin_db = required_number(query, "marginDb");
  const int uses = phy::kDataCarriers * symbols;
  return checked(info.Env(), [&]() -> Napi::Value {
    auto adapted =
        phy::fec::adaptFormat(shape.tokens, shape.dimension, uses, effective_db, per, margin_db, limits);
    const bool meets = adapted.has_value();
    if (!meets)
      adapted = phy::fec::mostRobustFormat(shape.tokens, shape.dimension, uses, effective_db, per, limits);
    if (!adapted)
      return info.Env().Null();
    const Napi::Object object = Napi::Object::New(info.Env());
    object.Set("bitsPerValue", adapted->format.tokens.bitsPerValue);
    object.Set("modulation", phy::fec::toString(adapted->format.modulation));
    object.Set("payloadOfdmSymbols", symbols);
    object.Set("effectiveSnrDb", adapted->effectiveSnrDb);
    object.Set("requiredSnrDb", adapted->requiredSnrDb);
    object.Set("meetsTarget", meets);
    return object;
  });
}

} // namespace otabench::addon
