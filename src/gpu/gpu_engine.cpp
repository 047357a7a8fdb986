// GpuEngine and GpuWeights: checks a call, finds its variant, launches.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include "device/environment.hpp"
#include "gpu/context.hpp"
#include "gpu/driver.hpp"
#include "gpu/gpu_engine_access.hpp"
#include "gpu/sm90_launch.hpp"
#include "gpu/sm90_pack.hpp"
#include "thresher/error.hpp"
#include "thresher/gpu.hpp"

namespace thresher {
namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message);
}

constexpr std::int64_t kLargestTile = std::int64_t{256} * 128;  // sums; every choice of knobs keeps within it

gpu::ContextRef open_hopper(int ordinal) {
  const gpu::DriverLoad& load = gpu::Driver::load();
  if (load.driver == nullptr) throw Error(ErrorCode::unsupported, "no CUDA device: " + load.why_not);
  gpu::ContextRef context = gpu::PrimaryContext::open(load.driver, ordinal);
  if (const auto reason = gpu::why_unusable(context->gpu())) {
    throw Error(ErrorCode::unsupported,
                "cuda:" + std::to_string(ordinal) + " can't run these kernels: " + *reason + "; use --device cpu");
  }
  return context;
}

bool misaligned(const void* pointer, std::uintptr_t alignment) {
  return reinterpret_cast<std::uintptr_t>(pointer) % alignment != 0;
}

void need(const void* pointer, const char* field, std::uintptr_t alignment) {
  if (pointer == nullptr) refuse(std::string(field) + " is null; give device memory");
  if (misaligned(pointer, alignment)) {
    refuse(std::string(field) + " is not " + std::to_string(alignment) + "-byte aligned; cudaMalloc's memory is");
  }
}

void check(const WeightsShape& shape, const GpuGroupedGemmArgs& args, Op op, std::size_t workspace_bytes) {
  if (shape.op != op) refuse("these weights are for the other op; pack them for this one");
  if (args.rows < 0 || args.rows > (std::int64_t{1} << 31) - 4096) {
    refuse("rows is " + std::to_string(args.rows) + "; give offsets[groups], 0 .. 2^31 - 4096");
  }
  need(args.offsets, "offsets", 4);
  if (args.rows > 0) {
    need(args.a, "a", 16);
    need(args.out, "out", 16);
  }
  if (args.operand == OperandType::nvfp4) {
    need(args.a_global_scales, "a_global_scales", 4);
    if (args.rows > 0) need(args.a_scales, "a_scales", 1);
  }
  if (args.output == OutputType::nvfp4) {
    if (shape.n % kScaleBlock != 0) refuse("n is " + std::to_string(shape.n) + "; NVFP4 output needs a multiple of 16");
    if (args.rows > 0) need(args.out_scales, "out_scales", 1);
    if (!(std::isfinite(args.out_global_scale) && args.out_global_scale > 0.0f)) {
      refuse("out_global_scale is " + std::to_string(args.out_global_scale) + "; give a finite scale > 0");
    }
  }
  if (op == Op::plain && args.bias_up != nullptr) refuse("bias_up is of the gated op; plain takes bias");
  if (args.bias != nullptr) need(args.bias, "bias", 4);
  if (args.bias_up != nullptr) need(args.bias_up, "bias_up", 4);
  need(args.workspace, "workspace", 1024);
  if (args.workspace_bytes < workspace_bytes) {
    refuse("workspace_bytes is " + std::to_string(args.workspace_bytes) + "; this call needs " +
           std::to_string(workspace_bytes));
  }
}

std::int64_t tile_elements(const Sm90Config& config) {
  return std::int64_t{config.tile_rows} * config.tile_tokens;
}

}  // namespace

struct GpuEngine::State {
  using Key = std::tuple<gpu::Sm90Traits, std::string>;

  GpuEngineOptions options;
  gpu::ContextRef context;
  gpu::Compiler compiler;
  mutable std::mutex mutex;
  mutable std::vector<std::string> warnings;
  mutable std::map<Key, std::unique_ptr<gpu::Sm90Variant>> variants;

  // Calls look a variant up by number, not by text, so that a call allocates nothing.
  struct Known {
    gpu::Sm90Traits traits;
    Sm90Config config;
    const gpu::Sm90Variant* variant;
  };
  mutable std::vector<Known> known;

  State(const GpuEngineOptions& asked, gpu::ContextRef device, gpu::Compiler made)
      : options(asked), context(std::move(device)), compiler(std::move(made)) {}

  const gpu::Sm90Variant& variant(const Sm90Config& config, const gpu::Sm90Traits& traits) const {
    const std::scoped_lock lock(mutex);
    for (const Known& one : known)
      if (one.traits == traits && one.config == config) return *one.variant;
    if (const std::string reason = gpu::why_not(config, traits); !reason.empty()) {
      throw Error(ErrorCode::unsupported, "config '" + to_text(config) + "' can't run: " + reason);
    }
    auto made = std::make_unique<gpu::Sm90Variant>(context, compiler, config, traits, warnings);
    known.push_back({traits, config, made.get()});
    return *variants.emplace(Key{traits, to_text(config)}, std::move(made)).first->second;
  }
};

