// oneDNN's side of the contest. Weights are in the layout that oneDNN prefers; making them is not timed.
#include "onednn_gated.hpp"

#include <omp.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "format/half.hpp"
#include "gated_finish.hpp"

namespace thresher::peers {
namespace {

using dnnl::memory;
using DataType = memory::data_type;

constexpr const char* kVariantNames[] = {"separate_bf16", "separate_fp32", "joined_bf16", "joined_fp32", "post_ops"};

DataType data_type(PeerType type) {
  return type == PeerType::bf16 ? DataType::bf16 : DataType::f32;
}

std::int64_t bytes_of(DataType type) {
  return type == DataType::bf16 ? 2 : 4;
}

dnnl::matmul::primitive_desc describe(const dnnl::engine& engine, std::int64_t m, std::int64_t n, std::int64_t k,
                                      DataType in, DataType out, const dnnl::primitive_attr& attributes) {
  const memory::desc a({m, k}, in, memory::format_tag::ab);
  const memory::desc b({k, n}, in, memory::format_tag::any);
  const memory::desc c({m, n}, out, memory::format_tag::ab);
  return dnnl::matmul::primitive_desc(engine, a, b, c, attributes);
}

// NOTE: oneDNN takes pointers to mutable memory even for what it only reads.
void* mutable_pointer(const void* data, std::int64_t offset) {
  return const_cast<std::uint8_t*>(static_cast<const std::uint8_t*>(data)) + offset;
}

}  // namespace

const char* to_string(Variant variant) noexcept {
  return kVariantNames[static_cast<int>(variant)];
}

std::optional<Variant> parse_variant(std::string_view text) noexcept {
  for (const Variant variant : kVariants) {
    if (text == to_string(variant)) return variant;
  }
  return std::nullopt;
}

const char* to_string(PeerType type) noexcept {
  return type == PeerType::bf16 ? "bf16" : "fp32";
}

bool has_fast_bf16(const dnnl::engine& engine) {
  try {
    const auto desc = describe(engine, 64, 256, 256, DataType::bf16, DataType::bf16, {});
    return std::string_view(desc.impl_info_str()).find("ref") == std::string_view::npos;
  } catch (const dnnl::error&) {
    return false;
  }
}

OnednnGated::OnednnGated(const dnnl::engine& engine, const Problem& problem, std::vector<float> alphas, Variant variant,
                         PeerType type)
    : engine_(engine),
      stream_(engine),
      problem_(problem),
      alphas_(std::move(alphas)),
      variant_(variant),
      type_(type),
      groups_(problem.m.size()) {
  std::int64_t row = 0;
  std::int64_t largest = 0;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    groups_[g].first_row = row;
    groups_[g].rows = problem.m[g];
    row += problem.m[g];
    largest = std::max(largest, problem.m[g]);
    make_group(groups_[g], static_cast<std::int64_t>(g));
  }
  products_.resize(static_cast<std::size_t>(2 * largest * problem.n * bytes_of(product_type())));
}

bool OnednnGated::joined() const noexcept {
  return variant_ == Variant::joined_bf16 || variant_ == Variant::joined_fp32;
}

DataType OnednnGated::product_type() const noexcept {
  if (variant_ == Variant::post_ops) return data_type(type_);
  return variant_ == Variant::separate_bf16 || variant_ == Variant::joined_bf16 ? DataType::bf16 : DataType::f32;
}

void OnednnGated::make_group(Group& group, std::int64_t index) {
  // An empty group is skipped by run(), but its weights still need a layout.
  const std::int64_t m = std::max<std::int64_t>(group.rows, 1);
  const DataType in = data_type(type_);
  const DataType out = product_type();
  dnnl::primitive_attr first_attributes;
  dnnl::primitive_attr second_attributes;
  if (variant_ == Variant::post_ops) {
    dnnl::post_ops first_ops;
    first_ops.append_eltwise(dnnl::algorithm::eltwise_linear, alphas_[static_cast<std::size_t>(2 * index)], 0.0f);
    first_ops.append_eltwise(dnnl::algorithm::eltwise_swish, 1.0f, 0.0f);
    first_attributes.set_post_ops(first_ops);
    dnnl::post_ops second_ops;
    second_ops.append_eltwise(dnnl::algorithm::eltwise_linear, alphas_[static_cast<std::size_t>(2 * index + 1)], 0.0f);
    second_ops.append_binary(dnnl::algorithm::binary_mul, memory::desc({m, problem_.n}, out, memory::format_tag::ab));
    second_attributes.set_post_ops(second_ops);
  }
  const std::int64_t columns = joined() ? 2 * problem_.n : problem_.n;
  group.first_desc = describe(engine_, m, columns, problem_.k, in, out, first_attributes);
  group.first = dnnl::matmul(group.first_desc);
  if (!joined()) {
    group.second_desc = describe(engine_, m, columns, problem_.k, in, out, second_attributes);
    group.second = dnnl::matmul(group.second_desc);
  }
}

