// Aligned text tables. Widths are fixed when the table starts, so that rows can be printed as results arrive.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace thresher::cli {

enum class Align { left, right };

struct Column {
  std::string title;
  std::size_t width = 0;  // at least the title's
  Align align = Align::right;
};

/// Lays out rows of a table; a cell that is too wide pushes its row, it is never cut.
class Table {
 public:
  explicit Table(std::vector<Column> columns);

  [[nodiscard]] std::string header() const;
  [[nodiscard]] std::string row(const std::vector<std::string>& cells) const;

  /// Header and rows with every column as wide as its widest cell.
  static std::string fitted(std::vector<Column> columns, const std::vector<std::vector<std::string>>& rows);

 private:
  std::vector<Column> columns_;
};

}  // namespace thresher::cli
