#include "otabench/phy/transmitter.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "convolutional.hpp"
#include "drive.hpp"
#include "fft.hpp"
#include "otabench/phy/fec/digital.hpp"
#include "peak_limiter.hpp"
#include "simd.hpp"
#include "transport.hpp"
#include "waveform.hpp"

namespace otabench::phy {

namespace {

OTAPHY_CLONES double sumOfSquares(const float* values, std::size_t count) {
  double lanes[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int j = 0; j < kLanes; ++j)
      lanes[j] += static_cast<double>(values[i + j]) * values[i + j];
  for (; i < count; ++i)
    lanes[0] += static_cast<double>(values[i]) * values[i];
  return sumLanes(lanes);
}

OTAPHY_CLONES void scaleInto(Cf* out, const Cf* in, float gain, int count) {
  for (int n = 0; n < count; ++n)
    out[n] = in[n] * gain;
}

/** @return the tokens' energy */
double requireTokens(Span<const float> tokens, const BurstHeader& header, int maxPayloadOfdmSymbols) {
  const auto expected = static_cast<std::size_t>(header.tokens) * static_cast<std::size_t>(header.dimension);
  if (tokens.size() != expected)
    throw PhyError("tokens.length", std::to_string(tokens.size()),
                   std::to_string(expected) + " (tokens x dimension)");
  if (payloadOfdmSymbolCount(header) > maxPayloadOfdmSymbols && header.mapping == Mapping::Digital)
    throw PhyError("digital.payloadOfdmSymbols", std::to_string(header.digital.payloadOfdmSymbols),
                   "at most " + std::to_string(maxPayloadOfdmSymbols));
  if (payloadOfdmSymbolCount(header) > maxPayloadOfdmSymbols)
    throw PhyError(
        "tokens x dimension", std::to_string(expected),
        "at most " + std::to_string(maxPayloadOfdmSymbols * 2 * kDataCarriers - 2 * normSymbolCount(header)));
  const double energy = sumOfSquares(tokens.data, tokens.size());
  if (!std::isfinite(energy)) {
    const auto bad = std::find_if(tokens.begin(), tokens.end(), [](float v) { return !std::isfinite(v); });
    throw PhyError("tokens[" + std::to_string(bad - tokens.begin()) + "]", std::to_string(*bad),
                   "finite numbers");
  }
  if (!(energy > 0) && header.mapping == Mapping::Analog)
    throw PhyError("tokens", "all zero", "at least one token value that is not zero");
  return energy;
}

double powerFromDb(double db) {
  return std::pow(10.0, db / 10);
}

} // namespace

struct BurstTransmitter::Impl {
  explicit Impl(const TransmitterConfig& c) : config(c), ifft(kCarriers, Fft::Direction::Inverse) {}

  TransmitterConfig config;
  Fft ifft;
  std::vector<std::uint32_t> moves;
  std::vector<Cf> payload;
  std::vector<Cf> qam;         // symbols of the digital mapping
  std::vector<float> levelled; // tokens at unit power each, then the norms
  DftSpreader spreader;
  PeakLimiter limiter;
  std::vector<CarrierVector> grid; // header and payload symbols that wait for the limiter
  DriveMeter meter;

  void takeCarriers(CarrierVector& carriers) {
    for (int k = 0; k < kLoadedCarriers; ++k)
      carriers[k] = ifft.in()[waveform().bin[k]];
  }

  /** carriers are in ifft.in(); writes prefix and body. */
  void emitSymbol(Cf* out, float amplitude) {
    ifft.run();
    const float gain = amplitude / std::sqrt(static_cast<float>(kLoadedCarriers));
    scaleInto(out, ifft.out() + kCarriers - kCyclicPrefix, gain, kCyclicPrefix);
    scaleInto(out + kCyclicPrefix, ifft.out(), gain, kCarriers);
  }

  void setPilots(int symbol) {
    const Waveform& w = waveform();
    for (int p = 0; p < kPilotCarriers; ++p)
      ifft.in()[w.bin[w.pilot[p]]] = w.pilotSign[symbol][p];
  }

