// What a call writes must lie apart from everything else that it touches.
#include <array>
#include <cstdint>
#include <string>

#include "cpu/packed_storage.hpp"
#include "engine/message.hpp"
#include "engine/validate_call.hpp"

namespace thresher::engine {
namespace {

struct Range {
  const char* name = "";
  std::uintptr_t begin = 0;
  std::size_t bytes = 0;
};

// All memory of a call, the written ranges first; a fixed array, because a call allocates nothing.
struct Ranges {
  std::array<Range, 12> items;
  std::size_t count = 0;

  void add(const char* name, const void* pointer, std::size_t bytes) {
    if (pointer != nullptr && bytes != 0) items[count++] = {name, reinterpret_cast<std::uintptr_t>(pointer), bytes};
  }
};

std::size_t matrix_bytes(std::int64_t rows, std::int64_t columns, std::size_t bits) {
  return static_cast<std::size_t>(rows) * (static_cast<std::size_t>(columns) * bits / 8);
}

void add_written(Ranges& ranges, const GroupedGemmArgs& args) {
  const OutputView& out = args.out;
  const bool nvfp4 = out.type == OutputType::nvfp4;
  const std::size_t bits = nvfp4 ? 4 : out.type == OutputType::fp32 ? 32 : 16;
  ranges.add("out.data", out.data, matrix_bytes(out.rows, out.n, bits));
  if (nvfp4) ranges.add("out.scales", out.scales, matrix_bytes(out.rows, out.n / kScaleBlock, 8));
  ranges.add("workspace", args.workspace.data(), args.workspace.size());
  ranges.add("report", args.report, sizeof(CallReport));
}

void add_read(Ranges& ranges, const PackedWeights::Storage& storage, const GroupedGemmArgs& args) {
  const OperandView& a = args.a;
  const bool nvfp4 = a.type == OperandType::nvfp4;
  ranges.add("a.data", a.data, matrix_bytes(a.rows, a.k, nvfp4 ? 4 : 16));
  if (nvfp4) {
    ranges.add("a.scales", a.scales, matrix_bytes(a.rows, a.k / kScaleBlock, 8));
    ranges.add("a.global_scales", a.global_scales.data(), a.global_scales.size_bytes());
  }
  ranges.add("offsets", args.offsets.data(), args.offsets.size_bytes());
  ranges.add("bias", args.bias.data(), args.bias.size_bytes());
  ranges.add("bias_up", args.bias_up.data(), args.bias_up.size_bytes());
  ranges.add("the packed weights", storage.data, storage.bytes);
}

bool overlap(const Range& x, const Range& y) {
  // Differences instead of ends, so that a range at the top of the address space can't wrap around.
  return x.begin <= y.begin ? y.begin - x.begin < x.bytes : x.begin - y.begin < y.bytes;
}

void refuse_overlap(const Range& x, const Range& y) {
  if (!overlap(x, y)) return;
  refuse(std::string(x.name) + " (" + std::to_string(x.bytes) + " bytes at " +
         address(reinterpret_cast<const void*>(x.begin)) + ") overlaps with " + y.name + " (" +
         std::to_string(y.bytes) + " bytes at " + address(reinterpret_cast<const void*>(y.begin)) +
         "); give memory that lies apart");
}

}  // namespace

void validate_overlaps(const PackedWeights& weights, const GroupedGemmArgs& args) {
  Ranges ranges;
  add_written(ranges, args);
  const std::size_t written = ranges.count;
  add_read(ranges, weights.storage(), args);
  for (std::size_t i = 0; i < written; ++i) {
    for (std::size_t j = i + 1; j < ranges.count; ++j) {
      refuse_overlap(ranges.items[i], ranges.items[j]);
    }
  }
}

void validate_report(const PackedWeights& weights, const GroupedGemmArgs& args, std::span<const std::byte> report) {
  Ranges ranges;
  ranges.add("report", report.data(), report.size());
  add_written(ranges, args);
  add_read(ranges, weights.storage(), args);
  for (std::size_t j = 1; j < ranges.count; ++j) {
    refuse_overlap(ranges.items[0], ranges.items[j]);
  }
}

}  // namespace thresher::engine
