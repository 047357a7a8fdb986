// Draws the configs and deals them to seeds.
#include "cli/gpu_random_config.hpp"

#include <cstddef>
#include <string>

#include "format/random.hpp"
#include "gpu/sm90_config.hpp"
#include "thresher/error.hpp"

namespace thresher::cli {
namespace {

constexpr std::int32_t kTileRows[] = {64, 128, 256, 512};
constexpr Sm90Products kProducts[] = {Sm90Products::warpgroup, Sm90Products::warp};
constexpr Sm90Schedule kSchedules[] = {Sm90Schedule::static_tiles, Sm90Schedule::stream_k};
// Of the drawn knobs, so that every version of the program on every machine tries the same ones.
constexpr std::uint64_t kSeed = 0x5390;

template <typename T, std::size_t kCount>
T pick(Random& random, const T (&choices)[kCount]) {
  return choices[random.below(kCount)];
}

// Plain and gated kernels differ in the shared memory that they need.
bool runs(const Sm90Config& config) {
  if (!why_invalid(config).empty()) return false;
  for (const Op op : {Op::plain, Op::gated}) {
    const gpu::Sm90Traits traits{.op = op};
    for (const std::int64_t rows : {std::int64_t{1}, std::int64_t{1} << 20}) {
      if (!gpu::why_not(gpu::resolve(config, traits, {.rows = rows}), traits).empty()) return false;
    }
  }
  return true;
}

}  // namespace

std::vector<Sm90Config> gpu_verify_configs() {
  constexpr std::int32_t kTileTokens[] = {8, 16, 24, 32, 64, 128, 256};
  constexpr std::int32_t kSteps[] = {8, 16, 32, 64};
  constexpr std::int32_t kTileK[] = {64, 128};
  constexpr std::int32_t kStages[] = {0, 2, 3};
  constexpr int kTries = 1000;
  Random random(kSeed);
  std::vector<Sm90Config> configs;
  for (std::size_t i = 0; i < std::size(kTileRows) * std::size(kProducts); ++i) {
    const std::size_t row = i % std::size(kTileRows);
    const std::size_t product = i / std::size(kTileRows);
    Sm90Config config{.tile_rows = kTileRows[row],
                      .products = kProducts[product],
                      .scheduler = kSchedules[(row + product) % std::size(kSchedules)]};
    // Steps are drawn beside explicit tile_tokens only: where those are chosen by the rows, a step may not divide them.
    for (int attempt = 0; attempt < kTries; ++attempt) {
      config.tile_tokens = pick(random, kTileTokens);
      config.token_step = pick(random, kSteps);
      config.tile_k = pick(random, kTileK);
      config.ab_stages = pick(random, kStages);
      if (runs(config)) break;
    }
    if (!runs(config)) throw Error(ErrorCode::internal, "no knobs were found around '" + to_text(config) + "'");
    configs.push_back(config);
  }
  // The largest tile of tokens, which few problems of verify are large enough to get by themselves.
  configs.push_back({.tile_rows = 128, .tile_tokens = 256, .products = Sm90Products::warpgroup});
  return configs;
}

Sm90Config random_gpu_config(std::uint64_t seed) {
  Random random(mix64(seed) + kSeed);
  const bool automatic = random.below(2) == 0;
  const std::vector<Sm90Config> configs = gpu_verify_configs();
  const Sm90Config drawn = configs[random.below(configs.size())];
  return automatic ? Sm90Config{} : drawn;
}

}  // namespace thresher::cli
