// Twins opened through the public SoapySDR API, over a medium that the test configures.
#pragma once

#include "air.hpp"
#include "check.hpp"

#include <SoapySDR/Device.hpp>
#include <SoapySDR/Errors.hpp>
#include <SoapySDR/Formats.hpp>

#include <string>

namespace twinbench {

inline SoapySDR::Device* make(const std::string& serial) {
  return SoapySDR::Device::make(SoapySDR::Kwargs{{"driver", "twin"}, {"serial", serial}});
}

struct Pair {
  SoapySDR::Device* rx;
  SoapySDR::Device* tx;

  explicit Pair(const air::MediumConfig& config) {
    air::Medium::instance().configure(config);
    rx = make("TWIN-A");
    tx = make("TWIN-B");
    for (SoapySDR::Device* device : {rx, tx}) {
      for (const int direction : {SOAPY_SDR_RX, SOAPY_SDR_TX}) {
        device->setSampleRate(direction, 0, air::kRateHz);
        device->setFrequency(direction, 0, air::kCarrierHz);
      }
      device->setGain(SOAPY_SDR_TX, 0, 89.75);
      device->setGain(SOAPY_SDR_RX, 0, 0.0);
    }
    air::Medium::instance().beginTrial("trial");
  }
  ~Pair() {
    SoapySDR::Device::unmake(rx);
    SoapySDR::Device::unmake(tx);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
};

} // namespace twinbench
