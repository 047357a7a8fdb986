/* The C interface of Thresher: NVFP4 grouped GEMM and grouped gated dual GEMM over plain structs and opaque handles.
 *
 * Rules of all functions:
 * - Every function that can fail returns a thresher_status: 0 is success, the others say why. After a failure
 *   thresher_last_error() of the same thread tells the offending value and the way out, and nothing was written
 *   except where stated. Nothing throws, prints or exits, and a null pointer is refused, not followed.
 * - All memory that a struct points to belongs to the caller. It must stay valid during the call and no longer.
 * - Sizes and counts are numbers of elements unless the name ends in `bytes`.
 * - Matrices are row-major and dense: there is no padding between rows.
 * - Different handles may be used from different threads at once. One engine and one set of packed weights may serve
 *   many calls at once, each with its own output and workspace. Packing different groups at once is safe.
 */
#ifndef THRESHER_THRESHER_H
#define THRESHER_THRESHER_H

#include <stddef.h>
#include <stdint.h>

#include "thresher/version.hpp" /* macros only, so C reads it too */

#if defined(__GNUC__)
#define THRESHER_API __attribute__((visibility("default")))
#else
#define THRESHER_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Why a call failed. The numbers never change; new ones may be appended. */
typedef enum thresher_status {
  THRESHER_OK = 0,
  THRESHER_INVALID_ARGUMENT = 1, /**< A value that no device could accept. */
  THRESHER_UNSUPPORTED = 2,      /**< Valid, but not on this device, instruction set or build. */
  THRESHER_OUT_OF_MEMORY = 3,    /**< An allocation failed, or a size does not fit the address space. */
  THRESHER_IO = 4,               /**< A file could not be read or written. */
  THRESHER_PARSE = 5,            /**< A text is not what it must be. */
  THRESHER_ENVIRONMENT = 6,      /**< An environment variable or the machine itself is in the way. */
  THRESHER_INTERNAL = 7          /**< A broken invariant: please report it. */
} thresher_status;

/* The values of the int32_t fields and parameters below. */

/** What is computed. */
enum {
  THRESHER_OP_PLAIN = 0, /**< C = A * B^T + bias */
  THRESHER_OP_GATED = 1  /**< C = act(A * B1^T + bias, A * B2^T + bias_up) */
};

/** Type of the activations A. */
enum { THRESHER_OPERAND_NVFP4 = 0, THRESHER_OPERAND_FP16 = 1, THRESHER_OPERAND_BF16 = 2 };

/** Type of the result C. */
enum { THRESHER_OUTPUT_FP16 = 0, THRESHER_OUTPUT_BF16 = 1, THRESHER_OUTPUT_FP32 = 2, THRESHER_OUTPUT_NVFP4 = 3 };

/** How the gated op joins the products g (gate) and u (up). */
enum {
  THRESHER_SILU = 0,       /**< g * sigmoid(g) * u */
  THRESHER_SWIGLU_OAI = 1, /**< g = min(g, limit), u = clamp(u, +-limit): (u + beta) * g * sigmoid(alpha * g) */
  THRESHER_GELU_TANH = 2,  /**< 0.5 * g * (1 + tanh(sqrt(2/pi) * (g + 0.044715 g^3))) * u */
  THRESHER_RELU2 = 3       /**< max(g, 0)^2 * u */
};

/** How the E4M3 scales of a weight matrix lie in memory. */
enum {
  THRESHER_SCALES_ROW_MAJOR = 0,     /**< [rows, k/16] */
  THRESHER_SCALES_SWIZZLED_128X4 = 1 /**< [ceil(rows/128)][ceil(k/64)][32][4][4], 16-byte aligned */
};

/** One NVFP4 matrix [rows, k] to be packed: value = e2m1(code) * e4m3(scale) * global_scale. */
typedef struct thresher_nvfp4_view {
  const uint8_t* codes;  /**< [rows, k/2] bytes; the low nibble is the even k */
  const uint8_t* scales; /**< E4M3, one for 16 elements along k; see scale_layout */
  float global_scale;    /**< multiplier of the whole matrix; finite */
  int32_t scale_layout;  /**< THRESHER_SCALES_* */
  int64_t rows;          /**< n of the weights */
  int64_t k;             /**< elements (not bytes) of a row; a multiple of 16 */
} thresher_nvfp4_view;

