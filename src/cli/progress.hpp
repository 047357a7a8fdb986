// Progress of long work on stderr: a bar that redraws itself on a terminal, plain lines elsewhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace thresher::cli {

class Progress {
 public:
  enum class Style { bar, lines, silent };

  /// `bar` where stderr is a terminal that can move its cursor, else `lines`.
  static Style detect();

  explicit Progress(Style style = detect()) : style_(style) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// What is being done now. In lines style each new text is one line.
  void stage(std::string_view what);

  /// How far the current stage is. In lines style one line about every ten seconds.
  void update(std::int64_t done, std::int64_t total);

  /// A lasting remark.
  void note(std::string_view text);

  /// Removes the bar, so that a result can be printed where it stood.
  void clear() noexcept;

 private:
  using Clock = std::chrono::steady_clock;
  void draw(double fraction);

  Style style_;
  std::string stage_;
  std::size_t drawn_ = 0;
  Clock::time_point last_{};
};

}  // namespace thresher::cli
