// Calls into vendors' code with their exceptions turned into RadioError.
#pragma once

#include "otabench/radio/error.hpp"
#include "otabench/radio/event.hpp"

#include <SoapySDR/Constants.h>
#include <exception>
#include <string>

namespace otabench::radio {

inline int soapy_direction(Direction direction) {
  return direction == Direction::rx ? SOAPY_SDR_RX : SOAPY_SDR_TX;
}

// Runs `call`. @throws RadioError: its own as it is, anything else as driver_failed with `what` before the
// message
template <typename Call> auto soapy_call(const std::string& what, Call&& call) -> decltype(call()) {
  try {
    return call();
  } catch (const RadioError&) {
    throw;
  } catch (const std::exception& error) {
    throw RadioError(ErrorCode::driver_failed, what + ": " + error.what());
  } catch (...) {
    throw RadioError(ErrorCode::driver_failed, what + ": unknown exception");
  }
}

} // namespace otabench::radio