GroupWeights OnednnGated::pack(std::int64_t group, const void* rows) {
  const Group& own = groups_[static_cast<std::size_t>(group)];
  const auto reorder = [&](const memory::desc& wanted, std::int64_t columns, std::int64_t offset) {
    // [n, k] row-major is [k, n] with the strides exchanged.
    const memory::desc given({problem_.k, columns}, data_type(type_), memory::format_tag::ba);
    memory source(given, engine_, mutable_pointer(rows, offset));
    memory packed(wanted, engine_);
    dnnl::reorder(source, packed).execute(stream_, source, packed);
    stream_.wait();
    return packed;
  };
  if (joined()) return {.first = reorder(own.first_desc.weights_desc(), 2 * problem_.n, 0), .second = {}};
  const std::int64_t half = problem_.n * problem_.k * bytes_of(data_type(type_));
  return {.first = reorder(own.first_desc.weights_desc(), problem_.n, 0),
          .second = reorder(own.second_desc.weights_desc(), problem_.n, half)};
}

void OnednnGated::run(const std::vector<GroupWeights>& weights, const void* a, void* out) {
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    if (groups_[g].rows > 0) run_group(g, weights[g], a, out);
  }
}

void OnednnGated::run_group(std::size_t index, const GroupWeights& weights, const void* a, void* out) {
  Group& group = groups_[index];
  const std::int64_t item = bytes_of(product_type());
  const std::int64_t one_product = group.rows * problem_.n * item;
  memory source(group.first_desc.src_desc(), engine_,
                mutable_pointer(a, group.first_row * problem_.k * bytes_of(data_type(type_))));
  memory first(group.first_desc.dst_desc(), engine_, products_.data());
  std::uint8_t* own_out =
      static_cast<std::uint8_t*>(out) + group.first_row * problem_.n * static_cast<std::int64_t>(out_bytes());
  group.first.execute(stream_, {{DNNL_ARG_SRC, source}, {DNNL_ARG_WEIGHTS, weights.first}, {DNNL_ARG_DST, first}});
  if (variant_ == Variant::post_ops) {
    memory result(group.second_desc.dst_desc(), engine_, own_out);
    group.second.execute(stream_, {{DNNL_ARG_SRC, source},
                                   {DNNL_ARG_WEIGHTS, weights.second},
                                   {DNNL_ARG_DST, result},
                                   {DNNL_ARG_ATTR_MULTIPLE_POST_OP(1) | DNNL_ARG_SRC_1, first}});
    stream_.wait();
    return;
  }
  if (!joined()) {
    memory second(group.second_desc.dst_desc(), engine_, products_.data() + one_product);
    group.second.execute(stream_, {{DNNL_ARG_SRC, source}, {DNNL_ARG_WEIGHTS, weights.second}, {DNNL_ARG_DST, second}});
  }
  stream_.wait();
  const std::uint8_t* up = products_.data() + (joined() ? problem_.n * item : one_product);
  const Products products{.gate = products_.data(),
                          .up = up,
                          .row_stride = joined() ? 2 * problem_.n : problem_.n,
                          .bf16 = product_type() == DataType::bf16};
  finish_gated(products, group.rows, problem_.n, alphas_[2 * index], alphas_[2 * index + 1],
               reinterpret_cast<std::uint16_t*>(own_out));
}

void OnednnGated::to_fp16(const void* out, std::vector<std::uint16_t>& fp16) const {
  const auto count = static_cast<std::size_t>(problem_.total_m() * problem_.n);
  fp16.resize(count);
  if (variant_ != Variant::post_ops) {
    std::memcpy(fp16.data(), out, 2 * count);
  } else if (type_ == PeerType::bf16) {
    const auto* values = static_cast<const std::uint16_t*>(out);
    for (std::size_t i = 0; i < count; ++i)
      fp16[i] = fp16_from_float(bf16_to_float(values[i]));
  } else {
    const auto* values = static_cast<const float*>(out);
    for (std::size_t i = 0; i < count; ++i)
      fp16[i] = fp16_from_float(values[i]);
  }
}

std::size_t OnednnGated::out_bytes() const noexcept {
  return variant_ == Variant::post_ops ? static_cast<std::size_t>(bytes_of(data_type(type_))) : 2;
}

std::string OnednnGated::implementation() const {
  return groups_.empty() ? "" : groups_.front().first_desc.impl_info_str();
}

}  // namespace thresher::peers