  void setHeader(const CodedBits& coded, int symbol) {
    const Waveform& w = waveform();
    const auto value = [&](int slot) {
      return coded[w.headerBit[slot]] == 0 ? w.headerAmplitude[slot] : -w.headerAmplitude[slot];
    };
    setPilots(symbol);
    for (int d = 0; d < kDataCarriers; ++d) {
      const int slot = (symbol * kDataCarriers + d) * 2;
      ifft.in()[w.bin[w.data[d]]] = {value(slot), value(slot + 1)};
    }
  }

  void setPayload(int symbol) {
    const Waveform& w = waveform();
    setPilots(kHeaderSymbols + symbol);
    const Cf* x = &payload[static_cast<std::size_t>(symbol) * kDataCarriers];
    for (int d = 0; d < kDataCarriers; ++d)
      ifft.in()[w.bin[w.data[d]]] = x[d];
  }

  /** Header and payload as samples. */
  void emitSymbols(const BurstHeader& header, int ofdmSymbols, Cf* out, float amplitude) {
    const CodedBits coded = convolutionalEncode(packHeader(header));
    for (int m = 0; m < kHeaderSymbols; ++m, out += kSymbolSamples) {
      setHeader(coded, m);
      emitSymbol(out, amplitude);
    }
    for (int m = 0; m < ofdmSymbols; ++m, out += kSymbolSamples) {
      setPayload(m);
      emitSymbol(out, amplitude);
    }
  }

  /** The same behind the limiter. */
  PeakLimiter::Result emitLimited(const BurstHeader& header, int ofdmSymbols, const PaprControl& papr,
                                  Cf* out, float amplitude) {
    const CodedBits coded = convolutionalEncode(packHeader(header));
    grid.resize(static_cast<std::size_t>(kHeaderSymbols + ofdmSymbols));
    for (int m = 0; m < kHeaderSymbols + ofdmSymbols; ++m) {
      if (m < kHeaderSymbols)
        setHeader(coded, m);
      else
        setPayload(m - kHeaderSymbols);
      takeCarriers(grid[m]);
    }
    const PeakLimiter::Result result =
        limiter.limit(grid, kHeaderSymbols, powerFromDb(papr.targetDb), papr.iterations);
    for (const CarrierVector& carriers : grid) {
      for (int k = 0; k < kLoadedCarriers; ++k)
        ifft.in()[waveform().bin[k]] = carriers[k];
      emitSymbol(out, amplitude);
      out += kSymbolSamples;
    }
    return result;
  }

