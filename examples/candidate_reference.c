/* A complete library candidate for a race: slow, obvious, and right.
 *
 *   cc -O2 -shared -fPIC -Iinclude -o candidate_reference.so examples/candidate_reference.c -lm
 *   thresher compare "" ./candidate_reference.so --case decode-g8-m4
 *
 * docs/candidates.md walks through it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "thresher/candidate.h"

/* Exact values of E2M1 codes 0..7; bit 3 is the sign. */
static const float kMagnitudes[8] = {0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f};

static float e2m1(unsigned code) {
  return (code & 8u) != 0 ? -kMagnitudes[code & 7u] : kMagnitudes[code & 7u];
}

static float e4m3(uint8_t byte) {
  const int exponent = (byte >> 3) & 15;
  const int mantissa = byte & 7;
  if ((byte & 0x7F) == 0x7F) return NAN;
  const float magnitude = exponent == 0 ? ldexpf((float)mantissa, -9) : ldexpf((float)(8 + mantissa), exponent - 10);
  return (byte & 0x80) != 0 ? -magnitude : magnitude;
}

/* What calls need: the sizes, and the two pointers of every matrix. The bytes behind them stay until release; the
 * arrays of the problem may be gone, so they are copied. Packing would happen here, where it is not timed. */
typedef struct {
  thresher_candidate_problem problem;
  thresher_candidate_matrix* gate;
  thresher_candidate_matrix* up;
} State;

static thresher_candidate_matrix* copy(const thresher_candidate_matrix* from, int64_t groups) {
  const size_t bytes = (size_t)groups * sizeof(*from);
  thresher_candidate_matrix* to = malloc(bytes > 0 ? bytes : 1);
  if (to != NULL) memcpy(to, from, bytes);
  return to;
}

/* Row `row` of A times row `column` of B. Doubles hold these sums without an error worth mentioning. */
static double dot(const uint8_t* a_codes, const uint8_t* a_scales, const thresher_candidate_matrix* b, int64_t column,
                  int64_t k) {
  const uint8_t* b_codes = b->codes + column * (k / 2);
  const uint8_t* b_scales = b->scales + column * (k / 16);
  double sum = 0.0;
  for (int64_t block = 0; block < k / 16; ++block) {
    double block_sum = 0.0;
    for (int64_t i = 0; i < 8; ++i) {
      const unsigned a = a_codes[block * 8 + i];
      const unsigned w = b_codes[block * 8 + i];
      block_sum += (double)(e2m1(a & 15u) * e2m1(w & 15u) + e2m1(a >> 4) * e2m1(w >> 4));
    }
    sum += block_sum * (double)e4m3(a_scales[block]) * (double)e4m3(b_scales[block]);
  }
  return sum;
}

int32_t thresher_candidate_abi(void) {
  return THRESHER_CANDIDATE_ABI;
}

const char* thresher_candidate_name(void) {
  return "reference example";
}

void* thresher_candidate_prepare(const thresher_candidate_problem* problem, const char** error) {
  State* state = calloc(1, sizeof(State));
  if (state == NULL) {
    *error = "out of memory";
    return NULL;
  }
  state->problem = *problem;
  state->gate = copy(problem->gate, problem->groups);
  if (problem->gated) state->up = copy(problem->up, problem->groups);
  return state;
}

int32_t thresher_candidate_run(void* opaque, const thresher_candidate_call* call) {
  const State* state = opaque;
  const thresher_candidate_problem* problem = &state->problem;
  const int64_t k = problem->k;
  for (int64_t group = 0; group < problem->groups; ++group) {
    const double a_global = (double)call->a_global_scales[group];
    for (int64_t row = call->offsets[group]; row < call->offsets[group + 1]; ++row) {
      const uint8_t* codes = call->a_codes + row * (k / 2);
      const uint8_t* scales = call->a_scales + row * (k / 16);
      for (int64_t column = 0; column < problem->n; ++column) {
        const thresher_candidate_matrix* gate = &state->gate[group];
        double value = dot(codes, scales, gate, column, k) * a_global * (double)gate->global_scale;
        if (problem->gated) {
          const thresher_candidate_matrix* up = &state->up[group];
          value = value / (1.0 + exp(-value)); /* silu */
          value *= dot(codes, scales, up, column, k) * a_global * (double)up->global_scale;
        }
        const _Float16 rounded = (_Float16)value;
        memcpy(call->out + row * problem->n + column, &rounded, sizeof(rounded));
      }
    }
  }
  return 0;
}

void thresher_candidate_release(void* opaque) {
  State* state = opaque;
  free(state->gate);
  free(state->up);
  free(state);
}
