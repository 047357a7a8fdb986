// The progress bar, and its plain counterpart.
#include "cli/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "device/environment.hpp"

namespace thresher::cli {
namespace {

constexpr int kBarCells = 24;
// Faster than this nobody can read it, and drawing would disturb what is measured.
constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::chrono::seconds kLineInterval{10};

}  // namespace

Progress::Style Progress::detect() {
  const std::optional<std::string> terminal = device::read_environment().terminal;
  const bool can_redraw = terminal && *terminal != "dumb";
  return can_redraw && isatty(STDERR_FILENO) != 0 ? Style::bar : Style::lines;
}

void Progress::stage(std::string_view what) {
  stage_ = what;
  last_ = Clock::now();
  if (style_ == Style::bar) {
    draw(0.0);
  } else if (style_ == Style::lines) {
    fmt::print(stderr, "{}\n", stage_);
  }
}

void Progress::update(std::int64_t done, std::int64_t total) {
  const auto now = Clock::now();
  if (style_ == Style::bar && now - last_ >= kRedraw) {
    last_ = now;
    draw(total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0.0);
  } else if (style_ == Style::lines && now - last_ >= kLineInterval) {
    last_ = now;
    fmt::print(stderr, "{}: {} of {}\n", stage_, done, total);
  }
}

void Progress::note(std::string_view text) {
  clear();
  if (style_ != Style::silent) {
    fmt::print(stderr, "{}\n", text);
  }
}

void Progress::clear() noexcept {
  if (drawn_ > 0) {
    std::fprintf(stderr, "\r%*s\r", static_cast<int>(drawn_), "");
    std::fflush(stderr);
    drawn_ = 0;
  }
}

void Progress::draw(double fraction) {
  const int filled = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * kBarCells);
  const std::string line = fmt::format("[{}{}] {}", std::string(static_cast<std::size_t>(filled), '#'),
                                       std::string(static_cast<std::size_t>(kBarCells - filled), '.'), stage_);
  clear();
  fmt::print(stderr, "{}", line);
  std::fflush(stderr);
  drawn_ = line.size();
}

}  // namespace thresher::cli
