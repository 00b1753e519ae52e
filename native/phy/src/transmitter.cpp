#include "otabench/phy/transmitter.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "convolutional.hpp"
#include "fft.hpp"
#include "simd.hpp"
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

struct PowerFacts {
  float peak = 0;      // max |x|^2
  float component = 0; // max |I|, |Q|
  double mean = 0;     // mean |x|^2
};

OTAPHY_CLONES PowerFacts measurePower(const Cf* samples, std::size_t count) {
  float peak[kLanes] = {}, component[kLanes] = {};
  double total = 0;
  const float* x = reinterpret_cast<const float*>(samples);
  std::size_t i = 0;
  while (i < count) {
    // Float sums over short stretches, double across them.
    const std::size_t stop = std::min(count, i + 1024);
    float lanes[kLanes] = {};
    for (; i + kLanes <= stop; i += kLanes)
      for (int j = 0; j < kLanes; ++j) {
        const float re = x[2 * (i + j)], im = x[2 * (i + j) + 1];
        const float p = re * re + im * im;
        const float a = std::fabs(re), b = std::fabs(im);
        const float larger = a > b ? a : b;
        lanes[j] += p;
        peak[j] = p > peak[j] ? p : peak[j];
        component[j] = larger > component[j] ? larger : component[j];
      }
    for (; i < stop; ++i) {
      const float p = std::norm(samples[i]);
      lanes[0] += p;
      peak[0] = std::max(peak[0], p);
      component[0] = std::max({component[0], std::fabs(samples[i].real()), std::fabs(samples[i].imag())});
    }
    total += static_cast<double>(sumLanes(lanes));
  }
  PowerFacts facts;
  facts.peak = *std::max_element(peak, peak + kLanes);
  facts.component = *std::max_element(component, component + kLanes);
  facts.mean = count > 0 ? total / static_cast<double>(count) : 0;
  return facts;
}

OTAPHY_CLONES void scaleInto(Cf* out, const Cf* in, float gain, int count) {
  for (int n = 0; n < count; ++n)
    out[n] = in[n] * gain;
}

} // namespace

struct BurstTransmitter::Impl {
  explicit Impl(const TransmitterConfig& c) : config(c), ifft(kCarriers, Fft::Direction::Inverse) {}

  TransmitterConfig config;
  Fft ifft;
  std::vector<std::uint32_t> moves;
  std::vector<Cf> payload;

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

  void emitHeader(const BurstHeader& header, Cf* out, float amplitude) {
    const Waveform& w = waveform();
    const CodedBits coded = convolutionalEncode(packHeader(header));
    const auto value = [&](int slot) {
      return coded[w.headerBit[slot]] == 0 ? w.headerAmplitude[slot] : -w.headerAmplitude[slot];
    };
    for (int m = 0; m < kHeaderSymbols; ++m) {
      setPilots(m);
      for (int d = 0; d < kDataCarriers; ++d) {
        const int slot = (m * kDataCarriers + d) * 2;
        ifft.in()[w.bin[w.data[d]]] = {value(slot), value(slot + 1)};
      }
      emitSymbol(out + m * kSymbolSamples, amplitude);
    }
  }

