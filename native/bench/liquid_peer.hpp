#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <vector>

namespace bench {

/** liquid-dsp's ofdmflexframe: 64 carriers, CP 16, QPSK, 256 bytes and CRC-32, no FEC on the payload. */
class LiquidPeer {
public:
  LiquidPeer();
  ~LiquidPeer();
  LiquidPeer(const LiquidPeer&) = delete;
  LiquidPeer& operator=(const LiquidPeer&) = delete;

  /** Appends one frame. */
  void transmit(std::vector<std::complex<float>>& samples);
  void receive(const std::vector<std::complex<float>>& samples);
  /** Frames received with a valid payload since the last call. */
  std::int64_t takeValid();

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace bench