  void mapPayload(Span<const float> tokens, const BurstHeader& header, int ofdmSymbols) {
    auto gain = static_cast<float>(1.0 / header.scale);
    if (header.mapping == Mapping::Digital) {
      encodeDigital(tokens, digitalFormat(header), digitalSeed(header), qam);
      tokens = {reinterpret_cast<const float*>(qam.data()), 2 * qam.size()};
    }
    if (header.transport.normalisation == PowerNormalisation::Token) {
      levelTokens(tokens, header, levelled);
      tokens = levelled;
      gain = 1;
    }
    const auto symbols = static_cast<int>(payloadSymbolCount(header));
    burstMoves(header.sequence, header.transport, symbols, moves);
    payload.resize(static_cast<std::size_t>(ofdmSymbols) * kDataCarriers);
    const std::size_t pairs = tokens.size() / 2;
    const auto place = [&](std::size_t k, float re, float im) {
      const std::uint32_t position = positionOf(moves[k]);
      const unsigned t = turnsOf(moves[k]);
      // Quarter turns: exchange I and Q for odd ones, then signs.
      const float x = (t & 1U) != 0 ? im : re, y = (t & 1U) != 0 ? re : im;
      const float signX = t == 1 || t == 2 ? -gain : gain, signY = t >= 2 ? -gain : gain;
      payload[position] = {x * signX, y * signY};
    };
    for (std::size_t k = 0; k < pairs; ++k)
      place(k, tokens[2 * k], tokens[2 * k + 1]);
    if (tokens.size() % 2 != 0)
      place(pairs, tokens[2 * pairs], 0.0F);
    for (std::size_t p = static_cast<std::size_t>(symbols); p < payload.size(); ++p)
      payload[p] = fillerSymbol(header.sequence, static_cast<std::int64_t>(p));
    if (header.transport.dftSpreading)
      for (int m = 0; m < ofdmSymbols; ++m)
        spreader.spread(&payload[static_cast<std::size_t>(m) * kDataCarriers]);
  }
};

BurstTransmitter::BurstTransmitter(const TransmitterConfig& config) {
  if (config.guardSamples < kGuardSamples)
    throw PhyError("guardSamples", std::to_string(config.guardSamples),
                   ">= " + std::to_string(kGuardSamples));
  if (config.maxPayloadOfdmSymbols < 1 || config.maxPayloadOfdmSymbols > kMaxPayloadOfdmSymbols)
    throw PhyError("maxPayloadOfdmSymbols", std::to_string(config.maxPayloadOfdmSymbols),
                   "1.." + std::to_string(kMaxPayloadOfdmSymbols));
  impl_ = std::make_unique<Impl>(config);
}

BurstTransmitter::~BurstTransmitter() = default;
BurstTransmitter::BurstTransmitter(BurstTransmitter&&) noexcept = default;
BurstTransmitter& BurstTransmitter::operator=(BurstTransmitter&&) noexcept = default;

TransmitReport BurstTransmitter::modulate(Span<const float> tokens, const BurstHeader& requested,
                                          double rmsDbfs, std::vector<std::complex<float>>& samples) {
  Drive drive;
  drive.rmsDbfs = rmsDbfs;
  return modulate(tokens, requested, drive, samples);
}

TransmitReport BurstTransmitter::modulate(Span<const float> tokens, const BurstHeader& requested,
                                          const Drive& drive, std::vector<std::complex<float>>& samples) {
  BurstHeader header = requested;
  header.scale = 1;
  const bool limited = drive.papr.method == PaprMethod::ClipAndFilter;
  header.transport.clipped = limited;
  packHeader(header); // refuses fields out of range before anything is computed
  requireDrive(drive);
  const auto ofdmSymbols = static_cast<int>(payloadOfdmSymbolCount(header));
  const double energy = requireTokens(tokens, header, impl_->config.maxPayloadOfdmSymbols);

  TransmitReport report;
  report.payloadSymbols = tokenSymbolCount(header);
  report.normSymbols = normSymbolCount(header);
  report.payloadOfdmSymbols = ofdmSymbols;
  if (header.mapping == Mapping::Analog)
    header.scale = decodeScale(encodeScale(std::sqrt(energy / static_cast<double>(report.payloadSymbols))));
  report.scale = header.scale;

  const auto guard = static_cast<std::size_t>(impl_->config.guardSamples);
  const std::size_t active = static_cast<std::size_t>(kPreambleSamples + kHeaderSamples) +
                             static_cast<std::size_t>(ofdmSymbols) * kSymbolSamples;
  samples.resize(active + 2 * guard);
  std::fill(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(guard), Cf(0, 0));
  std::fill(samples.end() - static_cast<std::ptrdiff_t>(guard), samples.end(), Cf(0, 0));

  const auto amplitude = static_cast<float>(std::pow(10.0, drive.rmsDbfs / 20));
  Cf* out = samples.data() + guard;
  scaleInto(out, waveform().preamble.data(), amplitude, kPreambleSamples);
  impl_->mapPayload(tokens, header, ofdmSymbols);
  if (limited) {
    const auto result =
        impl_->emitLimited(header, ofdmSymbols, drive.papr, out + kPreambleSamples, amplitude);
    report.limitedFraction = result.limitedFraction;
    report.clipEvmDb = result.evmDb;
  } else {
    impl_->emitSymbols(header, ofdmSymbols, out + kPreambleSamples, amplitude);
  }

  impl_->meter.finish(out, active, report);
  report.preambleStartSample = static_cast<std::int64_t>(guard);
  report.payloadStartSample = static_cast<std::int64_t>(guard) + kPreambleSamples + kHeaderSamples;
  report.sampleCount = static_cast<std::int64_t>(samples.size());
  return report;
}

} // namespace otabench::phy
