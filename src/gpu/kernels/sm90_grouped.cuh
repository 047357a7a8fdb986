// Grouped NVFP4 GEMM and gated dual GEMM on Hopper: one persistent CTA an SM, one warp that copies, warpgroups that
// dequantise weights into registers and multiply. The weights are the products' 64 rows, the tokens their columns.
#pragma once

namespace thresher::sm90 {

template <Config kConfig>
struct Grouped {
  using P = Plan<kConfig>;
  static constexpr Layout kLayout = layout_of(kConfig);
  static constexpr int kTileBlocks = kLayout.tile_blocks;
  static constexpr int kBlocksOfStage = kLayout.blocks_of_stage;
  static constexpr int kStages = kConfig.stages;
  static constexpr int kSide =
      kTileBlocks < kQuad ? kTileBlocks : kQuad;  // row blocks that lie side by side in a stage
  // A stage is multiplied in batches, so that one is dequantised while another multiplies: each 64 k of a row block, or
  // half of that where a stage has no more than one. Fragments of even and odd batches lie in different registers.
  static constexpr int kBatches = kBlocksOfStage * kConfig.row_blocks < 2 ? 2 : kBlocksOfStage * kConfig.row_blocks;
  static constexpr int kSteps = 4 * kBlocksOfStage * kConfig.row_blocks / kBatches;  // products of 16 k in a batch
  static_assert(kConfig.row_blocks == 1 || kConfig.row_blocks == 2);
  static_assert(kConfig.tile_k == 64 || kConfig.tile_k == 128);
  static_assert(kTileBlocks == 1 || kTileBlocks == 2 || kTileBlocks % kQuad == 0,
                "a tile is part of a quad or whole quads");

  // The state of the ring: stage and the parity of its turn.
  struct Ring {
    int stage = 0;
    u32 parity = 0;
    __device__ __forceinline__ void advance() {
      if (++stage == kStages) {
        stage = 0;
        parity ^= 1;
      }
    }
  };

  const Call& call;
  P plan;
  u8* memory;
  u32 memory_at;
  int share;

  __device__ __forceinline__ u32 full(int stage) const { return memory_at + kLayout.barriers_at + 16 * stage; }
  __device__ __forceinline__ Piece* piece_of(int stage) const {
    return reinterpret_cast<Piece*>(memory + kLayout.pieces_at) + stage;
  }
  __device__ __forceinline__ u32 empty(int stage) const { return memory_at + kLayout.barriers_at + 16 * stage + 8; }

  // How many shares begin within the tile that this share leaves unfinished.
  __device__ __forceinline__ int helpers_of(const Place& end) const {
    const u32 of_tile = static_cast<u32>(plan.stages_of_tile);
    const Place tile_end{end.entry, end.unit - end.unit % of_tile + of_tile};
    int last = share + 1;
    while (before(plan.begin_of(last + 1, call.shares), tile_end))
      ++last;
    return last - share;
  }

  __device__ __forceinline__ Piece piece_at(const Place& place, const Place& end) const {
    Piece piece;
    const u32 of_tile = static_cast<u32>(plan.stages_of_tile);
    const u32 tile = place.unit / of_tile;
    const u32 in_tile = place.unit % of_tile;
    const u32 left = end.entry == place.entry ? end.unit - place.unit : of_tile;
    const int tokens = plan.table[place.entry].tokens;
    const u32 token_tiles = static_cast<u32>(P::token_tiles(tokens));
    piece.entry = place.entry;
    piece.width = P::tile_width(tokens);
    piece.first_stage = static_cast<int>(in_tile);
    piece.stages = static_cast<int>(left < of_tile - in_tile ? left : of_tile - in_tile);
    piece.first_block = static_cast<int>(tile / token_tiles) * kTileBlocks;
    piece.first_token = static_cast<int>(tile % token_tiles) * piece.width;
    piece.unused = 0;
    const bool unfinished = in_tile == 0 && piece.stages < plan.stages_of_tile;
    piece.helpers = unfinished ? helpers_of(end) : 0;
    return piece;
  }

  __device__ __forceinline__ Place after(const Place& place, const Piece& piece) const {
    const u32 unit = place.unit + static_cast<u32>(piece.stages);
    return unit < plan.units(place.entry) ? Place{place.entry, unit} : Place{place.entry + 1, 0};
  }

