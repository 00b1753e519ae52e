#define OTABENCH_KERNELS kAvx2
#define OTABENCH_KERNELS_NAME "avx2"
#include "kernels_impl.inl"
