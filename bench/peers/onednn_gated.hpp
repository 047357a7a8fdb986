// The gated op by oneDNN: per group two matrix products over weights dequantised beforehand, then silu(gate) * up.
#pragma once

#include <cstdint>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "thresher/problem.hpp"

namespace thresher::peers {

/// How the op is put together from oneDNN's parts. Which is fastest depends on the shape: the contest tries them all.
enum class Variant : int {
  separate_bf16 = 0,  ///< products of gate and of up into bf16, then our activation pass into fp16
  separate_fp32 = 1,  ///< the same into fp32
  joined_bf16 = 2,    ///< one product of [gate; up] into bf16, then the pass
  joined_fp32 = 3,    ///< the same into fp32
  post_ops = 4,       ///< silu and the product as post-ops of oneDNN; its output is bf16 (fp32 with fp32 weights)
};

inline constexpr Variant kVariants[] = {Variant::separate_bf16, Variant::separate_fp32, Variant::joined_bf16,
                                        Variant::joined_fp32, Variant::post_ops};

const char* to_string(Variant variant) noexcept;
std::optional<Variant> parse_variant(std::string_view text) noexcept;

/// Type of the dequantised weights and activations. fp32 is for machines where oneDNN has no fast bf16 product.
enum class PeerType : int { bf16 = 0, fp32 = 1 };
const char* to_string(PeerType type) noexcept;

/// True when oneDNN multiplies bf16 here by something better than its reference loop.
bool has_fast_bf16(const dnnl::engine& engine);

/// Weights of one group in the layouts that oneDNN asked for.
struct GroupWeights {
  dnnl::memory first;   // gate, or [gate; up]
  dnnl::memory second;  // up, or empty
};

/// The primitives of every group for one problem; made once, shared by all data sets.
class OnednnGated {
 public:
  /// `alphas`: products of global scales, [groups][2] (gate, up).
  OnednnGated(const dnnl::engine& engine, const Problem& problem, std::vector<float> alphas, Variant variant,
              PeerType type);

  /// Reorders a group's weights. `rows` holds [gate; up], each [n, k] row-major, of the peer's type.
  [[nodiscard]] GroupWeights pack(std::int64_t group, const void* rows);

  /// a: [total_m, k] of the peer's type; out: [total_m, n] of out_bytes() an element.
  void run(const std::vector<GroupWeights>& weights, const void* a, void* out);

  /// Writes the output of run() as fp16, for the check; not part of what is timed.
  void to_fp16(const void* out, std::vector<std::uint16_t>& fp16) const;

  [[nodiscard]] std::size_t out_bytes() const noexcept;
  [[nodiscard]] std::string implementation() const;

 private:
  struct Group {
    std::int64_t first_row = 0;
    std::int64_t rows = 0;
    dnnl::matmul::primitive_desc first_desc;
    dnnl::matmul::primitive_desc second_desc;
    dnnl::matmul first;
    dnnl::matmul second;
  };
  [[nodiscard]] bool joined() const noexcept;
  [[nodiscard]] dnnl::memory::data_type product_type() const noexcept;
  void make_group(Group& group, std::int64_t index);
  void run_group(std::size_t index, const GroupWeights& weights, const void* a, void* out);

  dnnl::engine engine_;
  dnnl::stream stream_;
  Problem problem_;
  std::vector<float> alphas_;
  Variant variant_;
  PeerType type_;
  std::vector<Group> groups_;
  std::vector<std::uint8_t> products_;  // of the largest group
};

}  // namespace thresher::peers
