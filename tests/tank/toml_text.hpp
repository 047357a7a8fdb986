// A valid pitch and a valid round as text, and a way to break one line of them.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "device/files.hpp"
#include "thresher/error.hpp"

namespace thresher::tank {

inline const std::filesystem::path kSource = THRESHER_SOURCE_DIR;

inline const std::string kPitchText = R"(contestant = "Ada"
kind = "repitch"
earlier = "01-first/old"
category = "pipeline_stages"
title = "A title"
summary = "A summary."
mechanism = "A mechanism."
mechanism_observable = { observable = "panels_ahead", relation = "increases", case = "g8-k7168" }

[change]
config = "dequant_stages=2, block_m=64"

[[prediction]]
case = "g8-k7168"
low = 0.98
high = 1.1

[[prediction]]
case = "g2-k1536"
low = 1
high = 1

[[evidence]]
kind = "kernel_specific"
criterion = "soundness"
text = "It is counted."
claim = { observable = "panels_ahead", relation = "at_least", value = 5 }

[[evidence]]
kind = "generic"
criterion = "soundness"
text = "It is said."

[[risk]]
text = "It may be slow."
mitigation = "A short race."

[[test]]
step = "config"

[[test]]
step = "observable"
claim = { observable = "panels_ahead", relation = "increases" }

[[test]]
step = "short_race"
cases = ["g2-k1536"]

[[answer]]
lesson = "01-first/old"
text = "It is filled now."
claim = { observable = "panels_ahead", relation = "differs" }
)";

/// A change of a valid text, and what the error must hold.
struct Mistake {
  std::string from;  // occurs once
  std::string to;
  std::vector<std::string> expected;
};

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at == std::string::npos) return text;
  return text.replace(at, from.size(), to);
}

/// Calls `function` and checks its error: one line, of this code, with all parts.
template <typename Function>
void expect_error(ErrorCode code, const std::vector<std::string>& parts, Function function) {
  try {
    function();
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(error.code(), code) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    for (const std::string& part : parts) {
      EXPECT_NE(message.find(part), std::string::npos) << "'" << part << "' is missing in: " << message;
    }
    return;
  }
  ADD_FAILURE() << "no error where one with '" << (parts.empty() ? "" : parts.back()) << "' was expected";
}

}  // namespace thresher::tank
