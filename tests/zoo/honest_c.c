/* Honest: the entry points in C, without any code of the project but their header. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "thresher/candidate.h"

typedef struct state {
  thresher_candidate_problem problem; /* with matrices of its own */
} state;

static float e2m1(unsigned code) {
  static const float magnitudes[8] = {0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f};
  const float magnitude = magnitudes[code & 7u];
  return (code & 8u) != 0 ? -magnitude : magnitude;
}

static float e4m3(unsigned code) {
  const int exponent = (int)((code >> 3) & 15u);
  const float mantissa = (float)(code & 7u);
  float value = exponent == 0 ? ldexpf(mantissa, -9) : ldexpf(8.0f + mantissa, exponent - 10);
  if ((code & 0x7Fu) == 0x7Fu) value = NAN;
  return (code & 0x80u) != 0 ? -value : value;
}

/* To nearest, ties to even. */
static uint16_t to_half(float value) {
  const uint16_t sign = signbit(value) ? 0x8000u : 0u;
  const float magnitude = fabsf(value);
  int exponent = 0;
  if (isnan(value)) return (uint16_t)(sign | 0x7E00u);
  if (magnitude >= 65520.0f) return (uint16_t)(sign | 0x7C00u);
  if (magnitude < 0x1p-14f) return (uint16_t)(sign | (unsigned)lrintf(ldexpf(magnitude, 24)));
  (void)frexpf(magnitude, &exponent);
  /* 11 significant bits in [1024, 2048]; 2048 carries into the exponent. */
  const unsigned significand = (unsigned)lrintf(ldexpf(magnitude, 11 - exponent));
  return (uint16_t)(sign | ((unsigned)(exponent + 13) * 1024u + significand));
}

static float dot(const uint8_t* a_codes, const uint8_t* a_scales, const uint8_t* b_codes, const uint8_t* b_scales,
                 int64_t k) {
  float sum = 0.0f;
  for (int64_t block = 0; block < k / 16; ++block) {
    const float a_scale = e4m3(a_scales[block]);
    const float b_scale = e4m3(b_scales[block]);
    for (int64_t i = 8 * block; i < 8 * block + 8; ++i) {
      sum += (e2m1(a_codes[i]) * a_scale) * (e2m1(b_codes[i]) * b_scale);
      sum += (e2m1(a_codes[i] >> 4u) * a_scale) * (e2m1(b_codes[i] >> 4u) * b_scale);
    }
  }
  return sum;
}

static float product(const state* self, const thresher_candidate_call* call, const thresher_candidate_matrix* matrix,
                     int64_t group, int64_t row, int64_t col) {
  const int64_t k = self->problem.k;
  const float sum = dot(call->a_codes + row * k / 2, call->a_scales + row * k / 16, matrix->codes + col * k / 2,
                        matrix->scales + col * k / 16, k);
  return sum * (call->a_global_scales[group] * matrix->global_scale);
}

static thresher_candidate_matrix* copy_of(const thresher_candidate_matrix* matrices, int64_t groups) {
  const size_t bytes = (size_t)groups * sizeof(thresher_candidate_matrix);
  thresher_candidate_matrix* copy = malloc(bytes);
  if (copy != NULL) memcpy(copy, matrices, bytes);
  return copy;
}

int32_t thresher_candidate_abi(void) {
  return THRESHER_CANDIDATE_ABI;
}

const char* thresher_candidate_name(void) {
  return ZOO_NAME;
}

void* thresher_candidate_prepare(const thresher_candidate_problem* problem, const char** error) {
  state* self = malloc(sizeof(state));
  if (self == NULL) {
    *error = "out of memory";
    return NULL;
  }
  self->problem = *problem;
  self->problem.gate = copy_of(problem->gate, problem->groups);
  self->problem.up = problem->gated != 0 ? copy_of(problem->up, problem->groups) : NULL;
  return self;
}

int32_t thresher_candidate_run(void* opaque, const thresher_candidate_call* call) {
  const state* self = opaque;
  const thresher_candidate_problem* problem = &self->problem;
  for (int64_t group = 0; group < problem->groups; ++group) {
    for (int64_t row = call->offsets[group]; row < call->offsets[group + 1]; ++row) {
      for (int64_t col = 0; col < problem->n; ++col) {
        float value = product(self, call, problem->gate + group, group, row, col);
        if (problem->gated != 0) {
          value = value / (1.0f + expf(-value)) * product(self, call, problem->up + group, group, row, col);
        }
        call->out[row * problem->n + col] = to_half(value);
      }
    }
  }
  return 0;
}

void thresher_candidate_release(void* opaque) {
  state* self = opaque;
  free((void*)self->problem.gate);
  free((void*)self->problem.up);
  free(self);
}