  // --- the threads that copy ---

  // NOTE: one thread each for weights and for tokens. What a copy needs is ready before its turn, because this loop is
  // the pulse of the whole CTA: with addresses worked out a stage at a time it took 1,000 cycles, more than most
  // stages.
  __device__ __forceinline__ void produce_weights(Place place, const Place& end) {
    const u64 policy = policy_evict_first();
    Ring ring;
    while (before(place, end)) {
      const Piece piece = piece_at(place, end);
      const u64 quads = static_cast<u64>(call.blocks / kQuad);
      const u64 quad = plan.table[piece.entry].group * quads + piece.first_block / kQuad;
      const u64 to_next_quad = static_cast<u64>(call.k_blocks) * (kQuad * kPackedBytes);
      const u8* from =
          call.weights + quad * to_next_quad +
          (piece.first_stage * kBlocksOfStage * kQuad + piece.first_block % kQuad) * static_cast<u64>(kPackedBytes);
      // NOTE: quads beyond the last one of the group are not there to copy; nothing that is made of them is stored.
      const int blocks = min(kTileBlocks, call.blocks - piece.first_block);
      for (int stage = 0; stage < piece.stages;
           ++stage, ring.advance(), from += kBlocksOfStage * kQuad * kPackedBytes) {
        const u32 bar = full(ring.stage), to = memory_at + kLayout.weights_at + ring.stage * kLayout.weight_stage;
        barrier_wait(empty(ring.stage), ring.parity ^ 1);
        if (stage == 0) *piece_of(ring.stage) = piece;
        barrier_arrive_expect(bar,
                              static_cast<u32>(kBlocksOfStage * (blocks * kPackedBytes + piece.width * kTokenBytes)));
        if constexpr (kSide == kQuad) {
#pragma unroll
          for (int q = 0; q < kTileBlocks / kQuad; ++q)
            if (q * kQuad < blocks)
              copy_to_shared(to + q * (kBlocksOfStage * kQuad * kPackedBytes), from + q * to_next_quad,
                             kBlocksOfStage * kQuad * kPackedBytes, bar, policy);
        } else {
#pragma unroll
          for (int block = 0; block < kBlocksOfStage; ++block)
            copy_to_shared(to + block * (kSide * kPackedBytes), from + block * (kQuad * kPackedBytes),
                           kSide * kPackedBytes, bar, policy);
        }
      }
      place = after(place, piece);
    }
    barrier_wait(empty(ring.stage), ring.parity ^ 1);
    piece_of(ring.stage)->width = 0;
    barrier_arrive(full(ring.stage));
  }

  __device__ __forceinline__ void produce_tokens(Place place, const Place& end) {
    const u64 policy = policy_evict_last();
    const u64 to_next_block = static_cast<u64>(call.prepared_rows) * kTokenBytes;
    Ring ring;
    wait_for_previous_kernel();
    while (before(place, end)) {
      const Piece piece = piece_at(place, end);
      const u8* from = call.prepared + static_cast<u64>(piece.first_stage * kBlocksOfStage) * to_next_block +
                       static_cast<u64>(plan.table[piece.entry].first_prepared + piece.first_token) * kTokenBytes;
      const u32 bytes = static_cast<u32>(piece.width * kTokenBytes);
      for (int stage = 0; stage < piece.stages; ++stage, ring.advance()) {
        const u32 bar = full(ring.stage), to = memory_at + ring.stage * kLayout.token_stage;
        // NOTE: these bytes may arrive before they are promised: the stage's one arrival comes with the promise.
        barrier_wait(empty(ring.stage), ring.parity ^ 1);
#pragma unroll
        for (int block = 0; block < kBlocksOfStage; ++block, from += to_next_block)
          copy_to_shared(to + block * (kConfig.tile_tokens * kTokenBytes), from, bytes, bar, policy);
      }
      place = after(place, piece);
    }
  }

  // --- the warpgroups that multiply ---

