#pragma once

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

/** Just enough of a test framework: named cases, checks that go on, one line per failure. */
namespace check {

struct Case {
  std::string name;
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
  Register(std::string name, std::function<void()> body) {
    cases().push_back({std::move(name), std::move(body)});
  }
};

inline void fail(const char* file, int line, const std::string& what) {
  ++failures();
  std::printf("  %s:%d: %s\n", file, line, what.c_str());
}

/** Runs the cases whose name contains argv[1] (all without one). */
inline int run(int argc, char** argv) {
  int failed = 0, ran = 0;
  for (const Case& c : cases()) {
    if (argc > 1 && c.name.find(argv[1]) == std::string::npos)
      continue;
    ++ran;
    failures() = 0;
    std::printf("%s\n", c.name.c_str());
    std::fflush(stdout);
    try {
      c.body();
    } catch (const std::exception& e) {
      fail("exception", 0, e.what());
    }
    if (failures() > 0)
      ++failed;
  }
  std::printf("%d of %d cases failed\n", failed, ran);
  return failed > 0 || ran == 0 ? 1 : 0;
}

} // namespace check

#define TEST_CASE(id, name)                                                                                  \
  static void id();                                                                                          \
  static const check::Register register_##id(name, id);                                                      \
  static void id()

#define CHECK(condition)                                                                                     \
  do {                                                                                                       \
    if (!(condition))                                                                                        \
      check::fail(__FILE__, __LINE__, #condition);                                                           \
  } while (false)

#define CHECK_EQUAL(a, b)                                                                                    \
  do {                                                                                                       \
    const auto left_ = (a);                                                                                  \
    const auto right_ = (b);                                                                                 \
    if (!(left_ == right_))                                                                                  \
      check::fail(__FILE__, __LINE__,                                                                        \
                  std::string(#a " is ") + std::to_string(left_) + ", not " + std::to_string(right_));       \
  } while (false)

/** Holds for NaN too: NaN is in no range. */
#define CHECK_RANGE(value, low, high)                                                                        \
  do {                                                                                                       \
    const double value_ = static_cast<double>(value);                                                        \
    if (!(value_ >= (low) && value_ <= (high)))                                                              \
      check::fail(__FILE__, __LINE__,                                                                        \
                  std::string(#value " is ") + std::to_string(value_) + ", not in " + std::to_string(low) +  \
                      ".." + std::to_string(high));                                                          \
  } while (false)
