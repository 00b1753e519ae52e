#define OTABENCH_KERNEL kLdpcAvx2
#include "ldpc_kernels_impl.inl"
