#include "fft.hpp"

#include <algorithm>
#include <mutex>
#include <new>

namespace otabench::phy {

namespace {
// FFTW's planner is not thread-safe; streams create their transforms from their own threads.
std::mutex& plannerMutex() {
  static std::mutex mutex;
  return mutex;
}
} // namespace

Fft::Fft(int size, Direction direction) {
  const auto count = static_cast<std::size_t>(size);
  const std::lock_guard<std::mutex> lock(plannerMutex());
  in_ = reinterpret_cast<std::complex<float>*>(fftwf_alloc_complex(count));
  out_ = reinterpret_cast<std::complex<float>*>(fftwf_alloc_complex(count));
  if (in_ == nullptr || out_ == nullptr)
    throw std::bad_alloc();
  plan_ =
      fftwf_plan_dft_1d(size, reinterpret_cast<fftwf_complex*>(in_), reinterpret_cast<fftwf_complex*>(out_),
                        direction == Direction::Forward ? FFTW_FORWARD : FFTW_BACKWARD, FFTW_ESTIMATE);
  std::fill(in_, in_ + size, std::complex<float>(0, 0));
}

Fft::~Fft() {
  const std::lock_guard<std::mutex> lock(plannerMutex());
  fftwf_destroy_plan(plan_);
  fftwf_free(in_);
  fftwf_free(out_);
}

} // namespace otabench::phy
