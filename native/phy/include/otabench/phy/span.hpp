#pragma once

#include <cstddef>
#include <vector>

namespace otabench::phy {

/** A borrowed run of `count` elements (std::span is C++20). The owner outlives it. */
template <typename T> struct Span {
  T* data = nullptr;
  std::size_t count = 0;

  Span() = default;
  Span(T* first, std::size_t n) : data(first), count(n) {}
  template <typename U>
  Span(const std::vector<U>& v) : data(v.data()), count(v.size()) {} // NOLINT: implicit on purpose

  T* begin() const { return data; }
  T* end() const { return data + count; }
  std::size_t size() const { return count; }
  T& operator[](std::size_t i) const { return data[i]; }
};

} // namespace otabench::phy
