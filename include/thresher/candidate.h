/* The entry points of host code that takes part in a race: a shared library that exports these five functions.
 *
 * The library runs in a process of its own, which the arbiter can stop and kill. It is given memory and fills the
 * output; the arbiter owns the inputs, the clock and the checks. Inputs are mapped read-only. Every call gets new
 * activations at a new address, aligned to their elements only; weights stay as they were given to
 * thresher_candidate_prepare until release. Equal inputs must give equal bits, so sums may not depend on which thread
 * comes first. A library must not start processes, and must have no thread running when a function returns.
 */
#ifndef THRESHER_CANDIDATE_H
#define THRESHER_CANDIDATE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define THRESHER_CANDIDATE_ABI 1

/* One NVFP4 matrix [rows, k]: value = e2m1(code) * e4m3(scale) * global_scale. */
typedef struct thresher_candidate_matrix {
  const uint8_t* codes;  /* [rows, k/2], low nibble = even k */
  const uint8_t* scales; /* E4M3 [rows, k/16], row-major */
  float global_scale;
} thresher_candidate_matrix;

/* C_g [m_g, n] = A_g * B_g^T, or act(A_g * gate_g^T) with up_g when gated; fp16 output. */
typedef struct thresher_candidate_problem {
  int32_t gated;   /* 0: plain; 1: silu(gate) * up */
  int32_t threads; /* how many threads a call may use */
  int64_t groups;
  int64_t n;
  int64_t k;                             /* a multiple of 16 */
  int64_t max_rows;                      /* most rows of all groups together in any call */
  const thresher_candidate_matrix* gate; /* [groups], each [n, k]; plain: the weights */
  const thresher_candidate_matrix* up;   /* [groups] when gated, else null */
} thresher_candidate_problem;

typedef struct thresher_candidate_call {
  const uint8_t* a_codes;       /* [rows, k/2] */
  const uint8_t* a_scales;      /* E4M3 [rows, k/16] */
  const float* a_global_scales; /* [groups] */
  const int32_t* offsets;       /* [groups + 1]: group g is rows [offsets[g], offsets[g+1]) */
  uint16_t* out;                /* fp16 [rows, n] */
} thresher_candidate_call;

/* THRESHER_CANDIDATE_ABI of the header it was compiled with. */
int32_t thresher_candidate_abi(void);

/* One line that names the code, for reports. */
const char* thresher_candidate_name(void);

/* Makes whatever calls need from the weights (packs them, say), untimed. Called once for each data set of each case, up
 * to 32 a case, and all their states live at once: threads and large buffers are better shared between them. Returns
 * null and sets *error to a text that lives on when it can't. The problem struct and its arrays may be gone after the
 * call, the matrices stay. */
void* thresher_candidate_prepare(const thresher_candidate_problem* problem, const char** error);

/* Computes one call, timed. Returns 0, or anything else for a failure. */
int32_t thresher_candidate_run(void* state, const thresher_candidate_call* call);

/* Frees what prepare made. */
void thresher_candidate_release(void* state);

#ifdef __cplusplus
}
#endif

#endif
