// The verdicts with their names and what they mean.
#include "tank/verdict.hpp"

#include <array>

namespace thresher::tank {
namespace {

struct VerdictText {
  Verdict verdict;
  const char* name;
  const char* meaning;
};

constexpr std::array<VerdictText, 7> kVerdicts{{
    {Verdict::win, "WIN", "Faster than the champion in force beyond the noise, and on no case worse than its margin."},
    {Verdict::loss, "LOSS", "Slower than the champion in force, over all cases or on one of them beyond its margin."},
    {Verdict::same, "SAME", "Shown to be within the least gain that counts: it makes no difference."},
    {Verdict::ambiguous, "AMBIGUOUS", "Not decided by the blocks that the budget allowed; the champion stays."},
    {Verdict::invalid, "INVALID", "A wrong answer or a broken rule: its times mean nothing."},
    {Verdict::impossible, "IMPOSSIBLE", "Faster than the ceilings measured on this machine allow."},
    {Verdict::error, "ERROR", "Did not run to its end: refused by the kernel, crashed or hung."},
}};

}  // namespace

const char* to_string(Verdict verdict) noexcept {
  for (const VerdictText& one : kVerdicts) {
    if (one.verdict == verdict) return one.name;
  }
  return "UNKNOWN";
}

std::optional<Verdict> parse_verdict(std::string_view text) noexcept {
  for (const VerdictText& one : kVerdicts) {
    if (text == one.name) return one.verdict;
  }
  return std::nullopt;
}

const char* meaning(Verdict verdict) noexcept {
  for (const VerdictText& one : kVerdicts) {
    if (one.verdict == verdict) return one.meaning;
  }
  return "Not a verdict.";
}

}  // namespace thresher::tank