  __device__ __forceinline__ float4* partial(int share, int consumer, int row_block, int thread) const {
    const u64 block = (static_cast<u64>(share) * kConfig.consumers + consumer) * kConfig.row_blocks + row_block;
    return reinterpret_cast<float4*>(call.partials + block * (kBlockRows * kConfig.tile_tokens)) + thread;
  }

  __device__ __forceinline__ void release(int stage, int thread) const {
    if (thread % 32 == 0) barrier_arrive(empty(stage));
  }

  // Where in a stage the packed block of a row block of the tile and of 64 k lies.
  static __device__ __forceinline__ int packed_at(int row_block, int block) {
    return row_block / kQuad * (kBlocksOfStage * kQuad * kPackedBytes) +
           (block * kSide + row_block % kQuad) * kPackedBytes;
  }

  // The words that one batch dequantises.
  static __device__ __forceinline__ void load_batch(const u8* weights, int first_row_block, int batch, int thread,
                                                    u32 (&codes)[kSteps], u32 (&scales)[kSteps / 2]) {
    const int line = thread / 4;  // 4 threads share two rows
    if constexpr (kSteps == 2) {
      const u8* packed = weights + packed_at(first_row_block, 0);
      const uint2 two = *reinterpret_cast<const uint2*>(packed + thread * 16 + batch * 8);
      codes[0] = two.x;
      codes[1] = two.y;
      scales[0] = *reinterpret_cast<const u32*>(packed + kCodeBytes + line * 8 + batch * 4);
    } else {
      const u8* packed = weights + packed_at(first_row_block + batch % kConfig.row_blocks, batch / kConfig.row_blocks);
      const uint4 four = *reinterpret_cast<const uint4*>(packed + thread * 16);
      const uint2 pairs = *reinterpret_cast<const uint2*>(packed + kCodeBytes + line * 8);
      codes[0] = four.x;
      codes[1] = four.y;
      codes[2] = four.z;
      codes[3] = four.w;
      scales[0] = pairs.x;
      scales[1] = pairs.y;
    }
  }

  template <int kTokens>
  __device__ __forceinline__ void sum_by_warpgroup(float (&sums)[kConfig.row_blocks][kTokens / 2], int stages,
                                                   Ring& ring, int consumer, int thread) {
    u32 fragments[2][kSteps][4];
    u32 codes[2][kSteps], scales[2][kSteps / 2];
    const auto load = [&](int batch) {
      load_batch(memory + kLayout.weights_at + ring.stage * kLayout.weight_stage, consumer * kConfig.row_blocks, batch,
                 thread, codes[batch % 2], scales[batch % 2]);
    };
    // Words of packed weights are read one batch ahead of their use.
    int last_stage = 0;
    int stage = 0;
    load(0);
#pragma unroll 1
    do {
      const u64 tokens = token_descriptor(memory_at + ring.stage * kLayout.token_stage);
#pragma unroll
      for (int batch = 0; batch < kBatches; ++batch) {
#pragma unroll
        for (int step = 0; step < kSteps; ++step)
          dequantise<kConfig.half>(codes[batch % 2][step],
                                   step % 2 == 0 ? scales[batch % 2][step / 2] : scales[batch % 2][step / 2] >> 16,
                                   fragments[batch % 2][step]);
        if (batch + 1 < kBatches) {
          load(batch + 1);
        } else {
          last_stage = ring.stage;
          ring.advance();
          if (stage + 1 < stages) {
            barrier_wait(full(ring.stage), ring.parity);
            load(0);
          }
        }
        fence_products();
#pragma unroll
        for (int step = 0; step < kSteps; ++step) {
          // A product of 16 k reads 32 bytes of each line; 64 k later comes the next block of lines.
          const int product = batch / kConfig.row_blocks * kSteps + step;
          const u64 at =
              tokens + static_cast<u64>((product % 4) * 2 + (product / 4) * (kConfig.tile_tokens * kTokenBytes / 16));
          Wgmma<kTokens>::template issue<kConfig.half>(sums[batch % kConfig.row_blocks], fragments[batch % 2][step],
                                                       at);
        }
        commit_products();
        // The batch before has been multiplied: its fragments may be written again, and after the first batch of a
        // stage nobody reads the stage before.
        wait_products<1>();
        if (batch == 0 && stage > 0) release(last_stage, thread);
      }
    } while (++stage < stages);
    wait_products<0>();
    hold<kTokens>(sums);
    release(last_stage, thread);
  }