  void mapPayload(Span<const float> tokens, int sequence, int symbols, int ofdmSymbols, double scale) {
    burstScramble(sequence, symbols, moves);
    payload.resize(static_cast<std::size_t>(ofdmSymbols) * kDataCarriers);
    const auto gain = static_cast<float>(1.0 / scale);
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
      payload[p] = fillerSymbol(sequence, static_cast<std::int64_t>(p));
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
  BurstHeader header = requested;
  header.scale = 1;
  packHeader(header); // refuses fields out of range before anything is computed
  const auto expected = static_cast<std::size_t>(header.tokens) * static_cast<std::size_t>(header.dimension);
  if (tokens.size() != expected)
    throw PhyError("tokens.length", std::to_string(tokens.size()),
                   std::to_string(expected) + " (tokens x dimension)");
  const auto ofdmSymbols = static_cast<int>(payloadOfdmSymbolCount(header.tokens, header.dimension));
  if (ofdmSymbols > impl_->config.maxPayloadOfdmSymbols)
    throw PhyError("tokens x dimension", std::to_string(expected),
                   "at most " + std::to_string(impl_->config.maxPayloadOfdmSymbols * 2 * kDataCarriers));
  if (!(rmsDbfs >= -60 && rmsDbfs <= 0))
    throw PhyError("rmsDbfs", std::to_string(rmsDbfs), "-60..0");
  const double energy = sumOfSquares(tokens.data, tokens.size());
  if (!std::isfinite(energy)) {
    const auto bad = std::find_if(tokens.begin(), tokens.end(), [](float v) { return !std::isfinite(v); });
    throw PhyError("tokens[" + std::to_string(bad - tokens.begin()) + "]", std::to_string(*bad),
                   "finite numbers");
  }
  if (!(energy > 0))
    throw PhyError("tokens", "all zero", "at least one token value that is not zero");

  TransmitReport report;
  report.payloadSymbols = payloadSymbolCount(header.tokens, header.dimension);
  report.payloadOfdmSymbols = ofdmSymbols;
  header.scale = decodeScale(encodeScale(std::sqrt(energy / static_cast<double>(report.payloadSymbols))));
  report.scale = header.scale;

  const auto guard = static_cast<std::size_t>(impl_->config.guardSamples);
  const std::size_t active = static_cast<std::size_t>(kPreambleSamples + kHeaderSamples) +
                             static_cast<std::size_t>(ofdmSymbols) * kSymbolSamples;
  samples.resize(active + 2 * guard);
  std::fill(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(guard), Cf(0, 0));
  std::fill(samples.end() - static_cast<std::ptrdiff_t>(guard), samples.end(), Cf(0, 0));

  const auto amplitude = static_cast<float>(std::pow(10.0, rmsDbfs / 20));
  const Waveform& w = waveform();
  Cf* out = samples.data() + guard;
  scaleInto(out, w.preamble.data(), amplitude, kPreambleSamples);
  impl_->emitHeader(header, out + kPreambleSamples, amplitude);
  impl_->mapPayload(tokens, header.sequence, static_cast<int>(report.payloadSymbols), ofdmSymbols,
                    header.scale);
  Cf* symbolOut = out + kPreambleSamples + kHeaderSamples;
  for (int m = 0; m < ofdmSymbols; ++m, symbolOut += kSymbolSamples) {
    impl_->setPilots(kHeaderSymbols + m);
    const Cf* x = &impl_->payload[static_cast<std::size_t>(m) * kDataCarriers];
    for (int d = 0; d < kDataCarriers; ++d)
      impl_->ifft.in()[w.bin[w.data[d]]] = x[d];
    impl_->emitSymbol(symbolOut, amplitude);
  }

  const PowerFacts facts = measurePower(out, active);
  report.paprDb = 10 * std::log10(facts.peak / facts.mean);
  report.rmsDbfs = 10 * std::log10(facts.mean);
  if (facts.component > 1.0F)
    for (std::size_t n = 0; n < active; ++n) {
      const float re = std::clamp(out[n].real(), -1.0F, 1.0F), im = std::clamp(out[n].imag(), -1.0F, 1.0F);
      if (re != out[n].real() || im != out[n].imag())
        ++report.clippedSamples;
      out[n] = {re, im};
    }
  report.clippedFraction = static_cast<double>(report.clippedSamples) / static_cast<double>(active);
  report.preambleStartSample = static_cast<std::int64_t>(guard);
  report.payloadStartSample = static_cast<std::int64_t>(guard) + kPreambleSamples + kHeaderSamples;
  report.sampleCount = static_cast<std::int64_t>(samples.size());
  return report;
}

} // namespace otabench::phy
