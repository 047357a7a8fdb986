// Gathering a small problem out of a large one, and finding suspects.
#include "measure/race_checks.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <set>

#include "format/half.hpp"
#include "reference/compare.hpp"

namespace thresher::measure {
namespace {

constexpr std::size_t kMostGroups = 6;
constexpr std::int64_t kColumns = 16;
constexpr std::size_t kSuspects = 8;

using reference::Selection;

// The selected rows and columns as a problem of its own, with the bytes of the large one.
struct Gathered {
  ProblemData data;
  std::vector<std::byte> out;
  OutputView view;
};

std::vector<std::int64_t> rows_per_group(const ProblemData& data, const Selection& selection) {
  std::vector<std::int64_t> m(data.problem.m.size(), 0);
  for (const std::int64_t row : selection.rows) {
    const auto end = std::upper_bound(data.offsets.begin(), data.offsets.end(), row);
    ++m[static_cast<std::size_t>(end - data.offsets.begin() - 1)];
  }
  return m;
}

template <typename T>
void gather_rows(const std::vector<T>& from, std::size_t row_elements, const std::vector<std::int64_t>& rows,
                 std::vector<T>& to) {
  to.resize(rows.size() * row_elements);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::copy_n(from.begin() + rows[i] * static_cast<std::int64_t>(row_elements), row_elements,
                to.begin() + static_cast<std::ptrdiff_t>(i * row_elements));
  }
}

std::vector<float> gather_bias(const std::vector<float>& bias, std::int64_t n, const std::vector<std::int64_t>& cols) {
  std::vector<float> gathered;
  for (std::size_t first = 0; first < bias.size(); first += static_cast<std::size_t>(n)) {
    for (const std::int64_t col : cols)
      gathered.push_back(bias[first + static_cast<std::size_t>(col)]);
  }
  return gathered;
}

void gather_output(const Problem& problem, const OutputView& from, const Selection& selection, Gathered& gathered) {
  const bool nvfp4 = problem.output == OutputType::nvfp4;
  // NVFP4 moves in blocks of 16: 8 bytes of codes and a scale.
  const std::size_t step = nvfp4 ? static_cast<std::size_t>(kScaleBlock) : 1;
  const std::size_t unit = nvfp4 ? 8 : problem.output == OutputType::fp32 ? 4 : 2;
  const std::size_t units = selection.rows.size() * selection.cols.size() / step;
  gathered.out.resize(units * (unit + (nvfp4 ? 1 : 0)));
  gathered.view = view_of(gathered.data.problem, gathered.out, from.global_scale);
  const auto* data = static_cast<const std::byte*>(from.data);
  std::size_t at = 0;
  for (const std::int64_t row : selection.rows) {
    for (std::size_t j = 0; j < selection.cols.size(); j += step, ++at) {
      const auto place = static_cast<std::size_t>(row * problem.n + selection.cols[j]) / step;
      std::memcpy(gathered.out.data() + at * unit, data + place * unit, unit);
      if (nvfp4) gathered.view.scales[at] = from.scales[place];
    }
  }
}

Gathered gather(const ProblemData& data, const Selection& selection, const OutputView& out) {
  Gathered gathered;
  Problem& problem = gathered.data.problem;
  problem = data.problem;
  problem.m = rows_per_group(data, selection);
  problem.n = static_cast<std::int64_t>(selection.cols.size());
  gathered.data.offsets.push_back(0);
  for (const std::int64_t rows : problem.m)
    gathered.data.offsets.push_back(gathered.data.offsets.back() + static_cast<std::int32_t>(rows));
  const auto k = static_cast<std::size_t>(problem.k);
  if (problem.operand == OperandType::nvfp4) {
    Nvfp4Matrix& a = gathered.data.a_nvfp4;
    a.rows = static_cast<std::int64_t>(selection.rows.size());
    a.k = problem.k;
    gather_rows(data.a_nvfp4.codes, k / 2, selection.rows, a.codes);
    gather_rows(data.a_nvfp4.scales, k / static_cast<std::size_t>(kScaleBlock), selection.rows, a.scales);
    gathered.data.a_global_scales = data.a_global_scales;
  } else {
    gather_rows(data.a_half, k, selection.rows, gathered.data.a_half);
  }
  gathered.data.bias = gather_bias(data.bias, data.problem.n, selection.cols);
  gathered.data.bias_up = gather_bias(data.bias_up, data.problem.n, selection.cols);
  gathered.data.out_global_scale = data.out_global_scale;
  gather_output(data.problem, out, selection, gathered);
  return gathered;
}

// The comparison counts rows and columns of the gathered problem; people want those of the case.
std::string in_terms_of_the_case(const std::string& failure, const Selection& selection) {
  long long group = 0;
  long long row = 0;
  long long col = 0;
  int used = 0;
  if (std::sscanf(failure.c_str(), "group %lld, row %lld, col %lld%n", &group, &row, &col, &used) != 3) return failure;
  const auto place = [](const std::vector<std::int64_t>& of, long long i) {
    return std::to_string(of[static_cast<std::size_t>(i)]);
  };
  return "group " + std::to_string(group) + ", row " + place(selection.rows, row) + ", col " +
         place(selection.cols, col) + failure.substr(static_cast<std::size_t>(used));
}

float value_at(const OutputView& out, std::int64_t at) {
  if (out.type == OutputType::fp32) return static_cast<const float*>(out.data)[at];
  const std::uint16_t bits = static_cast<const std::uint16_t*>(out.data)[at];
  return out.type == OutputType::fp16 ? fp16_to_float(bits) : bf16_to_float(bits);
}

// How far apart two results are in units of their own rounding, near zero of the rounding of a typical result.
double difference(float one, float other, double typical) {
  if (std::isnan(one) != std::isnan(other)) return HUGE_VAL;
  if (std::isnan(one) || one == other) return 0.0;
  const double apart = std::fabs(static_cast<double>(one) - static_cast<double>(other));
  return apart / (std::max(std::fabs(static_cast<double>(one)), std::fabs(static_cast<double>(other))) + typical);
}

double typical_size(const OutputView& out, std::int64_t count) {
  constexpr std::int64_t kLooks = 1024;
  const std::int64_t step = std::max<std::int64_t>(1, count / kLooks);
  double sum = 0.0;
  std::int64_t looks = 0;
  for (std::int64_t at = 0; at < count; at += step) {
    const auto value = static_cast<double>(value_at(out, at));
    if (!std::isfinite(value)) continue;
    sum += std::fabs(value);
    ++looks;
  }
  return looks > 0 ? 0.1 * sum / static_cast<double>(looks) : 1.0;
}

struct Suspect {
  double difference = 0.0;
  std::int64_t at = 0;
};

// The kSuspects largest, in no order.
class Suspects {
 public:
  void offer(double apart, std::int64_t at) {
    if (apart <= least_) return;
    if (found_.size() < kSuspects) {
      found_.push_back({apart, at});
    } else {
      *smallest() = {apart, at};
    }
    if (found_.size() == kSuspects) least_ = smallest()->difference;
  }

