// A report before it is text: sections of blocks. Both renderers show the same content.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

namespace thresher::report {

struct Paragraph {
  std::string text;
};

struct Bullets {
  std::vector<std::string> items;
  bool numbered = false;
};

struct Code {
  std::string text;
};

struct TableBlock {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  std::vector<bool> numeric = {};  // columns that are right-aligned; empty: none
};

/// A chart of the charting library; Markdown shows the caption only, since every figure is in a table, too.
struct Chart {
  std::string id;
  std::string caption;
  nlohmann::ordered_json config;
};

using Block = std::variant<Paragraph, Bullets, Code, TableBlock, Chart>;

struct Section {
  std::string id;  // anchor
  std::string title;
  int level = 2;
  std::vector<Block> blocks;
};

struct Document {
  std::string title;
  std::string subtitle;
  std::vector<Section> sections;
};

}  // namespace thresher::report
