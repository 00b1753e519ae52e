// Radio faults as typed, counted events with direction and hardware time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace otabench::radio {

enum class Direction { rx, tx };

enum class EventKind {
  overflow,       // the radio dropped received samples because nobody read them in time
  underflow,      // the radio ran out of samples within a burst
  late,           // a burst's time had passed when it was handed over
  time_gap,       // the received stream's time jumped forward
  dropped_burst,  // a received burst was dropped because the result queue was full
  corrupt_header, // a preamble was found and the header's check sum failed
  stream_error,   // any other error that the stream reported
  device_lost,    // the stream threw or kept failing; the stream has ended
};

struct Event {
  EventKind kind;
  Direction direction;
  std::string serial;
  std::optional<std::int64_t> hardware_time_ns;
  // How often it happened since the last event of its kind was reported; samples for a time gap.
  std::uint64_t count = 1;
  std::string detail;
};

const char* event_kind_name(EventKind kind);
const char* direction_name(Direction direction);

} // namespace otabench::radio