/** The activations A of all groups, rows concatenated: [rows, k]. The last three pointers are for NVFP4 only. */
typedef struct thresher_operand_view {
  int32_t type;               /**< THRESHER_OPERAND_* */
  const void* data;           /**< nvfp4: codes [rows, k/2]; fp16, bf16: [rows, k], 2-byte aligned */
  const uint8_t* scales;      /**< E4M3 [rows, k/16] row-major */
  const float* global_scales; /**< one for all groups, or one for each; finite */
  int64_t global_scale_count; /**< 1 or groups */
  int64_t rows;               /**< of all groups together; may be 0 */
  int64_t k;                  /**< k of the weights */
} thresher_operand_view;

/** The result C of all groups, rows concatenated: [rows, n]. */
typedef struct thresher_output_view {
  int32_t type;       /**< THRESHER_OUTPUT_* */
  void* data;         /**< fp16, bf16, fp32: [rows, n]; nvfp4: codes [rows, n/2], n a multiple of 16 */
  uint8_t* scales;    /**< nvfp4 only: E4M3 [rows, n/16] row-major */
  float global_scale; /**< nvfp4 only: the scale to quantise with; finite and above 0 */
  int64_t rows;       /**< rows of A */
  int64_t n;          /**< n of the weights */
} thresher_output_view;

/** The activation of the gated op. alpha, beta and limit are read by THRESHER_SWIGLU_OAI only. */
typedef struct thresher_activation {
  int32_t kind; /**< THRESHER_SILU, ... */
  float alpha;  /**< 1.702 in the models that introduced it */
  float beta;   /**< 1 */
  float limit;  /**< 7; finite and above 0, the largest float for no limit */
} thresher_activation;

/** What a call really did, counted where it happened. */
typedef struct thresher_call_report {
  int32_t isa;                /**< index of the kernel that ran: 1 portable, 2 avx2, 3 avx512, 4 amx */
  int32_t reserved;           /**< 0 */
  int64_t threads;            /**< threads that took part */
  int64_t tasks;              /**< (group, m block, n block) units run */
  int64_t token_blocks;       /**< m blocks over all groups */
  int64_t panels_dequantised; /**< panels times k blocks */
  int64_t panels_ahead;       /**< ... of which while another panel multiplied */
  int64_t panels_handed_over; /**< ... of which by a specialised thread for another */
  int64_t lines_prefetched;   /**< 64-byte lines of packed weights asked for ahead of use */
  int64_t lines_streamed;     /**< 64-byte lines written past the cache */
} thresher_call_report;

/** One call. Set everything to zero, then struct_size, then what the call needs. */
typedef struct thresher_args {
  size_t struct_size;             /**< sizeof(thresher_args): lets later versions append fields */
  thresher_operand_view a;        /**< [rows, k] */
  const int32_t* offsets;         /**< [groups + 1] row numbers, first 0, never descending, last = rows */
  int64_t offset_count;           /**< groups + 1; group g is rows offsets[g] to offsets[g + 1] - 1 */
  thresher_output_view out;       /**< [rows, n]; must not overlap with anything else of the call */
  const float* bias;              /**< [groups, n] or null; gated: of the gate product */
  int64_t bias_count;             /**< groups * n, or 0 */
  const float* bias_up;           /**< [groups, n] or null; gated only */
  int64_t bias_up_count;          /**< groups * n, or 0 */
  thresher_activation activation; /**< gated only */
  void* workspace;                /**< 64-byte aligned, of the caller; contents are undefined afterwards */
  size_t workspace_bytes;         /**< at least thresher_workspace_bytes() */
  thresher_call_report* report;   /**< null, or where to write what the call did */
} thresher_args;

/** An instruction set of this build. The texts live as long as the process. */
typedef struct thresher_isa_info {
  const char* name;    /**< "amx", "avx512", "avx2", "portable" */
  int32_t usable;      /**< 1 when this machine can run it */
  const char* why_not; /**< empty when usable, else what is missing */
} thresher_isa_info;

