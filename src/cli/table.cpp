// Aligned text tables.
#include "cli/table.hpp"

#include <algorithm>

namespace thresher::cli {

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  for (Column& column : columns_) {
    column.width = std::max(column.width, column.title.size());
  }
}

std::string Table::header() const {
  std::vector<std::string> titles;
  for (const Column& column : columns_) {
    titles.push_back(column.title);
  }
  return row(titles);
}

std::string Table::row(const std::vector<std::string>& cells) const {
  std::string text;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const std::string cell = i < cells.size() ? cells[i] : std::string();
    const std::size_t padding = columns_[i].width - std::min(columns_[i].width, cell.size());
    text += i == 0 ? "" : "  ";
    text += columns_[i].align == Align::right ? std::string(padding, ' ') + cell : cell + std::string(padding, ' ');
  }
  // Spaces at the end of a line only break comparisons and copying.
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::string Table::fitted(std::vector<Column> columns, const std::vector<std::vector<std::string>>& rows) {
  for (const auto& cells : rows) {
    for (std::size_t i = 0; i < columns.size() && i < cells.size(); ++i) {
      columns[i].width = std::max(columns[i].width, cells[i].size());
    }
  }
  const Table table(std::move(columns));
  std::string text = table.header() + "\n";
  for (const auto& cells : rows) {
    text += table.row(cells) + "\n";
  }
  return text;
}

}  // namespace thresher::cli
