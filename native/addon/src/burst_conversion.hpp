// Received and sent bursts as JavaScript objects; the layout of a burst in samples.
#pragma once

#include "otabench/radio/receiver.hpp"
#include "otabench/radio/transmitter.hpp"

#include <napi.h>

namespace otabench::addon {

// {bursts, events, epoch, processedUntilNs, droppedBursts, running}
Napi::Object to_js(Napi::Env env, const radio::ReceiverBatch& batch);
// {paprDb, ccdfDb, clippedFraction, limitedFraction, clipEvmDb, rmsDbfs, scale, payloadOfdmSymbols, startNs,
// endNs, samplesWritten}
Napi::Object to_js(Napi::Env env, const radio::SentBurst& sent);
// How tokens travel and how the burst is driven: {normalisation, permutation, scramble, dftSpreading,
// paprControl, paprTargetDb, rmsDbfs}; undefined: the defaults.
phy::TransportOptions to_transport(const Napi::Value& value);
phy::Drive to_drive(const Napi::Value& value);
// {user, centerBin, size, guardBins, soundedCfoHz: number | null}
phy::SubbandUser to_subband_user(const Napi::Value& value);
std::vector<phy::SubbandUser> to_subband_users(const Napi::Value& value);
// JS: (users) -> what is wrong with a partition: [{fault, field, value, allowed}]
Napi::Value subband_faults(const Napi::CallbackInfo& info);
// JS: (widthCarriers, guardBins) -> [{centerBin, size, guardBins}]
Napi::Value place_subbands(const Napi::CallbackInfo& info);
// JS: ({tokens, dimension, transport, digital, subband}) -> {samples, preambleStartSample,
// payloadStartSample, payloadOfdmSymbols}
Napi::Value burst_layout(const Napi::CallbackInfo& info);
// JS: ({sent, received, sequence, tokens, dimension, transport}) -> SNR in dB, or null
Napi::Value genie_snr(const Napi::CallbackInfo& info);
// JS: ({sent, user, sequence, tokens, dimension, transport, air} or, without a simulated air, {..., heard})
// -> {measured, noise, nonlinearity, phase, channel, interference, unexplained}, null when the receiver does
// not receive the burst from the window
Napi::Value error_budget(const Napi::CallbackInfo& info);
// {fftSize, cpLength, mostPayloadOfdmSymbols, carriers, dataCarriers}: fixed numbers of the waveform.
Napi::Object numerology(Napi::Env env);

} // namespace otabench::addon
