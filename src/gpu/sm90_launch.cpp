// Loads the two kernels of a variant and launches them, the second while the first still runs.
#include "gpu/sm90_launch.hpp"

#include <algorithm>
#include <variant>

#include "gpu/sm90_kernel.hpp"
#include "gpu/sm90_pack.hpp"
#include "thresher/error.hpp"

namespace thresher::gpu {
namespace {

constexpr std::int64_t kSlackRows = 256;  // a tile's copy may read beyond the last group
constexpr std::size_t kAlignment = 1024;

std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

std::unique_ptr<Module> load(const ContextRef& context, const Compiler& compiler, const KernelSource& source,
                             std::vector<std::string>& warnings) {
  std::variant<CompiledKernel, CompileFailure> compiled = compiler.compile(source);
  if (const CompileFailure* failure = std::get_if<CompileFailure>(&compiled)) {
    throw Error(ErrorCode::unsupported, source.name + ": " + failure->reason);
  }
  CompiledKernel& kernel = std::get<CompiledKernel>(compiled);
  warnings.insert(warnings.end(), kernel.warnings.begin(), kernel.warnings.end());
  auto module = std::make_unique<Module>(context, kernel.cubin, source.name);
  if (source.dynamic_smem_bytes > 0)
    module->function().allow_dynamic_smem(static_cast<unsigned>(source.dynamic_smem_bytes));
  return module;
}

}  // namespace

Sm90Workspace sm90_workspace(const WeightsShape& shape, std::int64_t rows, int multiprocessors,
                             std::int64_t tile_elements) {
  const Sm90PackedShape packed = sm90_packed_shape(shape);
  // Groups begin at multiples of 8 rows, so each may add up to 7.
  Sm90Workspace w;
  w.prepared_rows = (rows + 7 * std::min(shape.groups, rows)) / 8 * 8 + kSlackRows;
  w.partials_at = aligned(static_cast<std::size_t>(packed.k_blocks * w.prepared_rows) * sm90::kTokenBytes);
  w.flags_at = aligned(w.partials_at + static_cast<std::size_t>(multiprocessors * tile_elements) * sizeof(float));
  w.bytes = aligned(w.flags_at + static_cast<std::size_t>(multiprocessors) * 4 * sizeof(std::uint32_t));
  return w;
}

Sm90Variant::Sm90Variant(const ContextRef& context, const Compiler& compiler, const Sm90Config& config,
                         const Sm90Traits& traits, std::vector<std::string>& warnings)
    : multiprocessors_(context->gpu().multiprocessors) {
  const KernelSource multiply = sm90_multiply(config, traits);
  prepare_ = load(context, compiler, sm90_prepare(config, traits), warnings);
  multiply_ = load(context, compiler, multiply, warnings);
  multiply_plan_.grid.x = static_cast<unsigned>(multiprocessors_);
  multiply_plan_.block.x = static_cast<unsigned>(*multiply.threads);
  multiply_plan_.dynamic_smem_bytes = static_cast<unsigned>(multiply.dynamic_smem_bytes);
  multiply_plan_.programmatic_serialization = true;
}

void Sm90Variant::launch(sm90::Call& call, std::int64_t rows, CuStream stream) const {
  call.shares = multiprocessors_;
  void* parameters[] = {&call};
  LaunchPlan plan;
  // One CTA at least: it also clears the flags.
  const std::int64_t units = std::max<std::int64_t>((rows + 7 * std::min<std::int64_t>(call.groups, rows)) / 8, 1);
  constexpr std::int64_t kWarps = kPrepareThreads / 32;
  constexpr std::int64_t kWaves = 8;  // CTAs a multiprocessor: enough loads in flight, few enough to start quickly
  const std::int64_t along_k =
      std::clamp<std::int64_t>(multiprocessors_ * kWaves / units, 1, (call.k_blocks + kWarps - 1) / kWarps);
  plan.grid = {static_cast<unsigned>(units), static_cast<unsigned>(along_k), 1};
  plan.block.x = kPrepareThreads;
  gpu::launch(prepare_->function(), plan, stream, parameters);
  gpu::launch(multiply_->function(), multiply_plan_, stream, parameters);
}

}  // namespace thresher::gpu
