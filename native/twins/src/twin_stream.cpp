// Streams of a twin: formats, flags and status codes of SoapySDR over medium::Radio.
#include "twin_device.hpp"

#include <SoapySDR/Errors.hpp>
#include <SoapySDR/Formats.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>

namespace otabench::twins {

using medium::Direction;
using medium::Sample;
using medium::StreamStatus;

namespace {

constexpr size_t kMtu = 8192;
constexpr float kCs16FullScale = 32767.0f;
constexpr float kCs8FullScale = 127.0f;

int errorCode(StreamStatus status) {
  switch (status) {
  case StreamStatus::Ok:
    return 0;
  case StreamStatus::Timeout:
  case StreamStatus::Inactive: // SoapySDR asks for the timeout of an inactive stream
    return SOAPY_SDR_TIMEOUT;
  case StreamStatus::Overflow:
    return SOAPY_SDR_OVERFLOW;
  case StreamStatus::TimeError:
    return SOAPY_SDR_TIME_ERROR;
  case StreamStatus::Closed:
    return SOAPY_SDR_STREAM_ERROR;
  }
  return SOAPY_SDR_STREAM_ERROR;
}

template <typename Integer> void toIntegers(const Sample* from, size_t count, float scale, void* to) {
  auto* out = static_cast<Integer*>(to);
  const float greatest = scale;
  for (size_t i = 0; i < count; ++i) {
    out[2 * i] = static_cast<Integer>(std::lrint(std::clamp(from[i].real() * scale, -greatest, greatest)));
    out[2 * i + 1] =
        static_cast<Integer>(std::lrint(std::clamp(from[i].imag() * scale, -greatest, greatest)));
  }
}

template <typename Integer> void fromIntegers(const void* from, size_t count, float factor, Sample* to) {
  const auto* in = static_cast<const Integer*>(from);
  for (size_t i = 0; i < count; ++i)
    to[i] = {static_cast<float>(in[2 * i]) * factor, static_cast<float>(in[2 * i + 1]) * factor};
}

} // namespace

/// Proof that a thread is in a stream call, for the destructor to wait for.
class TwinDevice::CallInside {
public:
  explicit CallInside(TwinDevice& device) : device_(device) {
    const std::lock_guard<std::mutex> lock(device_.mutex_);
    ++device_.callsInside_;
  }
  ~CallInside() {
    const std::lock_guard<std::mutex> lock(device_.mutex_);
    if (--device_.callsInside_ == 0)
      device_.left_.notify_all();
  }
  CallInside(const CallInside&) = delete;
  CallInside& operator=(const CallInside&) = delete;

private:
  TwinDevice& device_;
};

TwinDevice::~TwinDevice() {
  radio_->close();
  std::unique_lock<std::mutex> lock(mutex_);
  left_.wait(lock, [this] { return callsInside_ == 0; });
}

std::vector<std::string> TwinDevice::getStreamFormats(int, size_t) const {
  return {SOAPY_SDR_CF32, SOAPY_SDR_CS16, SOAPY_SDR_CS8};
}

std::string TwinDevice::getNativeStreamFormat(int, size_t, double& fullScale) const {
  fullScale = 1.0;
  return SOAPY_SDR_CF32;
}

SoapySDR::ArgInfoList TwinDevice::getStreamArgsInfo(int, size_t) const {
  SoapySDR::ArgInfo fullScale;
  fullScale.key = "fullscale";
  fullScale.value = "1.0";
  fullScale.name = "Full scale";
  fullScale.description =
      "CF32 amplitude that stands for the converter's full scale (CS16: 32767, CS8: 127, always)";
  fullScale.type = SoapySDR::ArgInfo::FLOAT;
  fullScale.range = SoapySDR::Range(1e-6, 1e6);
  return {fullScale};
}

SoapySDR::Stream* TwinDevice::setupStream(int direction, const std::string& format,
                                          const std::vector<size_t>& channels, const SoapySDR::Kwargs& args) {
  if (direction != SOAPY_SDR_RX && direction != SOAPY_SDR_TX)
    throw std::invalid_argument("twin: direction must be SOAPY_SDR_RX or SOAPY_SDR_TX");
  if (!channels.empty() && channels != std::vector<size_t>{0})
    throw std::invalid_argument("twin: channels: only channel 0 exists");
  const std::vector<std::string> formats = getStreamFormats(direction, 0);
  if (std::find(formats.begin(), formats.end(), format) == formats.end())
    throw std::invalid_argument("twin: format \"" + format + "\" is not allowed; allowed: CF32, CS16, CS8");
  auto stream = std::make_shared<TwinStream>();
  stream->direction = direction;
  stream->format = format;
  const auto fullScale = args.find("fullscale");
  if (fullScale != args.end()) {
    char* end = nullptr;
    stream->fullScale = std::strtod(fullScale->second.c_str(), &end);
    if (end == fullScale->second.c_str() || !(stream->fullScale >= 1e-6 && stream->fullScale <= 1e6))
      throw std::invalid_argument("twin: fullscale \"" + fullScale->second +
                                  "\" is not allowed; allowed: 1e-6 to 1e6");
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  std::shared_ptr<TwinStream>& slot = streams_[direction == SOAPY_SDR_RX ? 1 : 0];
  if (slot)
    throw std::runtime_error("twin: this direction already has a stream; close it first");
  slot = stream;
  return reinterpret_cast<SoapySDR::Stream*>(stream.get());
}

std::shared_ptr<TwinStream> TwinDevice::find(SoapySDR::Stream* stream) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& candidate : streams_)
    if (candidate && reinterpret_cast<SoapySDR::Stream*>(candidate.get()) == stream)
      return candidate;
  return nullptr;
}

