// Rules are data: weights renormalise, every mistake is named, and the two files that ship say what the seed says.
#include "tank/rules.hpp"

#include <gtest/gtest.h>

#include "tank/toml_text.hpp"
#include "tank/verdict.hpp"

namespace thresher::tank {
namespace {

const std::string kRulesText = R"(name = "mine"
generic_discount = 0.5
evidence_criteria = ["gain"]
exploration_share = 0.1

[[criterion]]
name = "gain"
base = 30

[[criterion]]
name = "risk"
base = 5
adjustment = 5

[decision]
alpha = 0.02
min_blocks = 10
max_blocks = 40

[blocks]
short_race = 4
)";

Rules parse(const std::string& text) {
  return parse_rules(text, "rules.toml");
}

double sum_of_weights(const Rules& rules) {
  double sum = 0.0;
  for (const Criterion& one : rules.criteria) {
    sum += one.normalised;
  }
  return sum;
}

TEST(Rules, HoldWhatTheFileSaysAndDefaultsForTheRest) {
  const Rules rules = parse(kRulesText);
  EXPECT_EQ(rules.name, "mine");
  EXPECT_DOUBLE_EQ(rules.find("gain")->normalised, 0.75);
  EXPECT_DOUBLE_EQ(rules.find("risk")->normalised, 0.25);
  EXPECT_EQ(rules.find("risk")->raw(), 10.0);
  EXPECT_EQ(rules.find("beauty"), nullptr);
  EXPECT_EQ(rules.generic_discount, 0.5);
  EXPECT_EQ(rules.exploration_share, 0.1);
  EXPECT_FALSE(rules.require_answers);
  EXPECT_EQ(rules.decision.alpha, 0.02);
  EXPECT_EQ(rules.decision.min_blocks, 10);
  EXPECT_EQ(rules.decision.case_margin, measure::DecisionRule{}.case_margin);
  EXPECT_EQ(rules.short_race_blocks, 4);
  EXPECT_EQ(rules.confirmation_blocks, Rules{}.confirmation_blocks);
}

TEST(Rules, RefuseEveryMistakeWithFileLineKeyAndWayOut) {
  const std::vector<Mistake> mistakes = {
      {"base = 30", "base = -1", {"rules.toml:8: base = -1 must be a weight of 0 or more points"}},
      {"base = 30", "base = inf", {"rules.toml:8: base = inf must be a weight"}},
      {"base = 30", "weight = 30", {"rules.toml:8: unknown key 'weight' = 30; a [[criterion]] has name, base"}},
      {"base = 30\n", "", {"rules.toml:6: a [[criterion]] without the key 'base'"}},
      {"adjustment = 5", "adjustment = -6", {"rules.toml:13:", "makes the weight of \"risk\" negative (5 + -6 = -1)"}},
      {"name = \"risk\"", "name = \"gain\"", {"rules.toml:11: a second criterion \"gain\"; remove one"}},
      {"name = \"risk\"", "name = \"a b\"", {"rules.toml:11:", "made of letters"}},
      {"name = \"mine\"\n", "", {"without the key 'name'"}},
      {"generic_discount = 0.5", "generic_discount = 1.5", {"rules.toml:2:", "must be a share from 0 to 1"}},
      {"exploration_share = 0.1", "exploration_share = \"some\"", {"rules.toml:4:", "is not a number"}},
      {"exploration_share = 0.1", "require_answers = 1", {"rules.toml:4: require_answers = 1 is not true or false"}},
      {"[\"gain\"]", "[\"beauty\"]", {"rules.toml:3:", "names \"beauty\", which is no [[criterion]]"}},
      {"[\"gain\"]", "[\"gain\", \"gain\"]", {"rules.toml:3:", "holds \"gain\" twice"}},
      {"alpha = 0.02", "alpha = 0", {"rules.toml:16: alpha = 0 must be a probability"}},
      {"alpha = 0.02", "alfa = 0.02", {"rules.toml:16: unknown key 'alfa'"}},
      {"min_blocks = 10", "min_blocks = 1.5", {"rules.toml:17: min_blocks = 1.5 is not a whole number"}},
      {"min_blocks = 10", "min_blocks = 50", {"rules.toml:15: [decision]:"}},
      {"short_race = 4", "short_race = 0", {"rules.toml:21: short_race = 0 must be a whole number from 1"}},
  };
  for (const Mistake& mistake : mistakes) {
    SCOPED_TRACE(mistake.from + " -> " + mistake.to);
    expect_error(ErrorCode::parse, mistake.expected, [&] { parse(replaced(kRulesText, mistake.from, mistake.to)); });
  }
  expect_error(ErrorCode::parse, {"every weight is 0"},
               [] { parse("name = \"x\"\n[[criterion]]\nname = \"a\"\nbase = 0\n"); });
  expect_error(ErrorCode::parse, {"rules without a [[criterion]]"}, [] { parse("name = \"x\"\n"); });
  expect_error(ErrorCode::io, {"none.toml"}, [] { load_rules("none.toml"); });
}

TEST(Rules, OfRound1RememberNothing) {
  const Rules rules = load_rules(kSource / "rules/round-1.toml");
  EXPECT_NEAR(sum_of_weights(rules), 1.0, 1e-12);
  EXPECT_EQ(rules.generic_discount, 1.0);
  EXPECT_FALSE(rules.require_history || rules.require_answers || rules.require_kernel_specific);
  for (const Criterion& one : rules.criteria) {
    EXPECT_EQ(one.adjustment, 0.0) << one.name;
  }
}

TEST(Rules, OfRound2AreThoseOfRound1WithTheSeedsAdjustments) {
  const Rules first = load_rules(kSource / "rules/round-1.toml");
  const Rules second = load_rules(kSource / "rules/round-2.toml");
  ASSERT_EQ(first.criteria.size(), second.criteria.size());
  for (std::size_t i = 0; i < first.criteria.size(); ++i) {
    const std::string& name = second.criteria[i].name;
    EXPECT_EQ(first.criteria[i].name, name);
    EXPECT_EQ(first.criteria[i].base, second.criteria[i].base) << name;
    const double expected = name == "kernel_specific_analysis"                           ? 10.0
                            : name == "risk_assessment" || name == "incremental_testing" ? 5.0
                                                                                         : 0.0;
    EXPECT_EQ(second.criteria[i].adjustment, expected) << name;
  }
  EXPECT_NEAR(sum_of_weights(second), 1.0, 1e-12);
  EXPECT_NEAR(second.find("kernel_specific_analysis")->normalised, 15.0 / 120.0, 1e-12);
  EXPECT_EQ(second.generic_discount, 0.25);
  EXPECT_EQ(second.exploration_share, 0.2);
  EXPECT_TRUE(second.require_history && second.require_answers && second.require_kernel_specific);
}

TEST(Verdicts, HaveNamesAndMeanings) {
  for (int i = 0; i <= static_cast<int>(Verdict::error); ++i) {
    const auto verdict = static_cast<Verdict>(i);
    EXPECT_EQ(parse_verdict(to_string(verdict)), verdict);
    EXPECT_GT(std::string(meaning(verdict)).size(), 20u);
  }
  EXPECT_STREQ(to_string(Verdict::win), "WIN");
  EXPECT_FALSE(parse_verdict("win"));
}

}  // namespace
}  // namespace thresher::tank