/** Chooses and runs kernels. Destroy with thresher_engine_destroy(). */
typedef struct thresher_engine thresher_engine;

/** The packed weights of all groups. Destroy with thresher_weights_destroy(). */
typedef struct thresher_weights thresher_weights;

/** "major.minor.patch" of the library that runs, which may differ from THRESHER_VERSION_* of this header. */
THRESHER_API const char* thresher_version(void);

/** Name of a status, e.g. "invalid_argument"; "unknown" for a number that is none. */
THRESHER_API const char* thresher_status_name(int status);

/** What was wrong with the latest failed call of this thread; "" before the first. Valid until the next failure of
 *  this thread; long messages are cut at 1023 characters. */
THRESHER_API const char* thresher_last_error(void);

/** Number of instruction sets that thresher_isa() can tell about; best first. 0 only after a failure. */
THRESHER_API int32_t thresher_isa_count(void);

/** Fills `info` about instruction set `index`, 0 <= index < thresher_isa_count(). */
THRESHER_API thresher_status thresher_isa(int32_t index, thresher_isa_info* info);

/** Makes an engine. `config` is null or "" for a config chosen for each problem, else fields such as
 *  "isa=avx2,block_m=64,threads=4"; fields left out stay automatic. The environment variable THRESHER_CPU_ISA
 *  overrides `isa`. On failure *engine is set to null. */
THRESHER_API thresher_status thresher_engine_create(const char* config, thresher_engine** engine);

/** Frees an engine; null is allowed. */
THRESHER_API void thresher_engine_destroy(thresher_engine* engine);

/** Writes the config that calls with these weights and offsets would run with, as text with every field, to `text`
 *  (with its terminator). *needed_bytes is set to the bytes of the whole text with terminator, also when `text_bytes`
 * is too small, which is refused. `text` may be null with text_bytes = 0 to ask for the size alone, which succeeds. */
THRESHER_API thresher_status thresher_engine_resolve(const thresher_engine* engine, const thresher_weights* weights,
                                                     const int32_t* offsets, int64_t offset_count, int32_t output_type,
                                                     char* text, size_t text_bytes, size_t* needed_bytes);

/** Allocates the packed weights of `groups` groups: [n, k] each, two of them when `op` is THRESHER_OP_GATED. About
 *  0.5625 bytes an element. On failure *weights is set to null. */
THRESHER_API thresher_status thresher_weights_create(int32_t op, int64_t groups, int64_t n, int64_t k,
                                                     thresher_weights** weights);

/** Frees weights; null is allowed. No call may be using them. */
THRESHER_API void thresher_weights_destroy(thresher_weights* weights);

/** Packs group `group` of plain weights. The view is copied from: its memory is free for reuse afterwards.
 *  Packing a group again replaces it. */
THRESHER_API thresher_status thresher_weights_pack(thresher_weights* weights, int64_t group,
                                                   const thresher_nvfp4_view* matrix);

/** Packs group `group` of gated weights: gate and up, each with its own global scale. */
THRESHER_API thresher_status thresher_weights_pack_gated(thresher_weights* weights, int64_t group,
                                                         const thresher_nvfp4_view* gate,
                                                         const thresher_nvfp4_view* up);

/** Sets *bytes to the memory that the packed weights occupy. */
THRESHER_API thresher_status thresher_weights_bytes(const thresher_weights* weights, size_t* bytes);

/** Sets *bytes to the workspace that any call with at most `max_rows` rows needs with these weights. */
THRESHER_API thresher_status thresher_workspace_bytes(const thresher_engine* engine, const thresher_weights* weights,
                                                      int64_t max_rows, size_t* bytes);

/** C = A * B^T + bias for every group. Checks every argument before any work; allocates nothing. */
THRESHER_API thresher_status thresher_grouped_gemm(const thresher_engine* engine, const thresher_weights* weights,
                                                   const thresher_args* args);

/** C = act(A * B1^T + bias, A * B2^T + bias_up) for every group. As above. */
THRESHER_API thresher_status thresher_grouped_gated_gemm(const thresher_engine* engine, const thresher_weights* weights,
                                                         const thresher_args* args);

#ifdef __cplusplus
}
#endif

#endif /* THRESHER_THRESHER_H */
