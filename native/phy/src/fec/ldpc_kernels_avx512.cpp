#define OTABENCH_KERNEL kLdpcAvx512
#include "ldpc_kernels_impl.inl"
