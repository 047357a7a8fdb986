// Filling, placing, poisoning and looking after shared memory.
#include "measure/race_data.hpp"

#include <algorithm>
#include <cstring>

namespace thresher::measure {
namespace {

constexpr std::size_t kLine = 64;
// Room for offsets: 1024 different ones for each piece.
constexpr std::size_t kSlack = 64 * 1024;
// 4 KiB holds a row of 64 columns too many in any type.
constexpr std::size_t kFence = 4096;

constexpr std::size_t index(Piece piece) {
  return static_cast<std::size_t>(piece);
}

// Windows for the pieces [first, last), one after another. Returns the bytes of all.
std::size_t lay_out(const std::array<std::size_t, kPieces>& bytes, std::size_t first, std::size_t last,
                    std::size_t slack, std::array<Window, kPieces>& windows) {
  std::size_t total = 0;
  for (std::size_t i = first; i < last; ++i) {
    if (bytes[i] == 0) continue;
    windows[i] = {total, round_up_to_page(bytes[i] + slack)};
    total += windows[i].bytes;
  }
  return total;
}

// Random bytes, so that reading past the end of a piece changes results.
void fill_random(std::span<std::byte> bytes, Random random) {
  for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
    const std::uint64_t word = random.next();
    std::memcpy(bytes.data() + at, &word, 8);
  }
}

std::size_t draw_offset(std::size_t room, Random& random) {
  return random.below(room / kLine + 1) * kLine;
}

template <typename T>
std::span<const std::byte> as_bytes(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

// The private copy of an input piece.
std::span<const std::byte> source(const ProblemData& data, Piece piece) {
  const bool nvfp4 = data.problem.operand == OperandType::nvfp4;
  switch (piece) {
    case Piece::a:
      return nvfp4 ? as_bytes(data.a_nvfp4.codes) : as_bytes(data.a_half);
    case Piece::a_scales:
      return as_bytes(data.a_nvfp4.scales);
    case Piece::a_globals:
      return as_bytes(data.a_global_scales);
    case Piece::offsets:
      return as_bytes(data.offsets);
    case Piece::bias:
      return as_bytes(data.bias);
    case Piece::bias_up:
      return as_bytes(data.bias_up);
    case Piece::out:
    case Piece::out_scales:
      break;
  }
  return {};
}

std::size_t element_bytes(OutputType type) {
  return type == OutputType::fp32 ? 4 : 2;
}

// A signalling NaN of the type, repeated. What a kernel computes is quiet when it is a NaN, so the pattern is nobody's
// result. Codes of NVFP4 have no such value: there it is the scale 0xFF, which no quantiser gives (its NaN is 0x7F).
std::uint64_t draw_pattern(OutputType type, Random& random) {
  switch (type) {
    case OutputType::fp16:
      return (0x7C01ull + random.below(0x1FF)) * 0x0001000100010001ull;
    case OutputType::bf16:
      return (0x7F81ull + random.below(0x3F)) * 0x0001000100010001ull;
    case OutputType::fp32:
      return (0x7F800001ull + random.below(0x3FFFFF)) * 0x0000000100000001ull;
    case OutputType::nvfp4:
      break;
  }
  return random.below(256) * 0x0101010101010101ull;
}

template <typename T>
std::int64_t count_equal(std::span<const std::byte> bytes, T pattern) {
  // NOTE: offsets are multiples of a cache line, so elements are aligned.
  const auto* values = reinterpret_cast<const T*>(bytes.data());
  std::int64_t count = 0;
  for (std::size_t i = 0; i < bytes.size() / sizeof(T); ++i)
    count += values[i] == pattern ? 1 : 0;
  return count;
}

}  // namespace

WeightSets::WeightSets(const Problem& problem, Recipe recipe, std::uint64_t seed, int sets)
    : problem_(problem), layout_(problem), sets_(sets), memory_(layout_.bytes(static_cast<std::size_t>(sets))) {
  std::byte* base = memory_.bytes().data();
  const std::size_t in_set = layout_.groups * layout_.matrices;
  const auto matrices = static_cast<std::int64_t>(static_cast<std::size_t>(sets) * in_set);
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t number = 0; number < matrices; ++number) {
    const std::size_t at = static_cast<std::size_t>(number) / in_set;
    const std::size_t group = static_cast<std::size_t>(number) % in_set / layout_.matrices;
    const std::size_t which = static_cast<std::size_t>(number) % layout_.matrices;
    const Nvfp4Matrix matrix =
        generate_weights(problem, recipe, mix64(seed + at), static_cast<std::int64_t>(group), static_cast<int>(which));
    std::memcpy(base + layout_.codes_at(at, group, which), matrix.codes.data(), layout_.codes_bytes);
    std::memcpy(base + layout_.scales_at(at, group, which), matrix.scales.data(), layout_.scales_bytes);
    std::memcpy(base + layout_.global_at(static_cast<std::size_t>(sets), at, group, which), &matrix.global_scale,
                sizeof(float));
  }
  memory_.seal();
  fingerprint_ = fingerprint(memory_.bytes());
}

