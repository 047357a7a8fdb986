/* The C interface used from strict C99, through the shared library: sizes, failures and a call of no rows. */
#include <stdio.h>
#include <string.h>

#include "thresher/thresher.h"

static int failures = 0;

static void expect(int holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "failed: %s (last error: %s)\n", what, thresher_last_error());
  ++failures;
}

static void expect_refusals(void) {
  thresher_engine* engine = NULL;
  thresher_weights* weights = NULL;
  expect(thresher_engine_create("block_m=17", &engine) == THRESHER_INVALID_ARGUMENT, "a bad config is refused");
  expect(strstr(thresher_last_error(), "17") != NULL, "the message names the value");
  expect(engine == NULL, "a refused handle is null");
  expect(thresher_weights_create(THRESHER_OP_PLAIN, 1, 8, 17, &weights) != THRESHER_OK, "k = 17 is refused");
  expect(thresher_grouped_gemm(NULL, NULL, NULL) == THRESHER_INVALID_ARGUMENT, "null handles are refused");
}

static void expect_call_of_no_rows(void) {
  const uint8_t codes[8] = {0};
  const uint8_t scales[1] = {0};
  const float global_scale = 1.0f;
  const int32_t offsets[2] = {0, 0};
  thresher_engine* engine = NULL;
  thresher_weights* weights = NULL;
  thresher_nvfp4_view matrix = {0};
  thresher_args args = {0};
  matrix.codes = codes;
  matrix.scales = scales;
  matrix.global_scale = 1.0f;
  matrix.rows = 1;
  matrix.k = 16;
  expect(thresher_engine_create(NULL, &engine) == THRESHER_OK, "an engine is made");
  expect(thresher_weights_create(THRESHER_OP_GATED, 1, 1, 16, &weights) == THRESHER_OK, "weights are made");
  args.struct_size = sizeof args;
  args.a.global_scales = &global_scale;
  args.a.global_scale_count = 1;
  args.a.k = 16;
  args.offsets = offsets;
  args.offset_count = 2;
  args.out.n = 1;
  expect(thresher_grouped_gated_gemm(engine, weights, &args) == THRESHER_INVALID_ARGUMENT, "unpacked is refused");
  expect(thresher_weights_pack_gated(weights, 0, &matrix, &matrix) == THRESHER_OK, "a group is packed");
  expect(thresher_grouped_gated_gemm(engine, weights, &args) == THRESHER_OK, "no rows are fine");
  thresher_weights_destroy(weights);
  thresher_engine_destroy(engine);
}

int main(void) {
  expect(strcmp(thresher_status_name(THRESHER_OK), "ok") == 0, "status 0 is ok");
  expect(strcmp(thresher_last_error(), "") == 0, "no error before the first");
  expect(strlen(thresher_version()) >= 5, "there is a version");
  expect_refusals();
  expect_call_of_no_rows();
  return failures == 0 ? 0 : 1;
}
