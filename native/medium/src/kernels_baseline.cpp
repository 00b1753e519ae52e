#define OTABENCH_KERNELS kBaseline
#define OTABENCH_KERNELS_NAME "baseline"
#include "kernels_impl.inl"