Nvfp4Matrix WeightSets::gather(int set, std::int64_t group, int which, std::span<const std::int64_t> columns) const {
  const auto set_index = static_cast<std::size_t>(set);
  const auto group_index = static_cast<std::size_t>(group);
  const auto which_index = static_cast<std::size_t>(which);
  const std::byte* base = memory_.bytes().data();
  const std::byte* codes = base + layout_.codes_at(set_index, group_index, which_index);
  const std::byte* scales = base + layout_.scales_at(set_index, group_index, which_index);
  const auto row_codes = static_cast<std::size_t>(problem_.k / 2);
  const auto row_scales = static_cast<std::size_t>(problem_.k / kScaleBlock);
  Nvfp4Matrix matrix = make_nvfp4_matrix(static_cast<std::int64_t>(columns.size()), problem_.k);
  std::memcpy(&matrix.global_scale,
              base + layout_.global_at(static_cast<std::size_t>(sets_), set_index, group_index, which_index),
              sizeof(float));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto column = static_cast<std::size_t>(columns[i]);
    std::memcpy(matrix.codes.data() + i * row_codes, codes + column * row_codes, row_codes);
    std::memcpy(matrix.scales.data() + i * row_scales, scales + column * row_scales, row_scales);
  }
  return matrix;
}

bool WeightSets::unchanged() const {
  return fingerprint(memory_.bytes()) == fingerprint_;
}

Inputs::Inputs(const Problem& problem)
    : bytes_(piece_bytes(problem)), memory_(lay_out(bytes_, 0, kInputPieces, kSlack, windows_)) {
  fill_random(memory_.bytes(), Random(bytes_[0]));
  memory_.seal_against_others();
}

void Inputs::copy_all() {
  for (std::size_t i = 0; i < kInputPieces; ++i) {
    if (bytes_[i] == 0) continue;
    const std::span<const std::byte> from = source(data_, static_cast<Piece>(i));
    std::memcpy(memory_.bytes().data() + windows_[i].at + at_[i], from.data(), from.size());
  }
}

void Inputs::place(ProblemData data, Random& random) {
  data_ = std::move(data);
  const bool at_the_end = random.below(2) == 0;
  for (std::size_t i = 0; i < kInputPieces; ++i) {
    if (bytes_[i] == 0) continue;
    const std::size_t room = windows_[i].bytes - bytes_[i];
    at_[i] = at_the_end ? room : draw_offset(room, random);
  }
  copy_all();
}

void Inputs::replace_in_place(ProblemData data) {
  data_ = std::move(data);
  copy_all();
}

bool Inputs::unchanged() const {
  for (std::size_t i = 0; i < kInputPieces; ++i) {
    if (bytes_[i] == 0) continue;
    const std::span<const std::byte> from = source(data_, static_cast<Piece>(i));
    if (std::memcmp(memory_.bytes().data() + windows_[i].at + at_[i], from.data(), from.size()) != 0) return false;
  }
  return true;
}

Outputs::Outputs(const Problem& problem)
    : problem_(problem),
      bytes_(piece_bytes(problem)),
      memory_(lay_out(bytes_, kInputPieces, kPieces, kSlack + 2 * kFence, windows_)) {
  Random random(0);
  poison(random);
}

