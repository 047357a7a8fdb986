/* Two experts, a few tokens each, C = A * B^T: the whole C interface in one program.
 *
 * Every weight and activation is a small number, so the answer can be told by hand and is checked at the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thresher/thresher.h"

enum { kGroups = 2, kN = 48, kK = 64, kRows = 5 };

/* E2M1 code 2 is 1.0; a byte holds two codes, the even k in its low nibble. */
static const uint8_t kTwoOnes = 0x22;

/* E4M3 0x38 is 1.0: every block of 16 elements has such a scale. */
static const uint8_t kScaleOne = 0x38;

/* The library never prints and never exits: what a failure means is the program's decision. */
static void check(thresher_status status, const char* what) {
  if (status == THRESHER_OK) return;
  fprintf(stderr, "%s: %s: %s\n", what, thresher_status_name((int)status), thresher_last_error());
  exit(1);
}

/* Packs both experts. A matrix [n, k] is needed only while it is packed, so one buffer serves all experts. */
static thresher_weights* pack_experts(void) {
  static uint8_t codes[kN * kK / 2];
  static uint8_t scales[kN * kK / 16];
  thresher_weights* weights = NULL;
  check(thresher_weights_create(THRESHER_OP_PLAIN, kGroups, kN, kK, &weights), "create weights");
  for (int64_t group = 0; group < kGroups; ++group) {
    memset(codes, kTwoOnes, sizeof codes);
    memset(scales, kScaleOne, sizeof scales);
    thresher_nvfp4_view matrix = {0};
    matrix.codes = codes;
    matrix.scales = scales;
    matrix.global_scale = group == 0 ? 0.5f : 2.0f; /* each expert has its own */
    matrix.scale_layout = THRESHER_SCALES_ROW_MAJOR;
    matrix.rows = kN;
    matrix.k = kK;
    check(thresher_weights_pack(weights, group, &matrix), "pack");
  }
  return weights;
}

/* Runs the call: rows 0..2 belong to expert 0, rows 3..4 to expert 1. */
static void multiply(const thresher_engine* engine, const thresher_weights* weights, float* c) {
  static uint8_t codes[kRows * kK / 2];
  static uint8_t scales[kRows * kK / 16];
  const int32_t offsets[kGroups + 1] = {0, 3, kRows};
  const float global_scale = 1.0f;
  memset(codes, kTwoOnes, sizeof codes);
  memset(scales, kScaleOne, sizeof scales);

  /* A call allocates nothing: its scratch memory comes from here, once, for the most rows of any call. */
  size_t bytes = 0;
  check(thresher_workspace_bytes(engine, weights, kRows, &bytes), "workspace size");
  void* workspace = aligned_alloc(64, (bytes + 63) / 64 * 64);
  if (workspace == NULL) exit(1);

  thresher_args args = {0};
  args.struct_size = sizeof args;
  args.a.type = THRESHER_OPERAND_NVFP4;
  args.a.data = codes;
  args.a.scales = scales;
  args.a.global_scales = &global_scale; /* one for all groups */
  args.a.global_scale_count = 1;
  args.a.rows = kRows;
  args.a.k = kK;
  args.offsets = offsets;
  args.offset_count = kGroups + 1;
  args.out.type = THRESHER_OUTPUT_FP32;
  args.out.data = c;
  args.out.rows = kRows;
  args.out.n = kN;
  args.workspace = workspace;
  args.workspace_bytes = bytes;
  check(thresher_grouped_gemm(engine, weights, &args), "grouped gemm");
  free(workspace);
}

int main(void) {
  /* No config: kernel and blocks are chosen for the problem and this machine. */
  thresher_engine* engine = NULL;
  check(thresher_engine_create(NULL, &engine), "create engine");
  thresher_weights* weights = pack_experts();

  static float c[kRows * kN];
  multiply(engine, weights, c);

  /* k products of 1 * 1, times the global scale of the expert that the row belongs to: exact in any order. */
  int wrong = 0;
  for (int row = 0; row < kRows; ++row) {
    const float expected = (row < 3 ? 0.5f : 2.0f) * kK;
    for (int column = 0; column < kN; ++column)
      wrong += c[row * kN + column] != expected;
  }
  printf("thresher %s: expert 0 gives %g, expert 1 gives %g, %d wrong\n", thresher_version(), (double)c[0],
         (double)c[3 * kN], wrong);

  thresher_weights_destroy(weights);
  thresher_engine_destroy(engine);
  return wrong == 0 ? 0 : 1;
}
