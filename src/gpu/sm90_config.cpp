// The rules of the Hopper kernels' knobs, in one place.
#include "gpu/sm90_config.hpp"

#include <algorithm>
#include <bit>

namespace thresher::gpu {
namespace {

constexpr int kGroupsStep = 128;  // the table of groups grows by this many, so that few kernels differ in it
constexpr std::int64_t kMostGroups = 2048;
constexpr int kMostStages = 12;

// Measured on an H200 (results/README.md): which shape wins at how many rows a group, on average.
struct Choice {
  std::int64_t rows_per_group;  // at most
  int tile_rows, tile_tokens, tile_k;
  Sm90Products products;
  int stage_overhead;
};
constexpr Choice kChoices[] = {
    {12, 512, 16, 128, Sm90Products::warp, 60},
    {64, 256, 64, 128, Sm90Products::warpgroup, 110},
    {176, 256, 128, 128, Sm90Products::warpgroup, 110},
    {std::int64_t{1} << 62, 128, 256, 64, Sm90Products::warpgroup, 100},
};

constexpr const Choice& kManyTokens = kChoices[2];

// Tiles that tell which shape a problem gets; sm_90 has 132 multiprocessors, cut-down ones 114.
constexpr std::int64_t kOneWave = 132;

const Choice& choice_for(const Sm90Traits& traits, const Sm90Size& size) {
  const std::int64_t groups = std::max<std::int64_t>(traits.groups, 1);
  const std::int64_t average = (size.rows + groups - 1) / groups;
  // Where tiles of 256 rows and 128 tokens make one wave, nothing is gained from wider ones that would be split.
  const std::int64_t columns = kManyTokens.tile_rows / (traits.op == Op::gated ? 2 : 1);
  const std::int64_t tiles = (size.n + columns - 1) / columns * ((size.rows + 127) / 128);
  if (average > kManyTokens.rows_per_group && tiles <= kOneWave) return kManyTokens;
  return *std::find_if(std::begin(kChoices), std::end(kChoices),
                       [&](const Choice& one) { return average <= one.rows_per_group; });
}

std::string refuse(const char* field, std::int64_t value, const std::string& need) {
  return std::string(field) + " = " + std::to_string(value) + ": " + need;
}

bool open(std::int32_t value) {
  return value == 0;
}

int row_blocks_of(const Sm90Config& config) {
  return config.tile_rows / sm90::kBlockRows / std::max(config.consumers, 1);
}

std::string why_not_fields(const Sm90Config& c) {
  if (!open(c.tile_rows) && c.tile_rows != 64 && c.tile_rows != 128 && c.tile_rows != 256 && c.tile_rows != 512)
    return refuse("tile_rows", c.tile_rows,
                  "give 64, 128, 256 or 512 (parts or wholes of packed quads of 4 x 64 rows)");
  if (!open(c.consumers) && c.consumers != 1 && c.consumers != 2 && c.consumers != 4)
    return refuse("consumers", c.consumers, "give 1, 2 or 4 warpgroups");
  if (!open(c.tile_k) && c.tile_k != 64 && c.tile_k != 128) return refuse("tile_k", c.tile_k, "give 64 or 128");
  if (c.tile_tokens < 0 || c.tile_tokens > 256 || c.tile_tokens % 8 != 0)
    return refuse("tile_tokens", c.tile_tokens, "give a multiple of 8 up to 256, which one instruction multiplies");
  if (c.tile_tokens > 128 && c.tile_tokens % 16 != 0)
    return refuse("tile_tokens", c.tile_tokens, "above 128 give a multiple of 16");
  if (!open(c.token_step) &&
      (c.token_step < 8 || c.token_step > 256 || !std::has_single_bit(static_cast<unsigned>(c.token_step))))
    return refuse("token_step", c.token_step, "give 8, 16, 32, 64, 128 or 256");
  if (c.ab_stages < 0 || c.ab_stages == 1 || c.ab_stages > 64)
    return refuse("ab_stages", c.ab_stages, "give 2 to 64: with one, copying waits for multiplying");
  if (c.stage_overhead < -1 || c.stage_overhead > 100000)
    return refuse("stage_overhead", c.stage_overhead, "give 0 to 100000 tokens, or -1 to have it chosen");
  return {};
}

}  // namespace

sm90::Config device_config(const Sm90Config& config, const Sm90Traits& traits) {
  sm90::Config d{};
  d.op = traits.op == Op::gated ? sm90::Operation::gated : sm90::Operation::plain;
  d.half = traits.operand == OperandType::bf16 ? sm90::Half::bf16 : sm90::Half::fp16;
  d.result = static_cast<sm90::Result>(static_cast<int>(traits.output));
  d.gate = traits.op == Op::gated ? static_cast<sm90::Gate>(static_cast<int>(traits.activation)) : sm90::Gate::silu;
  d.bias = traits.bias;
  d.consumers = config.consumers;
  d.row_blocks = row_blocks_of(config);
  d.tile_tokens = config.tile_tokens;
  d.token_step = config.token_step;
  d.tile_k = config.tile_k;
  d.stages = config.ab_stages;
  d.products = config.products == Sm90Products::warp ? sm90::Products::warp : sm90::Products::warpgroup;
  d.schedule = config.scheduler == Sm90Schedule::static_tiles ? sm90::Schedule::static_tiles : sm90::Schedule::stream_k;
  d.stage_overhead = config.stage_overhead;
  d.max_groups =
      static_cast<int>((std::max<std::int64_t>(traits.groups, 1) + kGroupsStep - 1) / kGroupsStep) * kGroupsStep;
  return d;
}

Sm90Config resolve(const Sm90Config& asked, const Sm90Traits& traits, const Sm90Size& size) {
  const Choice& choice = choice_for(traits, size);
  Sm90Config c = asked;
  if (open(c.tile_tokens)) c.tile_tokens = std::max(choice.tile_tokens, c.token_step);
  if (open(c.tile_rows)) c.tile_rows = c.tile_tokens > 128 ? 128 : open(asked.tile_tokens) ? choice.tile_rows : 256;
  if (open(c.consumers)) c.consumers = c.tile_rows == 64 ? 1 : c.tile_rows == 512 ? 4 : 2;
  if (open(c.token_step)) c.token_step = 8;
  if (open(c.tile_k)) c.tile_k = c.tile_tokens > 128 ? 64 : choice.tile_k;
  if (c.products == Sm90Products::automatic)
    c.products = c.tile_tokens <= 16 ? Sm90Products::warp : Sm90Products::warpgroup;
  if (c.scheduler == Sm90Schedule::automatic) c.scheduler = Sm90Schedule::stream_k;
  if (c.stage_overhead < 0) c.stage_overhead = choice.stage_overhead;
  if (open(c.ab_stages)) {
    c.ab_stages = kMostStages;
    while (c.ab_stages > 2 && sm90::layout_of(device_config(c, traits)).shared_bytes > kSharedBudget)
      --c.ab_stages;
  }
  return c;
}

std::string why_not(const Sm90Config& c, const Sm90Traits& traits) {
  if (std::string reason = why_not_fields(c); !reason.empty()) return reason;
  const int row_blocks = row_blocks_of(c);
  if (row_blocks * c.consumers * sm90::kBlockRows != c.tile_rows || row_blocks < 1 || row_blocks > 2)
    return refuse("tile_rows", c.tile_rows,
                  "give 64 or 128 rows a consumer (consumers = " + std::to_string(c.consumers) + ")");
  if (c.tile_tokens % c.token_step != 0)
    return refuse("token_step", c.token_step, "give a divisor of tile_tokens = " + std::to_string(c.tile_tokens));
  const int most = c.consumers == 4 || c.products == Sm90Products::warp ? 128 : 256;
  if (row_blocks * c.tile_tokens > most)
    return refuse("tile_tokens", c.tile_tokens,
                  "the sums of " + std::to_string(row_blocks) + " x 64 rows a consumer leave registers for " +
                      std::to_string(most / row_blocks) + " tokens at most");
  if (traits.groups > kMostGroups)
    return refuse("groups", traits.groups,
                  "at most " + std::to_string(kMostGroups) + " fit the table in shared memory; split the call");
  const int shared = sm90::layout_of(device_config(c, traits)).shared_bytes;
  if (shared > kSharedBudget)
    return refuse("ab_stages", c.ab_stages,
                  "they need " + std::to_string(shared) + " bytes of shared memory, a CTA has " +
                      std::to_string(kSharedBudget) + "; take fewer, or smaller tiles");
  return {};
}

}  // namespace thresher::gpu

namespace thresher {

std::string why_invalid(const Sm90Config& config) {
  const gpu::Sm90Traits traits;
  if (std::string reason = gpu::why_not_fields(config); !reason.empty()) return reason;
  return gpu::why_not(gpu::resolve(config, traits, {.rows = 128}), traits);
}

}  // namespace thresher
