#include "otabench/radio/error.hpp"

namespace otabench::radio {

const char* error_code_name(ErrorCode code) {
  switch (code) {
  case ErrorCode::not_found:
    return "not-found";
  case ErrorCode::wrong_device:
    return "wrong-device";
  case ErrorCode::transmit_refused:
    return "transmit-refused";
  case ErrorCode::transmit_disabled:
    return "transmit-disabled";
  case ErrorCode::unsupported:
    return "unsupported";
  case ErrorCode::out_of_range:
    return "out-of-range";
  case ErrorCode::queue_full:
    return "queue-full";
  case ErrorCode::closed:
    return "closed";
  case ErrorCode::timed_out:
    return "timed-out";
  case ErrorCode::driver_failed:
    return "driver-failed";
  }
  return "driver-failed";
}

std::string one_line(std::string text) {
  for (char& character : text)
    if (static_cast<unsigned char>(character) < 0x20)
      character = ' ';
  while (!text.empty() && text.back() == ' ')
    text.pop_back();
  return text;
}

} // namespace otabench::radio
