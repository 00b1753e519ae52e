#include "otabench/radio/log.hpp"

#include "otabench/radio/error.hpp"

#include <SoapySDR/Logger.hpp>
#include <map>
#include <mutex>

namespace otabench::radio {
namespace {

// The process has one SoapySDR and so one log; this holds C++ functions only, never anything of a Node
// environment.
struct Handlers {
  std::mutex mutex;
  std::map<std::uint64_t, LogHandler> by_number;
  std::uint64_t next_number = 1;
};

Handlers& handlers() {
  // Never destroyed: vendor threads may log while the process ends.
  static Handlers* const all = new Handlers;
  return *all;
}

const char* level_name(SoapySDRLogLevel level) {
  switch (level) {
  case SOAPY_SDR_FATAL:
    return "fatal";
  case SOAPY_SDR_CRITICAL:
    return "critical";
  case SOAPY_SDR_ERROR:
    return "error";
  case SOAPY_SDR_WARNING:
    return "warning";
  case SOAPY_SDR_NOTICE:
    return "notice";
  case SOAPY_SDR_INFO:
    return "info";
  case SOAPY_SDR_DEBUG:
    return "debug";
  default:
    return "trace"; // includes SSI, the U, O and L letters of stream faults, which arrive as events anyway
  }
}

void on_log(const SoapySDRLogLevel level, const char* message) {
  Handlers& all = handlers();
  const std::string line = one_line(message);
  std::lock_guard<std::mutex> lock(all.mutex);
  for (const auto& entry : all.by_number)
    entry.second(level_name(level), line);
}

} // namespace

void capture_log() {
  static std::once_flag once;
  std::call_once(once, [] { SoapySDR::registerLogHandler(&on_log); });
}

std::uint64_t add_log_handler(LogHandler handler) {
  capture_log();
  Handlers& all = handlers();
  std::lock_guard<std::mutex> lock(all.mutex);
  const std::uint64_t number = all.next_number++;
  all.by_number.emplace(number, std::move(handler));
  return number;
}

void remove_log_handler(std::uint64_t number) {
  Handlers& all = handlers();
  std::lock_guard<std::mutex> lock(all.mutex);
  all.by_number.erase(number);
}

} // namespace otabench::radio
