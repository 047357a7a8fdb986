// The parser of ptxas' log.
#include "gpu/resources.hpp"

#include <algorithm>
#include <charconv>

namespace thresher::gpu {
namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// The number before `unit`: "4096 bytes smem" with " bytes smem" is 4096.
std::optional<std::int64_t> number_before(std::string_view line, std::string_view unit) {
  const std::size_t end = line.find(unit);
  if (end == std::string_view::npos) return std::nullopt;
  std::size_t begin = end;
  while (begin > 0 && line[begin - 1] >= '0' && line[begin - 1] <= '9') {
    --begin;
  }
  std::int64_t value = 0;
  const auto result = std::from_chars(line.data() + begin, line.data() + end, value);
  return result.ec == std::errc() && begin != end ? std::optional(value) : std::nullopt;
}

// What stands in quotes behind `words`.
std::string quoted_after(std::string_view line, std::string_view words) {
  const std::size_t found = line.find(words);
  if (found == std::string_view::npos) return {};
  const std::size_t begin = line.find('\'', found + words.size() - 1);
  if (begin == std::string_view::npos) return {};
  const std::size_t end = line.find('\'', begin + 1);
  return end == std::string_view::npos ? "" : std::string(line.substr(begin + 1, end - begin - 1));
}

// "ptxas info    : text" -> "text".
std::string_view without_prefix(std::string_view line) {
  if (!line.starts_with("ptxas")) return line;
  const std::size_t colon = line.find(" : ");
  return colon == std::string_view::npos ? line : trim(line.substr(colon + 3));
}

class Parser {
 public:
  void read(std::string_view line) {
    if (std::string entry = quoted_after(line, "Compiling entry function '"); !entry.empty()) {
      kernel_ = ResourceEvidence();
      kernel_.function = std::move(entry);
    } else if (contains(line, kProperties)) {
      described_ = trim(line.substr(line.find(kProperties) + kProperties.size()));
    } else if (contains(line, " bytes stack frame,")) {
      read_frame(line);
    } else if (!kernel_.function.empty() && contains(line, ": Used ") && contains(line, " registers")) {
      read_used(line);
    } else if (is_remark(line)) {
      remark(std::string(without_prefix(line)));
    }
  }

  PtxasReport finish() {
    // Which kernel waits after each wgmma is said before the kernels are listed.
    for (ResourceEvidence& kernel : report_.kernels) {
      kernel.wgmma_serialized = std::any_of(report_.remarks.begin(), report_.remarks.end(), [&](const auto& text) {
        return contains(text, "wgmma.mma_async instructions are serialized") &&
               contains(text, "'" + kernel.function + "'");
      });
    }
    return std::move(report_);
  }

 private:
  static constexpr std::string_view kProperties = "Function properties for ";

  void read_frame(std::string_view line) {
    const std::int64_t stack = number_before(line, " bytes stack frame").value_or(0);
    const std::int64_t stores = number_before(line, " bytes spill stores").value_or(0);
    const std::int64_t loads = number_before(line, " bytes spill loads").value_or(0);
    if (kernel_.function == described_) {
      kernel_.stack_bytes = stack;
      kernel_.spill_store_bytes = stores;
      kernel_.spill_load_bytes = loads;
    } else if (stack + stores + loads > 0) {
      // A function that kernels call: which of them does is not said.
      const std::string_view frame = trim(line.substr(line.find_first_of("0123456789")));
      remark("device function '" + described_ + "': " + std::string(frame));
    }
  }

  void read_used(std::string_view line) {
    kernel_.registers = static_cast<int>(number_before(line, " registers").value_or(0));
    kernel_.barriers = static_cast<int>(number_before(line, " barriers").value_or(0));
    kernel_.static_smem_bytes = number_before(line, " bytes smem").value_or(0);
    report_.kernels.push_back(std::move(kernel_));
    kernel_ = ResourceEvidence();
  }

  static bool is_remark(std::string_view line) {
    if (!line.starts_with("ptxas")) return contains(line, ": warning");
    const std::string_view text = without_prefix(line);
    return !text.empty() && !contains(text, " bytes gmem") && !text.starts_with("Compile time");
  }

  void remark(std::string text) {
    const auto found = std::find(report_.remarks.begin(), report_.remarks.end(), text);
    if (found == report_.remarks.end()) report_.remarks.push_back(std::move(text));
  }

  PtxasReport report_;
  ResourceEvidence kernel_;  // its name and frame, until the line with its registers
  std::string described_;    // whose frame comes next
};

// "sm_90a" -> 9, 0.
std::optional<SmLimits> limits_of(std::string_view arch) {
  int number = 0;
  if (!arch.starts_with("sm_")) return std::nullopt;
  const auto result = std::from_chars(arch.data() + 3, arch.data() + arch.size(), number);
  return result.ec == std::errc() ? sm_limits(number / 10, number % 10) : std::nullopt;
}

}  // namespace

const ResourceEvidence* PtxasReport::find(std::string_view function) const {
  for (const ResourceEvidence& kernel : kernels) {
    if (kernel.function == function) return &kernel;
  }
  return nullptr;
}

PtxasReport parse_ptxas_log(std::string_view log) {
  Parser parser;
  while (!log.empty()) {
    const std::size_t end = std::min(log.find('\n'), log.size());
    parser.read(log.substr(0, end));
    log.remove_prefix(std::min(end + 1, log.size()));
  }
  return parser.finish();
}

void add_launch(ResourceEvidence& evidence, std::string_view arch, int threads, std::int64_t dynamic_smem_bytes) {
  evidence.threads = threads;
  evidence.dynamic_smem_bytes = dynamic_smem_bytes;
  if (const std::optional<SmLimits> limits = limits_of(arch)) {
    evidence.occupancy = occupancy(*limits, {.registers_per_thread = evidence.registers,
                                             .threads = threads,
                                             .smem_bytes = evidence.static_smem_bytes + dynamic_smem_bytes});
  }
}

}  // namespace thresher::gpu
