// The least that a native test needs: cases, checks that print what they saw, an exit status.
#pragma once

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace check {

struct Case {
  const char* name;
  std::function<void()> body;
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

inline int& failures() {
  static int count = 0;
  return count;
}

struct Register {
  Register(const char* name, std::function<void()> body) { cases().push_back({name, std::move(body)}); }
};

inline void report(bool good, const char* file, int line, const std::string& text) {
  if (good)
    return;
  ++failures();
  std::fprintf(stderr, "    %s:%d: %s\n", file, line, text.c_str());
}

template <typename A, typename B>
void equal(A value, B expected, const char* text, const char* file, int line) {
  report(value == expected, file, line,
         std::string(text) + " is " + std::to_string(value) + ", expected " + std::to_string(expected));
}

inline void near(double value, double expected, double tolerance, const char* text, const char* file,
                 int line) {
  // Written so that NaN fails.
  report(std::abs(value - expected) <= tolerance, file, line,
         std::string(text) + " is " + std::to_string(value) + ", expected " + std::to_string(expected) +
             " +- " + std::to_string(tolerance));
}

/// The call must throw Error with a message of one line that contains every one of the parts.
template <typename Error>
void throws(const std::function<void()>& call, const std::vector<std::string>& parts, const char* file,
            int line) {
  try {
    call();
    report(false, file, line, "nothing was thrown");
  } catch (const std::exception& error) {
    const std::string message = error.what();
    report(dynamic_cast<const Error*>(&error) != nullptr, file, line, "another exception: " + message);
    report(message.find('\n') == std::string::npos, file, line, "more than one line: " + message);
    for (const std::string& part : parts)
      report(message.find(part) != std::string::npos, file, line, "\"" + part + "\" is not in: " + message);
  }
}

/// Runs all cases, or those whose name contains the first argument.
inline int run(int argc, char** argv) {
  int ran = 0;
  for (const Case& each : cases()) {
    if (argc > 1 && std::string(each.name).find(argv[1]) == std::string::npos)
      continue;
    ++ran;
    const int before = failures();
    try {
      each.body();
    } catch (const std::exception& error) {
      report(false, each.name, 0, std::string("threw: ") + error.what());
    }
    std::fprintf(stderr, "%s %s\n", failures() == before ? "ok  " : "FAIL", each.name);
  }
  std::fprintf(stderr, "%d cases, %d failed checks\n", ran, failures());
  return failures() == 0 && ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

} // namespace check

#define CHECK_JOIN2(a, b) a##b
#define CHECK_JOIN(a, b) CHECK_JOIN2(a, b)
#define TEST(name)                                                                                           \
  static void CHECK_JOIN(test, __LINE__)();                                                                  \
  static const check::Register CHECK_JOIN(registered, __LINE__)(name, &CHECK_JOIN(test, __LINE__));          \
  static void CHECK_JOIN(test, __LINE__)()
#define CHECK(condition) check::report((condition), __FILE__, __LINE__, #condition)
#define CHECK_EQUAL(a, b) check::equal((a), (b), #a, __FILE__, __LINE__)
#define CHECK_NEAR(value, expected, tolerance)                                                               \
  check::near((value), (expected), (tolerance), #value, __FILE__, __LINE__)
#define CHECK_THROWS(Error, call, ...)                                                                       \
  check::throws<Error>([&] { call; }, std::vector<std::string>{__VA_ARGS__}, __FILE__, __LINE__)