  // Keeps the compiler from reading sums before the wait above: to it the wait has nothing to do with them.
  template <int kTokens>
  static __device__ __forceinline__ void hold(float (&sums)[kConfig.row_blocks][kTokens / 2]) {
#pragma unroll
    for (int i = 0; i < kConfig.row_blocks * kTokens / 2; ++i)
      asm volatile("" : "+f"(sums[i / (kTokens / 2)][i % (kTokens / 2)])::"memory");
  }

  // The same by mma: a warp takes its 16 rows of each row block; tokens come to registers by matrices of 8 x 8.
  template <int kTokens>
  __device__ __forceinline__ void sum_by_warp(float (&sums)[kConfig.row_blocks][kTokens / 2], int stages, Ring& ring,
                                              int consumer, int thread) {
    constexpr int kRowBlocks = kConfig.row_blocks;
    constexpr int kEights = kTokens / 8;
    const int lane = thread % 32, line = thread / 4;
#pragma unroll 1
    for (int stage = 0; stage < stages; ++stage) {
      if (stage > 0) barrier_wait(full(ring.stage), ring.parity);
      const u8* weights = memory + kLayout.weights_at + ring.stage * kLayout.weight_stage;
      const u32 tokens = memory_at + ring.stage * kLayout.token_stage + (lane % 8) * kTokenBytes;
#pragma unroll
      for (int block = 0; block < kBlocksOfStage; ++block) {
        uint4 codes[kRowBlocks];
        uint2 scales[kRowBlocks];
#pragma unroll
        for (int r = 0; r < kRowBlocks; ++r) {
          const u8* packed = weights + packed_at(consumer * kRowBlocks + r, block);
          codes[r] = *reinterpret_cast<const uint4*>(packed + thread * 16);
          scales[r] = *reinterpret_cast<const uint2*>(packed + kCodeBytes + line * 8);
        }
#pragma unroll
        for (int pair = 0; pair < 2; ++pair) {  // two products of 16 k
          u32 fragments[kRowBlocks][2][4];
#pragma unroll
          for (int r = 0; r < kRowBlocks; ++r) {
            const u32 two_scales = pair == 0 ? scales[r].x : scales[r].y;
            dequantise<kConfig.half>(pair == 0 ? codes[r].x : codes[r].z, two_scales, fragments[r][0]);
            dequantise<kConfig.half>(pair == 0 ? codes[r].y : codes[r].w, two_scales >> 16, fragments[r][1]);
          }
#pragma unroll
          for (int eight = 0; eight < kEights; ++eight) {
            u32 words[4];
            load_matrices(tokens + (block * kConfig.tile_tokens + eight * 8) * kTokenBytes +
                              (((pair * 4 + lane / 8) ^ (lane % 8)) * 16),
                          words);
#pragma unroll
            for (int r = 0; r < kRowBlocks; ++r) {
              multiply_warp<kConfig.half>(&sums[r][eight * 4], fragments[r][0], words[0], words[1]);
              multiply_warp<kConfig.half>(&sums[r][eight * 4], fragments[r][1], words[2], words[3]);
            }
          }
        }
      }
      __syncwarp();
      release(ring.stage, thread);
      ring.advance();
    }
  }

  template <int kTokens>
  __device__ __forceinline__ void multiply_piece(const Piece& piece, Ring& ring, int consumer, int thread) {
    // NOTE: written here, although the first product could ignore what was there: a register that a product touches,
    // and that nothing wrote since the tile began, is live from one tile to the next through the code of every other
    // width, and the register file overflows.
    Epilogue<kConfig> epilogue;
    epilogue.load_scales(call, plan.table[piece.entry].group);
    float sums[kConfig.row_blocks][kTokens / 2];
#pragma unroll
    for (int i = 0; i < kConfig.row_blocks * kTokens / 2; ++i)
      sums[i / (kTokens / 2)][i % (kTokens / 2)] = 0.0f;
    if constexpr (kConfig.products == Products::warp) {
      sum_by_warp<kTokens>(sums, piece.stages, ring, consumer, thread);
    } else {
      sum_by_warpgroup<kTokens>(sums, piece.stages, ring, consumer, thread);
    }

    if (piece.first_stage != 0) {
      give_partials<kTokens>(sums, consumer, thread);
      return;
    }
    take_partials<kTokens>(sums, piece, consumer, thread);
    store_results<kTokens>(sums, epilogue, piece, consumer, thread);
  }

