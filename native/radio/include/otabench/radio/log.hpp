// Where the vendors' log lines go: to handlers, never to stdout.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace otabench::radio {

// `level` is "fatal" ... "trace" as SoapySDR names them; `line` is one line. Called on the thread that
// logged.
using LogHandler = std::function<void(const char* level, const std::string& line)>;

// Takes SoapySDR's log away from the terminal. Safe to call often; nothing is printed from then on.
void capture_log();

// Adds a handler for every line from now on; remove it with the returned number.
std::uint64_t add_log_handler(LogHandler handler);
void remove_log_handler(std::uint64_t number);

} // namespace otabench::radio
