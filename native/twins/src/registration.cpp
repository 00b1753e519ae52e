// Announces driver=twin to libSoapySDR.
#include "twin_device.hpp"

#include <SoapySDR/Logger.hpp>
#include <SoapySDR/Modules.hpp>
#include <SoapySDR/Registry.hpp>

#include <exception>
#include <string>

namespace {

SoapySDR::KwargsList findTwins(const SoapySDR::Kwargs& args) {
  SoapySDR::KwargsList found;
  const auto matches = [&args](const SoapySDR::Kwargs& twin, const char* key) {
    const auto wanted = args.find(key);
    return wanted == args.end() || wanted->second == twin.at(key);
  };
  try {
    for (const std::string& serial : otabench::medium::Medium::instance().serials()) {
      const SoapySDR::Kwargs twin{
          {"serial", serial}, {"label", "Twin " + serial + " (simulated)"}, {"product", "otabench twin"}};
      if (matches(twin, "serial") && matches(twin, "label"))
        found.push_back(twin);
    }
  } catch (const std::exception& error) {
    SoapySDR::log(SOAPY_SDR_ERROR, error.what()); // an enumeration of other drivers must go on
  }
  return found;
}

SoapySDR::Device* makeTwin(const SoapySDR::Kwargs& args) {
  const auto serial = args.find("serial");
  if (serial != args.end())
    return new otabench::twins::TwinDevice(serial->second);
  return new otabench::twins::TwinDevice(otabench::medium::Medium::instance().serials().front());
}

const SoapySDR::Registry registerTwin("twin", &findTwins, &makeTwin, SOAPY_SDR_ABI_VERSION);
const SoapySDR::ModuleVersion registerVersion("0.1.0");

} // namespace
