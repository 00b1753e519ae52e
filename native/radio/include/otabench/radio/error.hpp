// Typed errors of the radio layer: a code that programs test, and one line that people read.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace otabench::radio {

// What went wrong. The names returned by error_code_name() are part of the addon's interface.
enum class ErrorCode {
  not_found,         // no such device
  wrong_device,      // a device was opened, but its serial is not the one asked for
  transmit_refused,  // transmitting on this driver is not allowed
  transmit_disabled, // the watchdog has tripped or was never armed
  unsupported,       // the device cannot do this
  out_of_range,      // a value that the device or the link cannot take
  queue_full,        // a bounded queue is full; try again later
  closed,            // the device, stream or environment is closed
  timed_out,         // no answer in the time allowed
  driver_failed,     // the vendor's code threw or returned an error
};

const char* error_code_name(ErrorCode code);

// Replaces line breaks and control characters by spaces: an error message is one line.
std::string one_line(std::string text);

class RadioError : public std::runtime_error {
public:
  RadioError(ErrorCode code, const std::string& message)
      : std::runtime_error(one_line(message)), code_(code) {}
  ErrorCode code() const { return code_; }

private:
  ErrorCode code_;
};

} // namespace otabench::radio
