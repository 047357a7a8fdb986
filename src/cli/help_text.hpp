// The help of each command: the text of docs/cli/<command>.md, compiled in.
#pragma once

#include <string_view>

namespace thresher::cli {

/// The page of a command ("thresher" for the program itself); empty when there is none.
std::string_view help_text(std::string_view page) noexcept;

}  // namespace thresher::cli