void TwinDevice::closeStream(SoapySDR::Stream* stream) {
  const CallInside inside(*this);
  const std::shared_ptr<TwinStream> closing = find(stream); // a call that is inside keeps it alive
  if (!closing)
    return;
  deactivateStream(stream, 0, 0);
  const std::lock_guard<std::mutex> lock(mutex_);
  streams_[closing->direction == SOAPY_SDR_RX ? 1 : 0].reset();
}

size_t TwinDevice::getStreamMTU(SoapySDR::Stream*) const {
  return kMtu;
}

int TwinDevice::activateStream(SoapySDR::Stream* handle, int flags, long long timeNs, size_t numElems) {
  const CallInside inside(*this);
  const std::shared_ptr<TwinStream> stream = find(handle);
  if (!stream)
    return SOAPY_SDR_STREAM_ERROR;
  if (stream->direction == SOAPY_SDR_TX) {
    if (flags != 0 || numElems != 0)
      return SOAPY_SDR_NOT_SUPPORTED; // bursts are timed in writeStream
    radio_->activateTx();
    return 0;
  }
  if ((flags & ~(SOAPY_SDR_HAS_TIME | SOAPY_SDR_END_BURST)) != 0)
    return SOAPY_SDR_NOT_SUPPORTED;
  std::optional<std::int64_t> start;
  if ((flags & SOAPY_SDR_HAS_TIME) != 0)
    start = timeNs;
  radio_->activateRx(start, numElems);
  return 0;
}

int TwinDevice::deactivateStream(SoapySDR::Stream* handle, int flags, long long) {
  const CallInside inside(*this);
  const std::shared_ptr<TwinStream> stream = find(handle);
  if (!stream)
    return SOAPY_SDR_STREAM_ERROR;
  if (flags != 0)
    return SOAPY_SDR_NOT_SUPPORTED;
  if (stream->direction == SOAPY_SDR_RX)
    radio_->deactivateRx();
  else
    radio_->deactivateTx();
  return 0;
}

int TwinDevice::readStream(SoapySDR::Stream* handle, void* const* buffs, size_t numElems, int& flags,
                           long long& timeNs, long timeoutUs) {
  const CallInside inside(*this);
  const std::shared_ptr<TwinStream> stream = find(handle);
  if (!stream || stream->direction != SOAPY_SDR_RX)
    return SOAPY_SDR_STREAM_ERROR;
  const std::lock_guard<std::mutex> busy(stream->busy);
  flags = 0;
  const bool isFloat = stream->format == SOAPY_SDR_CF32;
  Sample* samples = static_cast<Sample*>(buffs[0]);
  if (!isFloat) {
    numElems = std::min(numElems, kMtu);
    stream->scratch.resize(std::max(stream->scratch.size(), numElems));
    samples = stream->scratch.data();
  }
  const medium::ReadResult result = radio_->read(samples, numElems, timeoutUs);
  if (result.status != StreamStatus::Ok) {
    if (result.status == StreamStatus::Overflow) {
      flags |= SOAPY_SDR_HAS_TIME;
      timeNs = result.timeNs;
    }
    return errorCode(result.status);
  }
  flags |= SOAPY_SDR_HAS_TIME;
  if (result.endOfBurst)
    flags |= SOAPY_SDR_END_BURST;
  timeNs = result.timeNs;
  const float scale = digitalScale(SOAPY_SDR_RX);
  if (isFloat) {
    const float factor = scale * static_cast<float>(stream->fullScale);
    if (factor != 1.0f)
      std::transform(samples, samples + result.sampleCount, samples,
                     [factor](Sample s) { return s * factor; });
  } else {
    if (scale != 1.0f)
      std::transform(samples, samples + result.sampleCount, samples, [scale](Sample s) { return s * scale; });
    if (stream->format == SOAPY_SDR_CS16)
      toIntegers<std::int16_t>(samples, result.sampleCount, kCs16FullScale, buffs[0]);
    else
      toIntegers<std::int8_t>(samples, result.sampleCount, kCs8FullScale, buffs[0]);
  }
  return static_cast<int>(result.sampleCount);
}

