#include "kernels.hpp"

#include <cstdlib>
#include <cstring>

namespace otabench::medium::kernels {
namespace {

const Table& choose() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
  const char* wanted = std::getenv("OTABENCH_MEDIUM_ISA");
  if (wanted != nullptr && std::strcmp(wanted, kBaseline.name) == 0)
    return kBaseline;
  if (avx512 && (wanted == nullptr || std::strcmp(wanted, kAvx2.name) != 0))
    return kAvx512;
  if (avx2)
    return kAvx2;
#endif
  return kBaseline;
}

} // namespace

const Table& best() {
  static const Table& table = choose();
  return table;
}

} // namespace otabench::medium::kernels