  [[nodiscard]] const std::vector<Suspect>& found() const { return found_; }

 private:
  std::vector<Suspect>::iterator smallest() {
    return std::min_element(found_.begin(), found_.end(),
                            [](const Suspect& a, const Suspect& b) { return a.difference < b.difference; });
  }
  std::vector<Suspect> found_;
  double least_ = 0.0;
};

Suspects find_suspects(const OutputView& one, const OutputView& other, std::int64_t count) {
  Suspects suspects;
  const double typical = typical_size(one, count);
  if (one.type == OutputType::fp32) {
    for (std::int64_t at = 0; at < count; ++at)
      suspects.offer(difference(value_at(one, at), value_at(other, at), typical), at);
    return suspects;
  }
  const auto* a = static_cast<const std::uint16_t*>(one.data);
  const auto* b = static_cast<const std::uint16_t*>(other.data);
  for (std::int64_t at = 0; at < count; ++at) {
    if (a[at] != b[at]) suspects.offer(difference(value_at(one, at), value_at(other, at), typical), at);
  }
  return suspects;
}

Suspects find_block_suspects(const OutputView& one, const OutputView& other, std::int64_t blocks) {
  Suspects suspects;
  const auto* a = static_cast<const std::uint8_t*>(one.data);
  const auto* b = static_cast<const std::uint8_t*>(other.data);
  for (std::int64_t at = 0; at < blocks; ++at) {
    const bool codes_differ = std::memcmp(a + 8 * at, b + 8 * at, 8) != 0;
    const int scales = std::abs(int{one.scales[at]} - int{other.scales[at]});
    suspects.offer(scales + (codes_differ ? 0.5 : 0.0), kScaleBlock * at);
  }
  return suspects;
}

}  // namespace

