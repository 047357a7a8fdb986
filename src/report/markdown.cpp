// A document as Markdown.
#include <fmt/format.h>

#include <cctype>
#include <string_view>

#include "report/document.hpp"
#include "report/report.hpp"
#include "report/sections.hpp"

namespace thresher::report {
namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Emphasis begins or ends with an underscore at the edge of a word; those inside names of knobs stay readable.
bool is_edge(const std::string& text, std::size_t at) {
  return at == 0 || at + 1 == text.size() || !is_word(text[at - 1]) || !is_word(text[at + 1]);
}

// Text of pitches and sharks is data: it must not become a heading, a table cell, an entity, a formula or a tag.
std::string escaped(const std::string& text) {
  constexpr std::string_view kMarks = "|<>*`[]\\&$~";
  std::string safe;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (kMarks.find(c) != std::string_view::npos || (c == '_' && is_edge(text, i))) safe += '\\';
    safe += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return safe;
}

// NOTE: a line of data that starts like a heading, a list or a block of code must stay a line.
std::string line(const std::string& text) {
  constexpr std::string_view kStarts = "#-+=";
  std::string safe = escaped(text);
  safe.erase(0, safe.find_first_not_of(' '));
  if (safe.empty()) return safe;
  if (kStarts.find(safe.front()) != std::string_view::npos) return safe.insert(0, 1, '\\');
  const std::size_t digits = safe.find_first_not_of("0123456789");
  const bool numbered = digits != 0 && digits != std::string::npos && (safe[digits] == '.' || safe[digits] == ')');
  return numbered ? safe.insert(digits, 1, '\\') : safe;
}

std::string row_of(const std::vector<std::string>& cells) {
  std::string row = "|";
  for (const std::string& cell : cells)
    row += fmt::format(" {} |", escaped(cell));
  return row + "\n";
}

struct Renderer {
  std::string operator()(const Paragraph& block) const { return line(block.text) + "\n\n"; }

  std::string operator()(const Bullets& block) const {
    std::string text;
    for (std::size_t i = 0; i < block.items.size(); ++i)
      text += (block.numbered ? fmt::format("{}. ", i + 1) : std::string("* ")) + line(block.items[i]) + "\n";
    return text + "\n";
  }

  std::string operator()(const Code& block) const {
    // A fence longer than any in the text can't be closed by it.
    std::string fence = "```";
    while (block.text.find(fence) != std::string::npos)
      fence += '`';
    return fmt::format("{}\n{}\n{}\n\n", fence, block.text, fence);
  }

  std::string operator()(const TableBlock& block) const {
    std::string text = row_of(block.header) + "|";
    for (std::size_t i = 0; i < block.header.size(); ++i)
      text += i < block.numeric.size() && block.numeric[i] ? "---:|" : "---|";
    text += "\n";
    for (const auto& row : block.rows)
      text += row_of(row);
    return text + "\n";
  }

  std::string operator()(const Chart& block) const {
    return fmt::format("*Chart in report.html: {}*\n\n", escaped(block.caption));
  }
};

}  // namespace

std::string markdown(const tank::RoundRecord& record) {
  const Document document = document_of(record);
  std::string text = fmt::format("# {}\n\n{}\n\n", escaped(document.title), line(document.subtitle));
  for (const Section& section : document.sections) {
    text += fmt::format("{} {}\n\n", std::string(static_cast<std::size_t>(section.level), '#'), escaped(section.title));
    for (const Block& block : section.blocks)
      text += std::visit(Renderer{}, block);
  }
  while (text.ends_with("\n\n"))
    text.pop_back();
  return text;
}

}  // namespace thresher::report
