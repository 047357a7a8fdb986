// Rounding mode, flush-to-zero and denormals-are-zero of the program change no bit of a result.
#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>
#include <cstring>

#include "small_call.hpp"

#if defined(__x86_64__)
#include <xmmintrin.h>

namespace thresher {
namespace {

using testing::SmallCall;

constexpr unsigned kDefault = 0x1F80;
// All exceptions masked; round down; flush to zero; denormals are zero.
constexpr unsigned kUnusual = 0x1F80 | 0x2000 | 0x8000 | 0x0040;

// Sets the control word of every thread of the pool, the caller among them.
void set_everywhere(unsigned mode, int threads) {
#pragma omp parallel num_threads(threads)
  _mm_setcsr(mode);
}

// The control words of the pool that differ from `mode` (the sticky flags of its lowest 6 bits aside).
int differing(unsigned mode, int threads) {
  int count = 0;
#pragma omp parallel num_threads(threads) reduction(+ : count)
  count += (_mm_getcsr() & ~0x3FU) == mode ? 0 : 1;
  return count;
}

std::vector<float> result_of(SmallCall& call, unsigned mode, int threads) {
  std::memset(call.out.data(), testing::kPoison, call.out.size() * sizeof(float));
  set_everywhere(mode, threads);
  call.run();
  EXPECT_EQ(differing(mode, threads), 0) << "a call must put back what the program had set";
  set_everywhere(kDefault, threads);
  return call.out;
}

TEST(FloatMode, OfTheProgramChangesNoBit) {
  constexpr int kThreads = 3;
  for (const IsaStatus& status : cpu_isas()) {
    if (!status.usable) continue;
    for (const Op op : {Op::plain, Op::gated}) {
      // A scale whose products round, and one whose products are subnormal.
      for (const float scale : {0.1f, std::ldexp(3.0f, -140)}) {
        SmallCall call(op, {0, 20, 40, 133}, {.isa = status.isa, .threads = kThreads});
        call.a_scale = scale;
        for (std::size_t i = 0; i < call.bias.size(); ++i)
          call.bias[i] = scale / static_cast<float>(i + 3);
        call.args.bias = call.bias;
        const std::vector<float> usual = result_of(call, kDefault, kThreads);
        const std::vector<float> unusual = result_of(call, kUnusual, kThreads);
        EXPECT_EQ(std::memcmp(usual.data(), unusual.data(), usual.size() * sizeof(float)), 0)
            << to_string(status.isa) << " " << to_string(op) << " scale " << scale;
        // The product of two subnormal numbers is rightly 0.
        EXPECT_TRUE(op == Op::gated || usual.back() != 0.0f);
      }
    }
  }
}

}  // namespace
}  // namespace thresher
#endif
