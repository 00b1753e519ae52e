// The digital mapping for JavaScript: formats, what they need, link adaptation (docs/digital.md).
#pragma once

#include "otabench/phy/header.hpp"
#include "otabench/phy/receiver.hpp"

#include <napi.h>

namespace otabench::addon {

// {bitsPerValue, modulation, payloadOfdmSymbols}; undefined: the analog mapping.
void set_mapping(phy::BurstHeader& header, const Napi::Value& digital);
// {bitsPerValue, modulation, payloadOfdmSymbols, erased, codeBlocks, codeBlocksLost, decoderIterations}; null
// for analog bursts and those whose header was not read.
Napi::Value digital_result(Napi::Env env, const phy::ReceivedBurst& burst);

// JS: () -> [{modulation, codeRate, snrDb, gapDb, bitsPerChannelUse}]
Napi::Value mcs_thresholds(const Napi::CallbackInfo& info);
// JS: ({tokens, dimension, bitsPerValue, modulation, payloadOfdmSymbols}) -> {channelUses, leastChannelUses,
// payloadBits, codeRate, codeBlocks}
Napi::Value digital_plan(const Napi::CallbackInfo& info);
// JS: (carrierSnrDb) -> {qpsk, 16qam, 64qam, 256qam}, dB
Napi::Value effective_snr_db(const Napi::CallbackInfo& info);
// JS: ({tokens, dimension, bitsPerValue, modulation, payloadOfdmSymbols}, per) -> dB
Napi::Value required_snr_db(const Napi::CallbackInfo& info);
// JS: ({tokens, dimension, payloadOfdmSymbols, bitsPerValue | null, modulation | null, effectiveSnrDb,
// targetPer, marginDb}) -> {bitsPerValue, modulation, payloadOfdmSymbols, effectiveSnrDb, requiredSnrDb,
// meetsTarget}, null where none fits
Napi::Value adapt_format(const Napi::CallbackInfo& info);

} // namespace otabench::addon