struct GpuWeights::Storage {
  WeightsShape shape;
  gpu::Sm90PackedShape packed;
  gpu::ContextRef context;
  gpu::DeviceBuffer data;
  gpu::DeviceBuffer globals;  // floats: [groups], gated [groups][2]
};

GpuWeights::GpuWeights(const GpuEngine& engine, const WeightsShape& shape) {
  if (shape.groups < 1 || shape.n < 1 || shape.k < kScaleBlock || shape.k % kScaleBlock != 0 ||
      shape.n > (std::int64_t{1} << 30) || shape.k > (std::int64_t{1} << 30)) {
    refuse("weights: groups = " + std::to_string(shape.groups) + ", n = " + std::to_string(shape.n) +
           ", k = " + std::to_string(shape.k) + "; need groups >= 1, n 1 .. 2^30, k a multiple of 16 up to 2^30");
  }
  const gpu::Sm90PackedShape packed = gpu::sm90_packed_shape(shape);
  const gpu::ContextRef& context = engine.state().context;
  const auto groups = static_cast<std::size_t>(shape.groups);
  storage_ = std::make_unique<Storage>(Storage{.shape = shape,
                                               .packed = packed,
                                               .context = context,
                                               .data = gpu::DeviceBuffer(context, packed.bytes * groups),
                                               .globals = gpu::DeviceBuffer(context, 2 * groups * sizeof(float))});
}

GpuWeights::~GpuWeights() = default;
GpuWeights::GpuWeights(GpuWeights&&) noexcept = default;
GpuWeights& GpuWeights::operator=(GpuWeights&&) noexcept = default;

const GpuWeights::Storage& GpuWeights::storage() const {
  if (storage_ == nullptr) refuse("these weights were moved from; use those that they were moved to");
  return *storage_;
}

const WeightsShape& GpuWeights::shape() const {
  return storage().shape;
}

std::size_t GpuWeights::bytes() const {
  return storage().data.bytes();
}

namespace {

void pack_group(const GpuWeights::Storage& storage, std::int64_t group, const Nvfp4View& gate, const Nvfp4View* up) {
  const WeightsShape& shape = storage.shape;
  if (group < 0 || group >= shape.groups) {
    refuse("group " + std::to_string(group) + " does not exist; these weights have groups 0 to " +
           std::to_string(shape.groups - 1));
  }
  for (const Nvfp4View* view : {&gate, up}) {
    if (view == nullptr) continue;
    if (view->codes == nullptr || view->scales == nullptr) refuse("a view of the weights has no codes or no scales");
    if (view->rows != shape.n || view->k != shape.k) {
      refuse("a view of the weights is " + std::to_string(view->rows) + " x " + std::to_string(view->k) +
             "; these weights are " + std::to_string(shape.n) + " x " + std::to_string(shape.k));
    }
    if (!std::isfinite(view->global_scale))
      refuse("global_scale of the weights is not finite; give the multiplier itself");
  }
  std::vector<std::uint8_t> packed(storage.packed.bytes);
  gpu::sm90_pack(shape, gate, up, packed);
  const auto at = static_cast<std::size_t>(group);
  storage.context->copy_to_device(storage.data.get() + at * packed.size(), packed.data(), packed.size());
  const float globals[2] = {gate.global_scale, up != nullptr ? up->global_scale : 0.0f};
  const std::size_t count = up != nullptr ? 2 : 1;
  storage.context->copy_to_device(storage.globals.get() + at * count * sizeof(float), globals, count * sizeof(float));
}

}  // namespace

void GpuWeights::pack(std::int64_t group, const Nvfp4View& weights) {
  if (shape().op != Op::plain) refuse("these weights are gated; call pack(group, gate, up)");
  pack_group(storage(), group, weights, nullptr);
}

void GpuWeights::pack(std::int64_t group, const Nvfp4View& gate, const Nvfp4View& up) {
  if (shape().op != Op::gated) refuse("these weights are plain; call pack(group, weights)");
  pack_group(storage(), group, gate, &up);
}

GpuEngine::GpuEngine(const GpuEngineOptions& options) {
  if (const std::string reason = why_invalid(options.sm90); !reason.empty()) {
    throw Error(ErrorCode::unsupported, "config '" + to_text(options.sm90) + "' can't run: " + reason);
  }
  gpu::ContextRef context = open_hopper(options.device);
  gpu::Compiler compiler = gpu::Compiler::of(device::read_environment());
  if (!options.use_cache) compiler = gpu::Compiler(compiler.nvrtc(), std::nullopt);
  state_ = std::make_unique<State>(options, std::move(context), std::move(compiler));
}

GpuEngine::~GpuEngine() = default;