int TwinDevice::writeStream(SoapySDR::Stream* handle, const void* const* buffs, size_t numElems, int& flags,
                            long long timeNs, long timeoutUs) {
  const CallInside inside(*this);
  const std::shared_ptr<TwinStream> stream = find(handle);
  if (!stream || stream->direction != SOAPY_SDR_TX)
    return SOAPY_SDR_STREAM_ERROR;
  const std::lock_guard<std::mutex> busy(stream->busy);
  numElems = std::min<size_t>(numElems, INT32_MAX);
  medium::WriteOptions options;
  if ((flags & SOAPY_SDR_HAS_TIME) != 0)
    options.startNs = timeNs;
  options.endOfBurst = (flags & SOAPY_SDR_END_BURST) != 0;
  const bool isFloat = stream->format == SOAPY_SDR_CF32;
  const float factor =
      digitalScale(SOAPY_SDR_TX) * (isFloat ? static_cast<float>(1.0 / stream->fullScale) : 1.0f);
  const Sample* samples = static_cast<const Sample*>(numElems > 0 ? buffs[0] : nullptr);
  if (!isFloat || factor != 1.0f) {
    // Converted through scratch memory, so only one MTU at a time; the end of the burst goes with the last.
    if (numElems > kMtu) {
      numElems = kMtu;
      options.endOfBurst = false;
    }
    stream->scratch.resize(std::max(stream->scratch.size(), numElems));
    if (isFloat)
      std::transform(samples, samples + numElems, stream->scratch.begin(),
                     [factor](Sample s) { return s * factor; });
    else if (stream->format == SOAPY_SDR_CS16)
      fromIntegers<std::int16_t>(numElems > 0 ? buffs[0] : nullptr, numElems, factor / kCs16FullScale,
                                 stream->scratch.data());
    else
      fromIntegers<std::int8_t>(numElems > 0 ? buffs[0] : nullptr, numElems, factor / kCs8FullScale,
                                stream->scratch.data());
    samples = stream->scratch.data();
  }
  const medium::WriteResult result = radio_->write(samples, numElems, options, timeoutUs);
  if (result.status == StreamStatus::Inactive)
    return SOAPY_SDR_STREAM_ERROR; // samples for a stream that is not active would be lost silently
  if (result.status != StreamStatus::Ok)
    return errorCode(result.status);
  return static_cast<int>(result.sampleCount);
}

int TwinDevice::readStreamStatus(SoapySDR::Stream* handle, size_t& chanMask, int& flags, long long& timeNs,
                                 long timeoutUs) {
  const CallInside inside(*this);
  const std::shared_ptr<TwinStream> stream = find(handle);
  if (!stream)
    return SOAPY_SDR_STREAM_ERROR;
  if (stream->direction == SOAPY_SDR_RX)
    return SOAPY_SDR_NOT_SUPPORTED; // readStream reports overflows and late starts, each once
  const std::optional<medium::Event> event = radio_->waitEvent(Direction::Tx, timeoutUs);
  flags = 0;
  if (!event)
    return SOAPY_SDR_TIMEOUT;
  chanMask = 1;
  flags = SOAPY_SDR_HAS_TIME;
  timeNs = event->timeNs;
  switch (event->kind) {
  case medium::EventKind::BurstAck:
    flags |= SOAPY_SDR_END_BURST;
    return 0;
  case medium::EventKind::Underflow:
    return SOAPY_SDR_UNDERFLOW;
  case medium::EventKind::Late:
    return SOAPY_SDR_TIME_ERROR;
  case medium::EventKind::Overflow:
    return SOAPY_SDR_OVERFLOW;
  }
  return SOAPY_SDR_STREAM_ERROR;
}

float TwinDevice::digitalScale(int direction) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const double gainDb = chain(direction).digitalGainDb;
  return gainDb == 0.0 ? 1.0f : static_cast<float>(std::pow(10.0, gainDb / 20.0));
}

} // namespace otabench::twins
