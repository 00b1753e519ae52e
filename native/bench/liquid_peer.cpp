#include "liquid_peer.hpp"

#include <liquid/liquid.h>

namespace bench {

namespace {

constexpr unsigned kCarriers = 64, kPrefix = 16, kTaper = 4, kPayloadBytes = 256;

int onFrame(unsigned char*, int, unsigned char*, unsigned, int payloadValid, framesyncstats_s, void* user) {
  if (payloadValid != 0)
    ++*static_cast<std::int64_t*>(user);
  return 0;
}

} // namespace

struct LiquidPeer::Impl {
  ofdmflexframegen generator = nullptr;
  ofdmflexframesync synchroniser = nullptr;
  std::int64_t valid = 0;
  unsigned char header[8] = {};
  unsigned char payload[kPayloadBytes] = {};
};

LiquidPeer::LiquidPeer() : impl_(std::make_unique<Impl>()) {
  ofdmflexframegenprops_s properties;
  ofdmflexframegenprops_init_default(&properties);
  properties.check = LIQUID_CRC_32;
  properties.fec0 = LIQUID_FEC_NONE;
  properties.fec1 = LIQUID_FEC_NONE;
  properties.mod_scheme = LIQUID_MODEM_QPSK;
  impl_->generator = ofdmflexframegen_create(kCarriers, kPrefix, kTaper, nullptr, &properties);
  impl_->synchroniser = ofdmflexframesync_create(kCarriers, kPrefix, kTaper, nullptr, onFrame, &impl_->valid);
  for (unsigned i = 0; i < kPayloadBytes; ++i)
    impl_->payload[i] = static_cast<unsigned char>(i * 37 + 11);
}

LiquidPeer::~LiquidPeer() {
  ofdmflexframegen_destroy(impl_->generator);
  ofdmflexframesync_destroy(impl_->synchroniser);
}

void LiquidPeer::transmit(std::vector<std::complex<float>>& samples) {
  ofdmflexframegen_assemble(impl_->generator, impl_->header, impl_->payload, kPayloadBytes);
  constexpr std::size_t kChunk = 1024;
  for (int last = 0; last == 0;) {
    const std::size_t old = samples.size();
    samples.resize(old + kChunk);
    last = ofdmflexframegen_write(impl_->generator, samples.data() + old, kChunk);
  }
}

void LiquidPeer::receive(const std::vector<std::complex<float>>& samples) {
  ofdmflexframesync_execute(impl_->synchroniser, const_cast<std::complex<float>*>(samples.data()),
                            static_cast<unsigned>(samples.size()));
}

std::int64_t LiquidPeer::takeValid() {
  const std::int64_t valid = impl_->valid;
  impl_->valid = 0;
  return valid;
}

} // namespace bench
