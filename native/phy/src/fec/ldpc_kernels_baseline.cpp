#define OTABENCH_KERNEL kLdpcBaseline
#include "ldpc_kernels_impl.inl"