  template <int kTokens>
  __device__ __forceinline__ void store_results(float (&sums)[kConfig.row_blocks][kTokens / 2],
                                                Epilogue<kConfig>& epilogue, const Piece& piece, int consumer,
                                                int thread) {
    float* staging = reinterpret_cast<float*>(memory + kLayout.staging_at + consumer * kLayout.staging);
    const int left = plan.table[piece.entry].tokens - piece.first_token;
#pragma unroll 1
    for (int r = 0; r < kConfig.row_blocks; ++r) {
      const int block = piece.first_block + consumer * kConfig.row_blocks + r;
      TileOutput tile;
      tile.group = plan.table[piece.entry].group;
      tile.first_row = plan.table[piece.entry].first_token + piece.first_token;
      tile.rows = left < kTokens ? left : kTokens;
      tile.first_column = block * kLayout.columns;
      if (block < call.blocks) {
        epilogue.load_biases(call, tile, thread);
        epilogue.template run<kTokens>(sums[0], staging, call, tile, thread, 1 + consumer);
      }
      if constexpr (kConfig.row_blocks == 2) {
#pragma unroll
        for (int d = 0; d < kTokens / 2; ++d)
          sums[0][d] = sums[1][d];
      }
    }
  }

  // This share has the later k of a tile: another one adds these sums to its own.
  template <int kTokens>
  __device__ __forceinline__ void give_partials(const float (&sums)[kConfig.row_blocks][kTokens / 2], int consumer,
                                                int thread) {
    wait_for_previous_kernel();
#pragma unroll
    for (int r = 0; r < kConfig.row_blocks; ++r) {
      float4* to = partial(share, consumer, r, thread);
#pragma unroll
      for (int i = 0; i < kTokens / 8; ++i)
        __stcg(to + i * kWarpgroup,
               make_float4(sums[r][4 * i], sums[r][4 * i + 1], sums[r][4 * i + 2], sums[r][4 * i + 3]));
    }
    warpgroup_sync(1 + consumer);
    if (thread == 0) {
      __threadfence();
      store_release(call.flags + share * kConfig.consumers + consumer, kGiven);
    }
  }

  // Adds the sums of the shares that have the rest of the tile's k, in the order of k: the same bits every time.
  template <int kTokens>
  __device__ __forceinline__ void take_partials(float (&sums)[kConfig.row_blocks][kTokens / 2], const Piece& piece,
                                                int consumer, int thread) {
#pragma unroll 1
    for (int other = share + 1; other <= share + piece.helpers; ++other) {
      const u32* flag = call.flags + other * kConfig.consumers + consumer;
      u32 state;
      while ((state = load_acquire(flag)) == kPending) {
      }
      if (state == kNothing) continue;
#pragma unroll
      for (int r = 0; r < kConfig.row_blocks; ++r) {
        const float4* source = partial(other, consumer, r, thread);
#pragma unroll
        for (int i = 0; i < kTokens / 8; ++i) {
          const float4 four = __ldcg(source + i * kWarpgroup);
          sums[r][4 * i] += four.x;
          sums[r][4 * i + 1] += four.y;
          sums[r][4 * i + 2] += four.z;
          sums[r][4 * i + 3] += four.w;
        }
      }
    }
  }

  // Shared memory of tokens, k-major lines of 128 bytes with the 128-byte swizzle, groups of 8 lines 1024 bytes apart.
  static __device__ __forceinline__ u64 token_descriptor(u32 at) {
    return static_cast<u64>((at & 0x3FFFFu) >> 4) | (1ull << 16) | (64ull << 32) | (1ull << 62);
  }

