// SoapySDR device driver=twin: one simulated radio of libotamedium, in the shape of a USRP B200.
#pragma once

#include "otabench/medium/medium.hpp"

#include <SoapySDR/Device.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace otabench::twins {

struct TwinStream {
  int direction = 0;
  std::string format;
  double fullScale = 1.0; ///< of CF32
  std::vector<medium::Sample> scratch;
  std::mutex busy; ///< held by the one call that uses scratch
};

class TwinDevice : public SoapySDR::Device {
public:
  /// @throws std::invalid_argument unknown serial; std::runtime_error already open.
  explicit TwinDevice(const std::string& serial);
  /// Wakes the threads that are in a stream call and waits until they have left.
  ~TwinDevice() override;

  std::string getDriverKey() const override;
  std::string getHardwareKey() const override;
  SoapySDR::Kwargs getHardwareInfo() const override;

  void setFrontendMapping(int direction, const std::string& mapping) override;
  std::string getFrontendMapping(int direction) const override;
  size_t getNumChannels(int direction) const override;
  SoapySDR::Kwargs getChannelInfo(int direction, size_t channel) const override;
  bool getFullDuplex(int direction, size_t channel) const override;

  std::vector<std::string> getStreamFormats(int direction, size_t channel) const override;
  std::string getNativeStreamFormat(int direction, size_t channel, double& fullScale) const override;
  SoapySDR::ArgInfoList getStreamArgsInfo(int direction, size_t channel) const override;
  SoapySDR::Stream* setupStream(int direction, const std::string& format, const std::vector<size_t>& channels,
                                const SoapySDR::Kwargs& args) override;
  void closeStream(SoapySDR::Stream* stream) override;
  size_t getStreamMTU(SoapySDR::Stream* stream) const override;
  int activateStream(SoapySDR::Stream* stream, int flags, long long timeNs, size_t numElems) override;
  int deactivateStream(SoapySDR::Stream* stream, int flags, long long timeNs) override;
  int readStream(SoapySDR::Stream* stream, void* const* buffs, size_t numElems, int& flags, long long& timeNs,
                 long timeoutUs) override;
  int writeStream(SoapySDR::Stream* stream, const void* const* buffs, size_t numElems, int& flags,
                  long long timeNs, long timeoutUs) override;
  int readStreamStatus(SoapySDR::Stream* stream, size_t& chanMask, int& flags, long long& timeNs,
                       long timeoutUs) override;

  std::vector<std::string> listAntennas(int direction, size_t channel) const override;
  void setAntenna(int direction, size_t channel, const std::string& name) override;
  std::string getAntenna(int direction, size_t channel) const override;

  std::vector<std::string> listGains(int direction, size_t channel) const override;
  void setGain(int direction, size_t channel, double value) override;
  void setGain(int direction, size_t channel, const std::string& name, double value) override;
  double getGain(int direction, size_t channel) const override;
  double getGain(int direction, size_t channel, const std::string& name) const override;
  SoapySDR::Range getGainRange(int direction, size_t channel) const override;
  SoapySDR::Range getGainRange(int direction, size_t channel, const std::string& name) const override;

  void setFrequency(int direction, size_t channel, double frequency, const SoapySDR::Kwargs& args) override;
  void setFrequency(int direction, size_t channel, const std::string& name, double frequency,
                    const SoapySDR::Kwargs& args) override;
  double getFrequency(int direction, size_t channel) const override;
  double getFrequency(int direction, size_t channel, const std::string& name) const override;
  std::vector<std::string> listFrequencies(int direction, size_t channel) const override;
  SoapySDR::RangeList getFrequencyRange(int direction, size_t channel) const override;
  SoapySDR::RangeList getFrequencyRange(int direction, size_t channel,
                                        const std::string& name) const override;
  SoapySDR::ArgInfoList getFrequencyArgsInfo(int direction, size_t channel) const override;

  void setSampleRate(int direction, size_t channel, double rate) override;
  double getSampleRate(int direction, size_t channel) const override;
  std::vector<double> listSampleRates(int direction, size_t channel) const override;
  SoapySDR::RangeList getSampleRateRange(int direction, size_t channel) const override;
  void setBandwidth(int direction, size_t channel, double bandwidth) override;
  double getBandwidth(int direction, size_t channel) const override;
  std::vector<double> listBandwidths(int direction, size_t channel) const override;
  SoapySDR::RangeList getBandwidthRange(int direction, size_t channel) const override;

  void setMasterClockRate(double rate) override;
  double getMasterClockRate() const override;
  SoapySDR::RangeList getMasterClockRates() const override;
  std::vector<std::string> listClockSources() const override;
  void setClockSource(const std::string& source) override;
  std::string getClockSource() const override;
  std::vector<std::string> listTimeSources() const override;
  void setTimeSource(const std::string& source) override;
  std::string getTimeSource() const override;

  bool hasHardwareTime(const std::string& what) const override;
  long long getHardwareTime(const std::string& what) const override;
  void setHardwareTime(long long timeNs, const std::string& what) override;
  void setCommandTime(long long timeNs, const std::string& what) override;

  std::vector<std::string> listSensors() const override;
  SoapySDR::ArgInfo getSensorInfo(const std::string& key) const override;
  std::string readSensor(const std::string& key) const override;
  std::vector<std::string> listSensors(int direction, size_t channel) const override;
  SoapySDR::ArgInfo getSensorInfo(int direction, size_t channel, const std::string& key) const override;
  std::string readSensor(int direction, size_t channel, const std::string& key) const override;

  SoapySDR::ArgInfoList getSettingInfo() const override;
  void writeSetting(const std::string& key, const std::string& value) override;
  std::string readSetting(const std::string& key) const override;
  SoapySDR::ArgInfoList getSettingInfo(int direction, size_t channel) const override;
  void writeSetting(int direction, size_t channel, const std::string& key, const std::string& value) override;
  std::string readSetting(int direction, size_t channel, const std::string& key) const override;

private:
  struct Chain { ///< of one direction
    std::string antenna;
    double rfHz = 100e6;
    double basebandHz = 0.0;
    double digitalGainDb = 0.0;
  };

  Chain& chain(int direction) { return chains_[direction == SOAPY_SDR_RX ? 1 : 0]; }
  const Chain& chain(int direction) const { return chains_[direction == SOAPY_SDR_RX ? 1 : 0]; }
  std::optional<std::int64_t> commandTime() const;
  void tune(int direction, double rfHz, double basebandHz);
  std::shared_ptr<TwinStream> find(SoapySDR::Stream* stream) const;
  float digitalScale(int direction) const;

  class CallInside;
  mutable std::mutex mutex_; ///< guards all below but radio_
  std::condition_variable left_;
  int callsInside_ = 0;
  Chain chains_[2];
  std::shared_ptr<TwinStream> streams_[2];
  long long commandTimeNs_ = 0; ///< 0: none
  double masterClockHz_ = 32e6;
  const std::shared_ptr<medium::Radio> radio_;
};

} // namespace otabench::twins
