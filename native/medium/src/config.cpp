// Defaults and validation: one line per fault, naming field, value and what is allowed.
#include "config.hpp"

#include "channel.hpp"

#include <cmath>
#include <cstdlib>
#include <set>
#include <sstream>
#include <stdexcept>

namespace otabench::medium {
namespace {

[[noreturn]] void refuse(const std::string& field, const std::string& value, const std::string& allowed) {
  throw std::invalid_argument(field + ": " + value + " is not allowed; allowed: " + allowed);
}

std::string text(double value) {
  std::ostringstream out;
  out.precision(12);
  out << value;
  return out.str();
}

void requireRange(const std::string& field, double value, double minimum, double maximum, const char* unit) {
  if (!(value >= minimum && value <= maximum)) // also catches NaN
    refuse(field, text(value), text(minimum) + " to " + text(maximum) + " " + unit);
}

bool isSerial(const std::string& serial) {
  if (serial.size() < 6 || serial.size() > 37 || serial.compare(0, 5, "TWIN-") != 0)
    return false;
  return serial.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", 5) == std::string::npos;
}

void validateSettling(const Settling& settling, const std::string& field) {
  requireRange(field + ".activateS", settling.activateS, 0.0, 1.0, "s");
  requireRange(field + ".retuneS", settling.retuneS, 0.0, 1.0, "s");
  requireRange(field + ".invalidRxSamples", static_cast<double>(settling.invalidRxSamples), 0.0, 16e6,
               "samples");
}

void requireBits(const std::string& field, int bits) {
  if (bits != 0 && (bits < 2 || bits > 16))
    refuse(field, std::to_string(bits), "0 (ideal), 2 to 16");
}

void validateImpairments(const Impairments& impairments, const std::string& field) {
  requireRange(field + ".phaseNoiseLinewidthHz", impairments.phaseNoiseLinewidthHz, 0.0, 1e6, "Hz");
  const double loopHz = impairments.phaseNoiseLoopBandwidthHz;
  if (loopHz != 0.0 && !(loopHz >= 10.0 && loopHz <= 1e6))
    refuse(field + ".phaseNoiseLoopBandwidthHz", text(loopHz), "0 (free-running), 10 to 1000000 Hz");
  if (impairments.phaseNoiseFloorDbcHz)
    requireRange(field + ".phaseNoiseFloorDbcHz", *impairments.phaseNoiseFloorDbcHz, -200.0, -60.0, "dBc/Hz");
  requireRange(field + ".txIq.gainDb", impairments.txIq.gainDb, -6.0, 6.0, "dB");
  requireRange(field + ".txIq.phaseDeg", impairments.txIq.phaseDeg, -30.0, 30.0, "degrees");
  requireRange(field + ".rxIq.gainDb", impairments.rxIq.gainDb, -6.0, 6.0, "dB");
  requireRange(field + ".rxIq.phaseDeg", impairments.rxIq.phaseDeg, -30.0, 30.0, "degrees");
  if (impairments.loLeakageDbfs)
    requireRange(field + ".loLeakageDbfs", *impairments.loLeakageDbfs, -150.0, 0.0, "dBFS");
  if (impairments.dcOffsetDbfs)
    requireRange(field + ".dcOffsetDbfs", *impairments.dcOffsetDbfs, -150.0, 0.0, "dBFS");
  if (impairments.amplifier) {
    requireRange(field + ".amplifier.smoothness", impairments.amplifier->smoothness, 0.5, 20.0, "");
    requireRange(field + ".amplifier.saturationDb", impairments.amplifier->saturationDb, -40.0, 40.0, "dB");
  }
  requireBits(field + ".dacBits", impairments.dacBits);
  requireBits(field + ".adcBits", impairments.adcBits);
}

void validateRadio(const RadioProfile& radio, const std::string& field) {
  if (!isSerial(radio.serial))
    refuse(field + ".serial", "\"" + radio.serial + "\"", "\"TWIN-\" and 1 to 32 of A-Z, 0-9, '-'");
  requireRange(field + ".clockErrorPpm", radio.clockErrorPpm, -100.0, 100.0, "ppm");
  requireRange(field + ".noiseFigureDb", radio.noiseFigureDb, 0.0, 60.0, "dB");
  requireRange(field + ".maxOutputPowerDbm", radio.maxOutputPowerDbm, -100.0, 60.0, "dBm");
  requireRange(field + ".rxFullScaleDbm", radio.rxFullScaleDbm, -100.0, 60.0, "dBm");
  validateImpairments(radio.impairments, field + ".impairments");
  validateSettling(radio.settling, field + ".settling");
}

std::set<std::string> serialsOf(const MediumConfig& config) {
  std::set<std::string> serials;
  for (const RadioProfile& radio : config.radios)
    serials.insert(radio.serial);
  return serials;
}

std::string listed(const std::set<std::string>& serials) {
  std::string list = "one of";
  for (const std::string& serial : serials)
    list += " " + serial;
  return list;
}

void validateFading(const Fading& fading, std::size_t tapCount, const std::string& field) {
  const auto kind = static_cast<int>(fading.kind);
  if (kind < 0 || kind > static_cast<int>(FadingKind::Continuous))
    refuse(field + ".kind", std::to_string(kind), "None, Block or Continuous");
  const auto profile = static_cast<int>(fading.profile);
  if (profile < 0 || profile > static_cast<int>(DelayProfile::TdlE))
    refuse(field + ".profile", std::to_string(profile), "Taps, TdlA to TdlE");
  requireRange(field + ".delaySpreadS", fading.delaySpreadS, 0.0, 40e-6, "s");
  requireRange(field + ".dopplerHz", fading.dopplerHz, 0.0, 2000.0, "Hz");
  if (fading.ricianKDb)
    requireRange(field + ".ricianKDb", *fading.ricianKDb, -40.0, 60.0, "dB");
  if (fading.profile == DelayProfile::Taps)
    return;
  if (fading.kind == FadingKind::None)
    refuse(field + ".profile", "a TDL without fading", "Taps where kind is None");
  if (tapCount != 1)
    refuse(field + ".profile", "a TDL beside " + std::to_string(tapCount) + " taps", "a TDL beside one tap");
  if (fading.ricianKDb && fading.profile != DelayProfile::TdlD && fading.profile != DelayProfile::TdlE)
    refuse(field + ".ricianKDb", text(*fading.ricianKDb), "none for TDL-A to TDL-C");
}

void validateInterferer(const Interferer& interferer, const std::set<std::string>& serials,
                        const std::string& field) {
  requireRange(field + ".frequencyHz", interferer.frequencyHz, 0.0, 10e9, "Hz");
  requireRange(field + ".powerDbm", interferer.powerDbm, -200.0, 60.0, "dBm");
  if (interferer.bandwidthHz != 0.0)
    requireRange(field + ".bandwidthHz", interferer.bandwidthHz, 200e3, 61.44e6, "Hz, or 0 (a tone)");
  requireRange(field + ".startS", interferer.startS, 0.0, 1e6, "s");
  if (interferer.onS != 0.0)
    requireRange(field + ".onS", interferer.onS, 1e-6, 1e6, "s, or 0 (for ever)");
  if (interferer.periodS != 0.0 &&
      !(interferer.onS > 0.0 && interferer.periodS > interferer.onS && interferer.periodS <= 1e6))
    refuse(field + ".periodS", text(interferer.periodS), "0 (once), or greater than onS (not 0), to 1e6 s");
  for (const std::string& serial : interferer.serials)
    if (serials.count(serial) == 0)
      refuse(field + ".serials", "\"" + serial + "\"", listed(serials));
}

void validatePath(const MediumConfig& config, const PathProfile& path, const std::string& field) {
  const std::set<std::string> serials = serialsOf(config);
  if (serials.count(path.from) == 0)
    refuse(field + ".from", "\"" + path.from + "\"", listed(serials));
  if (serials.count(path.to) == 0)
    refuse(field + ".to", "\"" + path.to + "\"", listed(serials));
  requireRange(field + ".pathLossDb", path.pathLossDb, -100.0, 300.0, "dB");
  if (path.taps.empty() || path.taps.size() > 256)
    refuse(field + ".taps", std::to_string(path.taps.size()) + " taps", "1 to 256 taps");
  for (std::size_t i = 0; i < path.taps.size(); ++i) {
    const std::string tapField = field + ".taps[" + std::to_string(i) + "]";
    requireRange(tapField + ".delayS", path.taps[i].delayS, 0.0, 1e-3, "s");
    requireRange(tapField + ".powerDb", path.taps[i].powerDb, -200.0, 100.0, "dB");
    requireRange(tapField + ".phaseRad", path.taps[i].phaseRad, -1e6, 1e6, "rad");
  }
  validateFading(path.fading, path.taps.size(), field + ".fading");
  const double lastS = makeChannel(path, 0, {})->greatestDelayS;
  if (!(lastS <= 1e-3))
    refuse(field + ".fading.delaySpreadS",
           text(path.fading.delaySpreadS) + " (last tap at " + text(lastS) + " s)",
           "a last tap within 0.001 s");
}

} // namespace

void validate(const MediumConfig& config) {
  if (config.pace != Pace::Free && config.pace != Pace::Realtime)
    refuse("pace", std::to_string(static_cast<int>(config.pace)), "Free or Realtime");
  if (config.radios.empty() || config.radios.size() > 64)
    refuse("radios", std::to_string(config.radios.size()) + " radios", "1 to 64 radios");
  std::set<std::string> serials;
  for (std::size_t i = 0; i < config.radios.size(); ++i) {
    const std::string field = "radios[" + std::to_string(i) + "]";
    validateRadio(config.radios[i], field);
    if (!serials.insert(config.radios[i].serial).second)
      refuse(field + ".serial", "\"" + config.radios[i].serial + "\"", "each serial once");
  }
  std::set<std::pair<std::string, std::string>> pairs;
  for (std::size_t i = 0; i < config.paths.size(); ++i) {
    const std::string field = "paths[" + std::to_string(i) + "]";
    const PathProfile& path = config.paths[i];
    validatePath(config, path, field);
    if (!pairs.insert({path.from, path.to}).second)
      refuse(field, path.from + " to " + path.to + " again", "each pair once");
  }
  if (config.interferers.size() > 16)
    refuse("interferers", std::to_string(config.interferers.size()) + " interferers", "at most 16");
  for (std::size_t i = 0; i < config.interferers.size(); ++i)
    validateInterferer(config.interferers[i], serials, "interferers[" + std::to_string(i) + "]");
}

void validate(const MediumConfig& config, const PathProfile& path) {
  validatePath(config, path, "path");
}

MediumConfig defaultConfig() {
  MediumConfig config;
  config.pace = Pace::Realtime;
  const char* wanted = std::getenv("OTABENCH_TWINS");
  if (wanted != nullptr && *wanted != '\0') {
    std::istringstream list{std::string(wanted)};
    std::string serial;
    while (std::getline(list, serial, ',')) {
      RadioProfile radio;
      radio.serial = serial;
      config.radios.push_back(radio);
    }
  } else {
    for (const auto& [serial, ppm] : {std::pair<const char*, double>{"TWIN-BASE", 0.0},
                                      {"TWIN-TEXT", 2.0},
                                      {"TWIN-VISUAL", -2.0},
                                      {"TWIN-AUDIO", 1.0}}) {
      RadioProfile radio;
      radio.serial = serial;
      radio.clockErrorPpm = ppm;
      config.radios.push_back(radio);
    }
  }
  for (const RadioProfile& from : config.radios) {
    for (const RadioProfile& to : config.radios) {
      if (from.serial == to.serial)
        continue;
      PathProfile path;
      path.from = from.serial;
      path.to = to.serial;
      config.paths.push_back(path);
    }
  }
  try {
    validate(config);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(std::string("OTABENCH_TWINS: ") + error.what());
  }
  return config;
}

const Limits& limits() {
  static const Limits all;
  return all;
}

} // namespace otabench::medium
