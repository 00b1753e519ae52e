#include "otabench/radio/event.hpp"

namespace otabench::radio {

const char* event_kind_name(EventKind kind) {
  switch (kind) {
  case EventKind::overflow:
    return "overflow";
  case EventKind::underflow:
    return "underflow";
  case EventKind::late:
    return "late";
  case EventKind::time_gap:
    return "time-gap";
  case EventKind::dropped_burst:
    return "dropped-burst";
  case EventKind::corrupt_header:
    return "corrupt-header";
  case EventKind::stream_error:
    return "stream-error";
  case EventKind::device_lost:
    return "device-lost";
  }
  return "stream-error";
}

const char* direction_name(Direction direction) {
  return direction == Direction::rx ? "rx" : "tx";
}

} // namespace otabench::radio