  __device__ __forceinline__ void multiply(int consumer, int thread) {
    Ring ring;
    if (next_width(ring) == 0 && thread == 0) {
      wait_for_previous_kernel();
      store_release(call.flags + share * kConfig.consumers + consumer, kNothing);
    }
    // NOTE: groups come in order of falling width, so each width's code runs once, for all its tiles. A loop around a
    // choice of widths would make the compiler keep the fragments of all of them apart at once, which no register file
    // holds.
#define TH_WIDTH(tokens)                                                             \
  if constexpr (tokens <= kConfig.tile_tokens && tokens % kConfig.token_step == 0 && \
                (tokens <= 128 || tokens % 16 == 0)) {                               \
    multiply_width<tokens>(ring, consumer, thread);                                  \
  }
    // clang-format off
    TH_WIDTH(256) TH_WIDTH(240) TH_WIDTH(224) TH_WIDTH(208) TH_WIDTH(192) TH_WIDTH(176) TH_WIDTH(160) TH_WIDTH(144)
    TH_WIDTH(128) TH_WIDTH(120) TH_WIDTH(112) TH_WIDTH(104) TH_WIDTH(96) TH_WIDTH(88) TH_WIDTH(80) TH_WIDTH(72)
    TH_WIDTH(64) TH_WIDTH(56) TH_WIDTH(48) TH_WIDTH(40) TH_WIDTH(32) TH_WIDTH(24) TH_WIDTH(16) TH_WIDTH(8)
    // clang-format on
#undef TH_WIDTH
  }

  __device__ __forceinline__ int next_width(const Ring& ring) const {
    barrier_wait(full(ring.stage), ring.parity);
    return piece_of(ring.stage)->width;
  }

  template <int kTokens>
  __device__ __forceinline__ void multiply_width(Ring& ring, int consumer, int thread) {
#pragma unroll 1
    while (next_width(ring) == kTokens) {
      const Piece piece = *piece_of(ring.stage);
      multiply_piece<kTokens>(piece, ring, consumer, thread);
    }
  }

  static __device__ __forceinline__ void run(const Call& call) {
    extern __shared__ __align__(1024) u8 memory[];
    const u32 at = shared_address(memory);
    const int warp = __shfl_sync(~0u, threadIdx.x / 32, 0), lane = threadIdx.x % 32;
    GroupEntry* table = reinterpret_cast<GroupEntry*>(memory + kLayout.table_at);
    const int stages_of_tile = call.k_blocks / kBlocksOfStage;
    const int row_tiles = (call.blocks + kTileBlocks - 1) / kTileBlocks;
    Grouped kernel{call, {table, 0, stages_of_tile, row_tiles, 0, false}, memory, at, 0};
    __shared__ int places[33];
    __shared__ int entries;
    __shared__ u64 total;
    if (warp == 0) {
      if (lane == 0) {
        for (int stage = 0; stage < kStages; ++stage) {
          barrier_init(kernel.full(stage), 1);
          barrier_init(kernel.empty(stage), 4 * kConfig.consumers);
        }
        barrier_init_fence();
      }
      int count;
      u64 cost;
      make_table<kConfig>(table, places, call, stages_of_tile, row_tiles, count, cost);
      if (lane == 0) {
        entries = count;
        total = cost;
      }
    }
    __syncthreads();
    kernel.plan.entries = entries;
    kernel.plan.total = total;
    kernel.plan.one_wave = kernel.plan.fits_one_wave(call.shares);
    // NOTE: shares are dealt from the last CTA to the first: who adds up a tile waits for CTAs with lower numbers only,
    // and those were started earlier, so nobody can wait for a CTA that has no SM yet.
    kernel.share = call.shares - 1 - static_cast<int>(blockIdx.x);
    if (warp < 4) {
      give_registers_up<kConfig.consumers == 4 ? 64 : 56>();
      const Place begin = kernel.plan.begin_of(kernel.share, call.shares),
                  end = kernel.plan.begin_of(kernel.share + 1, call.shares);
      if (warp == 0 && lane == 0) kernel.produce_weights(begin, end);
      if (warp == 1 && lane == 0) kernel.produce_tokens(begin, end);
    } else {
      take_registers<kConfig.consumers == 1 ? 240 : kConfig.consumers == 2 ? 224 : 104>();
      kernel.multiply(warp / 4 - 1, threadIdx.x % kWarpgroup);
    }
  }
};

}  // namespace thresher::sm90
