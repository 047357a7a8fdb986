// Who computes what: groups into tiles, tiles into equal shares of the CTAs, with no host in the loop.
#pragma once

namespace thresher::sm90 {

// What is known of the partial sums of a share whose work begins within a tile.
enum Flag : u32 { kPending = 0, kGiven = 1, kNothing = 2 };

// A place in the list of all work: `unit` counts stages of k within an entry's group, tile by tile.
struct Place {
  int entry;
  u32 unit;
};

template <Config kConfig>
struct Plan {
  static constexpr int kTileBlocks = kConfig.consumers * kConfig.row_blocks;

  const GroupEntry* table;
  int entries, stages_of_tile, row_tiles;
  u64 total;
  bool one_wave;

  static __device__ __forceinline__ int token_tiles(int tokens) {
    return (tokens + kConfig.tile_tokens - 1) / kConfig.tile_tokens;
  }

  // Tokens of every tile of a group, a multiple of the step: tiles of a group are alike.
  static __device__ __forceinline__ int tile_width(int tokens) {
    const int tiles = token_tiles(tokens);
    if (tiles == 0) return 0;
    const int even = (tokens + tiles - 1) / tiles;
    const int step = even > 128 && kConfig.token_step < 16 ? 16 : kConfig.token_step;
    return (even + step - 1) / step * step;
  }

  // What one stage of a tile costs, in tokens: products take time by the token, dequantising does not.
  static __device__ __forceinline__ u32 stage_cost(int width) {
    return static_cast<u32>(width + kConfig.stage_overhead);
  }

  __device__ __forceinline__ u32 units(int entry) const {
    return static_cast<u32>(row_tiles * token_tiles(table[entry].tokens) * stages_of_tile);
  }

  __device__ __forceinline__ int tiles_of(int entry) const { return row_tiles * token_tiles(table[entry].tokens); }

  // Tiles for nearly every CTA and not one too many: then each takes one. Equal shares would split most of them, and
  // adding the parts up costs more than the few idle CTAs (g2-k1536: 29.8 us instead of 34.7).
  __device__ __forceinline__ bool fits_one_wave(int shares) const {
    int tiles = 0;
    for (int entry = 0; entry < entries && tiles <= shares; ++entry)
      tiles += tiles_of(entry);
    return kConfig.schedule == Schedule::stream_k && tiles <= shares && 8 * tiles >= 7 * shares;
  }

  __device__ __forceinline__ Place begin_of_tile(int tile) const {
    for (int entry = 0; entry < entries; ++entry) {
      if (tile < tiles_of(entry)) return {entry, static_cast<u32>(tile * stages_of_tile)};
      tile -= tiles_of(entry);
    }
    return {entries, 0};
  }

  // Where share `share` of `shares` begins. Pieces shorter than 3 stages go to the neighbour.
  __device__ __forceinline__ Place begin_of(int share, int shares) const {
    if (share >= shares || total == 0) return {entries, 0};
    if (one_wave) return begin_of_tile(share);
    const u64 cost = total * static_cast<u32>(share) / static_cast<u32>(shares);
    int low = 0, high = entries - 1;
    while (low < high) {  // the last entry that begins at or before `cost`
      const int middle = (low + high + 1) / 2;
      if (table[middle].cost <= cost)
        low = middle;
      else
        high = middle - 1;
    }
    u32 unit = static_cast<u32>((cost - table[low].cost) / stage_cost(tile_width(table[low].tokens)));
    const u32 of_tile = static_cast<u32>(stages_of_tile);
    const u32 in_tile = unit % of_tile;
    const u32 shortest = kConfig.schedule == Schedule::stream_k ? 3u : (of_tile + 1u) / 2u;
    if (in_tile < shortest) {
      unit -= in_tile;
    } else if (of_tile - in_tile < shortest) {
      unit += of_tile - in_tile;
    }
    return unit < units(low) ? Place{low, unit} : Place{low + 1, 0};
  }
};

__device__ __forceinline__ bool before(const Place& a, const Place& b) {
  return a.entry < b.entry || (a.entry == b.entry && a.unit < b.unit);
}

// Sum over the lanes up to and including this one.
template <class T>
__device__ __forceinline__ T running_sum(T value) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int step = 1; step < 32; step *= 2) {
    const T other = __shfl_up_sync(~0u, value, step);
    if (lane >= step) value += other;
  }
  return value;
}

// The table, by one warp: groups without tokens left out, the widest first, in the caller's order where widths are
// equal. `places`: 33 counters of shared memory. Gives the number of entries and the cost of all.
template <Config kConfig>
__device__ __forceinline__ void make_table(GroupEntry* table, int* places, const Call& call, int stages_of_tile,
                                           int row_tiles, int& entries, u64& total) {
  using P = Plan<kConfig>;
  const int lane = threadIdx.x % 32;
  const auto tokens_of = [&](int group) {
    return group < call.groups ? call.offsets[group + 1] - call.offsets[group] : 0;
  };
  for (int i = lane; i < 33; i += 32)
    places[i] = 0;
  __syncwarp();
  for (int base = 0; base < call.groups; base += 32) {  // how many have each width
    const int width = 32 - P::tile_width(tokens_of(base + lane)) / 8;
    const u32 alike = __match_any_sync(~0u, width);
    if (lane == __ffs(alike) - 1) places[width] += __popc(alike);
    __syncwarp();
  }
  const int count = places[lane];
  const int sum = running_sum(count);
  entries = __shfl_sync(~0u, sum, 31);
  places[lane] = sum - count;
  if (lane == 0) places[32] = entries;
  __syncwarp();
  int prepared = 0;
  for (int base = 0; base < call.groups; base += 32) {  // each group to its place
    const int group = base + lane, tokens = tokens_of(group);
    const int rows = (tokens + 7) / 8 * 8;
    const int row_sum = running_sum(rows);
    const int width = 32 - P::tile_width(tokens) / 8;
    const u32 alike = __match_any_sync(~0u, width);
    const int place = places[width] + __popc(alike & ((1u << lane) - 1u));
    __syncwarp();
    if (lane == __ffs(alike) - 1) places[width] += __popc(alike);
    __syncwarp();
    if (tokens > 0) table[place] = {0, group, tokens, call.offsets[group], prepared + row_sum - rows};
    prepared += __shfl_sync(~0u, row_sum, 31);
  }
  __syncwarp();
  total = 0;
  for (int base = 0; base < entries; base += 32) {
    const int entry = base + lane;
    u64 own = 0;
    if (entry < entries) {
      const int tokens = table[entry].tokens;
      own = static_cast<u64>(row_tiles * P::token_tiles(tokens)) * static_cast<u32>(stages_of_tile) *
            P::stage_cost(P::tile_width(tokens));
    }
    const u64 cost_sum = running_sum(own);
    if (entry < entries) table[entry].cost = total + cost_sum - own;
    total += __shfl_sync(~0u, cost_sum, 31);
  }
  __syncwarp();
}

}  // namespace thresher::sm90
