// How a call cuts the caller's workspace: the one place that knows sizes and limits of blocks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/grouped_gemm.hpp"

namespace thresher::cpu {

// Limits of explicit knobs: far beyond what pays, low enough that no size overflows.
inline constexpr std::int64_t kMaxBlock = 1 << 16;
inline constexpr std::int32_t kMaxStages = 8;
inline constexpr std::int32_t kMaxPrefetch = 1 << 20;
inline constexpr int kMaxThreads = 1024;

// The largest blocks that resolve() picks by itself; workspace_bytes() counts on them.
inline constexpr std::int64_t kMaxAutoBlockM = 256;
inline constexpr std::int64_t kMaxAutoBlockN = 256;
inline constexpr std::int64_t kMaxAutoBlockK = 1024;
inline constexpr std::int32_t kMaxAutoStages = 2;

/// Groups may be split into m blocks of at most block_m rows; the blocks of a group are made equal, so that 384 rows
/// are two blocks of 192 and not 256 and 128.
struct TokenBlock {
  std::int32_t group;
  std::int32_t first;  // row in the group
  std::int32_t rows;
};

/// What one thread computes at a time: a token block times a range of panels.
struct Task {
  std::int32_t token_block;
  std::int32_t first_panel;
};

/// One thread's own memory.
struct Scratch {
  std::uint8_t* buffers;  // dequant_stages dequantised panels
  std::int64_t buffer_bytes;
  float* acc;  // [panels][tokens][32]
};

/// Sizes of the parts of a workspace, all multiples of 64 bytes.
struct WorkspaceLayout {
  std::size_t group_tiles = 0;   // int64 [groups + 1]: first token tile of each group
  std::size_t token_blocks = 0;  // TokenBlock [...]
  std::size_t tasks = 0;         // Task [...]
  std::size_t tokens = 0;        // packed token tiles
  std::size_t hand_overs = 0;    // one HandOver a pair of threads
  std::size_t scratch = 0;       // per thread
  std::size_t scratch_per_thread = 0;
  std::int64_t buffer_bytes = 0;
  std::size_t total = 0;
};

/// Offsets for at most `max_rows` rows in `groups` groups. `config` is resolved.
WorkspaceLayout layout_workspace(const CpuConfig& config, const WeightsShape& shape, std::int64_t max_rows);

/// Token blocks and tasks that `rows` rows can at most make.
std::int64_t max_token_blocks(const CpuConfig& config, std::int64_t groups, std::int64_t rows);
std::int64_t tasks_per_token_block(const CpuConfig& config, const WeightsShape& shape);

}  // namespace thresher::cpu
