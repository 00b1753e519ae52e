#pragma once

#include <complex>

#include <fftw3.h>

namespace otabench::phy {

/**
 * One complex single-precision transform with its own aligned buffers, unscaled. Planned with FFTW_ESTIMATE,
 * so that the same build on the same processor type always runs the same code.
 */
class Fft {
public:
  enum class Direction { Forward, Inverse };

  Fft(int size, Direction direction);
  ~Fft();
  Fft(const Fft&) = delete;
  Fft& operator=(const Fft&) = delete;

  std::complex<float>* in() { return in_; }
  std::complex<float>* out() { return out_; }
  void run() { fftwf_execute(plan_); }

private:
  std::complex<float>* in_;
  std::complex<float>* out_;
  fftwf_plan plan_;
};

} // namespace otabench::phy