ElementCheck check_elements(const ProblemData& data, const WeightSets& weights, int set, const OutputView& out,
                            const Selection& selection, bool exact) {
  ElementCheck check;
  if (selection.rows.empty()) return check;
  const Gathered gathered = gather(data, selection, out);
  const reference::Result truth = reference::compute(
      gathered.data, [&](std::int64_t group, int which) { return weights.gather(set, group, which, selection.cols); });
  reference::Comparison comparison = reference::compare(truth, gathered.data, gathered.view);
  check.checked = comparison.checked;
  check.max_rel_err = comparison.max_rel_err;
  if (comparison.ok() && exact) {
    comparison = reference::compare_bitwise_integers(truth, gathered.data, gathered.view);
  }
  if (!comparison.ok()) {
    check.error = std::to_string(comparison.failures) + " of " + std::to_string(comparison.checked) +
                  " elements are wrong, first: " + in_terms_of_the_case(comparison.first_failure, selection);
  }
  return check;
}

Selection draw_elements(const Problem& problem, Random& random) {
  std::vector<std::pair<std::int64_t, std::int64_t>> groups;  // first row, rows
  std::int64_t first = 0;
  for (const std::int64_t rows : problem.m) {
    if (rows > 0) groups.emplace_back(first, rows);
    first += rows;
  }
  for (std::size_t i = groups.size(); i > 1; --i)
    std::swap(groups[i - 1], groups[random.below(i)]);
  if (groups.size() > kMostGroups) groups.resize(kMostGroups);
  std::set<std::int64_t> rows;
  for (const auto& [start, count] : groups) {
    const auto bound = static_cast<std::uint64_t>(count);
    rows.insert({start, start + count - 1, start + random.below(bound), start + random.below(bound)});
  }
  // NVFP4 shares a scale in a block, so blocks are drawn; else single columns.
  const std::int64_t unit = problem.output == OutputType::nvfp4 ? kScaleBlock : 1;
  const std::int64_t units = problem.n / unit;
  std::set<std::int64_t> chosen = {0, units - 1};
  for (std::int64_t i = 2; i < kColumns / unit; ++i)
    chosen.insert(random.below(static_cast<std::uint64_t>(units)));
  Selection selection{.rows = {rows.begin(), rows.end()}, .cols = {}};
  for (const std::int64_t start : chosen) {
    for (std::int64_t i = 0; i < unit; ++i)
      selection.cols.push_back(start * unit + i);
  }
  return selection;
}

Selection most_different(const Problem& problem, const OutputView& one, const OutputView& other) {
  const std::int64_t count = problem.total_m() * problem.n;
  const bool nvfp4 = problem.output == OutputType::nvfp4;
  const Suspects suspects =
      nvfp4 ? find_block_suspects(one, other, count / kScaleBlock) : find_suspects(one, other, count);
  std::set<std::int64_t> rows;
  std::set<std::int64_t> cols;
  for (const Suspect& suspect : suspects.found()) {
    rows.insert(suspect.at / problem.n);
    for (std::int64_t i = 0; i < (nvfp4 ? kScaleBlock : 1); ++i)
      cols.insert(suspect.at % problem.n + i);
  }
  return {.rows = {rows.begin(), rows.end()}, .cols = {cols.begin(), cols.end()}};
}

}  // namespace thresher::measure
