// What an executable said, made harmless: JSON of bounded depth whose texts are short and without control characters.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "tank/ledger.hpp"

namespace thresher::tank {

/// Longest text that is taken from a reply, in characters.
inline constexpr std::size_t kMostCharacters = 2000;

/// One line of at most `most` characters. Control characters, bidirectional overrides and bytes that are no UTF-8
/// become spaces: what is printed later can neither move a cursor nor forge a line. What is cut ends in "...".
std::string clean_text(std::string_view text, std::size_t most = kMostCharacters);

/// An object with every text in it cleaned, keys too, or why there is none.
struct Reply {
  Json json;
  std::string failure;
};
Reply parse_reply(const std::string& text);

/// A JSON object as TOML text, for the readers of our files. Throws Error(parse) for null, which TOML does not have,
/// and for whole numbers beyond 64 bits.
std::string to_toml(const Json& object);

}  // namespace thresher::tank
