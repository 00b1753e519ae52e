#define OTABENCH_KERNELS kAvx512
#define OTABENCH_KERNELS_NAME "avx512"
#include "kernels_impl.inl"
