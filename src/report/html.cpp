// A document as one self-contained HTML page.
#include <fmt/format.h>

#include "report/chart_library.hpp"
#include "report/document.hpp"
#include "report/report.hpp"
#include "report/sections.hpp"

namespace thresher::report {
namespace {

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

// NOTE: "</script>" inside a text of the data would end the element that holds it.
std::string json_for_script(const nlohmann::ordered_json& json) {
  std::string text = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  for (std::size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at))
    text.replace(at, 1, "\\u003c");
  return text;
}

constexpr const char* kStyle = R"css(
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --line: #d0d7de; --soft: #f3f5f8; --accent: #0b6bcb; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --paper: #0d1117; --line: #30363d; --soft: #161b22; --accent: #58a6ff; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; font: 16px/1.55 system-ui, sans-serif; color: var(--ink);
       background: var(--paper); overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.2; } h2 { margin-top: 2.2rem; border-bottom: 1px solid var(--line); }
a { color: var(--accent); } .sub { opacity: .8; }
nav ul { columns: 3 12rem; padding-left: 1.2rem; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .92rem; }
th, td { border: 1px solid var(--line); padding: .3rem .55rem; text-align: left; vertical-align: top; overflow-wrap: normal; }
th { background: var(--soft); } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
pre { background: var(--soft); padding: .7rem; overflow-x: auto; border-radius: .4rem; }
figure { margin: 1.2rem 0; } .plot { position: relative; height: min(26rem, 70vh); } figcaption { font-size: .9rem; opacity: .85; }
)css";

// Colours follow the page; a change of the system's mode redraws.
constexpr const char* kScript = R"js(
const charts = [];
function draw() {
  const style = getComputedStyle(document.documentElement);
  Chart.defaults.color = style.getPropertyValue('--ink').trim();
  Chart.defaults.borderColor = style.getPropertyValue('--line').trim();
  Chart.defaults.maintainAspectRatio = false;
  Chart.defaults.animation = false;
  const colours = ['#8c96a3', '#d98a00', '#0b84d8'];
  while (charts.length) charts.pop().destroy();
  for (const holder of document.querySelectorAll('script[type="application/json"][data-chart]')) {
    const config = JSON.parse(holder.textContent);
    config.data.datasets.forEach((set, i) => { set.backgroundColor = colours[i % colours.length]; });
    charts.push(new Chart(document.getElementById(holder.dataset.chart), config));
  }
  document.documentElement.dataset.charts = String(charts.length);
}
draw();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
)js";

struct Renderer {
  std::string operator()(const Paragraph& block) const { return fmt::format("<p>{}</p>\n", escaped(block.text)); }

  std::string operator()(const Bullets& block) const {
    const char* tag = block.numbered ? "ol" : "ul";
    std::string text = fmt::format("<{}>\n", tag);
    for (const std::string& item : block.items)
      text += fmt::format("<li>{}</li>\n", escaped(item));
    return text + fmt::format("</{}>\n", tag);
  }

  std::string operator()(const Code& block) const { return fmt::format("<pre>{}</pre>\n", escaped(block.text)); }

  std::string operator()(const TableBlock& block) const {
    const auto cell = [&block](const char* tag, std::size_t column, const std::string& text) {
      const bool numeric = column < block.numeric.size() && block.numeric[column];
      return fmt::format("<{}{}>{}</{}>", tag, numeric ? " class=\"n\"" : "", escaped(text), tag);
    };
    std::string text = "<div class=\"wide\"><table>\n<thead><tr>";
    for (std::size_t i = 0; i < block.header.size(); ++i)
      text += cell("th", i, block.header[i]);
    text += "</tr></thead>\n<tbody>\n";
    for (const auto& row : block.rows) {
      text += "<tr>";
      for (std::size_t i = 0; i < row.size(); ++i)
        text += cell("td", i, row[i]);
      text += "</tr>\n";
    }
    return text + "</tbody></table></div>\n";
  }

  std::string operator()(const Chart& block) const {
    return fmt::format(
        "<figure><div class=\"plot\"><canvas id=\"{0}\" role=\"img\" aria-label=\"{1}\"></canvas></div>"
        "<figcaption>{1}</figcaption></figure>\n<script type=\"application/json\" data-chart=\"{0}\">{2}</script>\n",
        escaped(block.id), escaped(block.caption), json_for_script(block.config));
  }
};

std::string contents(const Document& document) {
  std::string text = "<nav aria-label=\"contents\"><ul>\n";
  for (const Section& section : document.sections)
    if (section.level == 2)
      text += fmt::format("<li><a href=\"#{}\">{}</a></li>\n", escaped(section.id), escaped(section.title));
  return text + "</ul></nav>\n";
}

}  // namespace

std::string html(const tank::RoundRecord& record) {
  const Document document = document_of(record);
  std::string text =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  text += fmt::format("<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<h1>{}</h1>\n<p class=\"sub\">{}</p>\n",
                      escaped(document.title), kStyle, escaped(document.title), escaped(document.subtitle));
  text += contents(document);
  for (const Section& section : document.sections) {
    text += fmt::format("<h{0} id=\"{1}\">{2}</h{0}>\n", section.level, escaped(section.id), escaped(section.title));
    for (const Block& block : section.blocks)
      text += std::visit(Renderer{}, block);
  }
  text += "<script>";
  text += chart_library();
  text += "</script>\n<script>";
  text += kScript;
  return text + "</script>\n</body>\n</html>\n";
}

}  // namespace thresher::report