namespace {

gpu::Sm90Traits traits_of(const WeightsShape& shape, const GpuGroupedGemmArgs& args) {
  return {.op = shape.op,
          .operand = args.operand,
          .output = args.output,
          .activation = shape.op == Op::gated ? args.activation.kind : ActivationKind::silu,
          .bias = args.bias != nullptr || args.bias_up != nullptr,
          .groups = shape.groups};
}

void run(const GpuEngine::State& state, const GpuWeights& weights, const GpuGroupedGemmArgs& args, Op op) {
  const GpuWeights::Storage& storage = weights.storage();
  const WeightsShape& shape = storage.shape;
  const gpu::Sm90Traits traits = traits_of(shape, args);
  const Sm90Config config = gpu::resolve(state.options.sm90, traits, {.rows = args.rows, .n = shape.n});
  const gpu::Sm90Workspace workspace =
      gpu::sm90_workspace(shape, args.rows, state.context->gpu().multiprocessors, tile_elements(config));
  check(shape, args, op, workspace.bytes);
  if (args.rows == 0) return;
  const gpu::Sm90Variant& variant = state.variant(config, traits);

  auto* const base = static_cast<std::uint8_t*>(args.workspace);
  sm90::Call call{};
  call.offsets = args.offsets;
  call.tokens = args.a;
  call.token_scales = args.a_scales;
  call.token_globals = args.operand == OperandType::nvfp4 ? args.a_global_scales : nullptr;
  call.token_globals_step = args.a_global_scale_per_group ? 1 : 0;
  call.weights = reinterpret_cast<const std::uint8_t*>(storage.data.get());
  call.weight_globals = reinterpret_cast<const float*>(storage.globals.get());
  call.bias = args.bias;
  call.bias_up = args.bias_up;
  call.out = args.out;
  call.out_scales = args.out_scales;
  call.out_global = args.out_global_scale;
  call.prepared = base;
  call.partials = reinterpret_cast<float*>(base + workspace.partials_at);
  call.flags = reinterpret_cast<sm90::u32*>(base + workspace.flags_at);
  call.alpha = args.activation.alpha;
  call.beta = args.activation.beta;
  call.limit = args.activation.limit;
  call.groups = static_cast<int>(shape.groups);
  call.n = static_cast<int>(shape.n);
  call.k = static_cast<int>(shape.k);
  call.blocks = static_cast<int>(storage.packed.blocks);
  call.k_blocks = static_cast<int>(storage.packed.k_blocks);
  call.prepared_rows = static_cast<int>(workspace.prepared_rows);
  const gpu::ContextScope scope(*state.context);
  variant.launch(call, args.rows, static_cast<gpu::CuStream>(args.stream));
}

}  // namespace

void GpuEngine::prepare(const Problem& problem) const {
  validate(problem);
  const gpu::Sm90Traits traits{.op = problem.op,
                               .operand = problem.operand,
                               .output = problem.output,
                               .activation = problem.op == Op::gated ? problem.activation.kind : ActivationKind::silu,
                               .bias = problem.bias,
                               .groups = problem.groups()};
  (void)state_->variant(gpu::resolve(state_->options.sm90, traits, {.rows = problem.total_m(), .n = problem.n}),
                        traits);
}

void GpuEngine::grouped_gemm(const GpuWeights& weights, const GpuGroupedGemmArgs& args) const {
  run(*state_, weights, args, Op::plain);
}

void GpuEngine::grouped_gated_gemm(const GpuWeights& weights, const GpuGroupedGemmArgs& args) const {
  run(*state_, weights, args, Op::gated);
}

std::size_t GpuEngine::workspace_bytes(const WeightsShape& shape, std::int64_t max_rows) const {
  return gpu::sm90_workspace(shape, max_rows, state_->context->gpu().multiprocessors, kLargestTile).bytes;
}

Sm90Config GpuEngine::resolve(const WeightsShape& shape, std::int64_t rows) const {
  return gpu::resolve(state_->options.sm90, {.op = shape.op, .groups = shape.groups}, {.rows = rows, .n = shape.n});
}

std::vector<std::string> GpuEngine::warnings() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->warnings;
}

gpu::ContextRef gpu::context_of(const GpuEngine& engine) {
  return engine.state().context;
}

void gpu::copy_weights(const GpuWeights& from, const GpuWeights& to) {
  const GpuWeights::Storage& source = from.storage();
  const GpuWeights::Storage& target = to.storage();
  const WeightsShape& a = source.shape;
  const WeightsShape& b = target.shape;
  if (a.op != b.op || a.groups != b.groups || a.n != b.n || a.k != b.k) {
    refuse("weights are copied between the same shapes only; make the copy with the shape of the source");
  }
  source.context->copy_on_device_async(target.data.get(), source.data.get(), source.data.bytes(), nullptr);
  source.context->copy_on_device_async(target.globals.get(), source.globals.get(), source.globals.bytes(), nullptr);
  source.context->synchronize();
}

}  // namespace thresher