void Outputs::fill(Piece which, std::uint64_t pattern, Random& random) {
  const std::size_t i = index(which);
  if (bytes_[i] == 0) return;
  pattern_[i] = pattern;
  at_[i] = kFence + draw_offset(windows_[i].bytes - bytes_[i] - 2 * kFence, random);
  auto* words = reinterpret_cast<std::uint64_t*>(memory_.bytes().data() + windows_[i].at);
  std::fill_n(words, windows_[i].bytes / sizeof(std::uint64_t), pattern);
}

void Outputs::poison(Random& random) {
  fill(Piece::out, draw_pattern(problem_.output, random), random);
  fill(Piece::out_scales, ~std::uint64_t{0}, random);
}

std::span<std::byte> Outputs::piece(Piece which) const {
  const std::size_t i = index(which);
  if (bytes_[i] == 0) return {};
  return memory_.bytes().subspan(windows_[i].at + at_[i], bytes_[i]);
}

OutputView Outputs::view(float global_scale) const {
  OutputView view{.type = problem_.output, .global_scale = global_scale, .rows = problem_.total_m(), .n = problem_.n};
  view.data = piece(Piece::out).data();
  view.scales = reinterpret_cast<std::uint8_t*>(piece(Piece::out_scales).data());
  return view;
}

std::vector<std::byte> Outputs::copy() const {
  const auto data = piece(Piece::out);
  const auto scales = piece(Piece::out_scales);
  std::vector<std::byte> bytes(data.begin(), data.end());
  bytes.insert(bytes.end(), scales.begin(), scales.end());
  return bytes;
}

bool Outputs::same_bytes(std::span<const std::byte> other) const {
  const auto data = piece(Piece::out);
  const auto scales = piece(Piece::out_scales);
  if (other.size() != data.size() + scales.size()) return false;
  return std::equal(data.begin(), data.end(), other.begin()) &&
         std::equal(scales.begin(), scales.end(), other.begin() + static_cast<std::ptrdiff_t>(data.size()));
}

bool Outputs::intact(std::size_t from, std::size_t to) const {
  const std::span<const std::byte> all = memory_.bytes();
  for (std::size_t i = kInputPieces; i < kPieces; ++i) {
    const Window& window = windows_[i];
    if (from < window.at || from >= window.at + window.bytes) continue;
    const auto* pattern = reinterpret_cast<const std::byte*>(&pattern_[i]);
    for (std::size_t at = from; at < to; ++at) {
      if (all[at] != pattern[at % sizeof(std::uint64_t)]) return false;
    }
  }
  return true;
}

bool Outputs::fences_intact() const {
  for (std::size_t i = kInputPieces; i < kPieces; ++i) {
    if (bytes_[i] == 0) continue;
    const Window& window = windows_[i];
    const std::size_t begin = window.at + at_[i];
    if (!intact(window.at, begin) || !intact(begin + bytes_[i], window.at + window.bytes)) return false;
  }
  return true;
}

std::int64_t Outputs::unwritten() const {
  const std::uint64_t pattern = pattern_[index(Piece::out)];
  if (problem_.output == OutputType::nvfp4) {
    return count_equal<std::uint8_t>(piece(Piece::out_scales), 0xFF);
  }
  return element_bytes(problem_.output) == 4 ? count_equal(piece(Piece::out), static_cast<std::uint32_t>(pattern))
                                             : count_equal(piece(Piece::out), static_cast<std::uint16_t>(pattern));
}

OutputView view_of(const Problem& problem, std::span<std::byte> copy, float global_scale) {
  OutputView view{.type = problem.output, .global_scale = global_scale, .rows = problem.total_m(), .n = problem.n};
  const std::size_t data_bytes = piece_bytes(problem)[index(Piece::out)];
  view.data = copy.data();
  view.scales =
      problem.output == OutputType::nvfp4 ? reinterpret_cast<std::uint8_t*>(copy.data() + data_bytes) : nullptr;
  return view;
}

}  // namespace thresher::measure
