// Looks a kernel up, or compiles and keeps it.
#include "gpu/compiler.hpp"

#include <utility>

#include "gpu/cubin_image.hpp"

namespace thresher::gpu {
namespace {

void append_part(std::string& key, const char* name, std::string_view text) {
  key += name;
  key += " " + std::to_string(text.size()) + "\n";
  key += text;
  key += "\n";
}

// The evidence of an entry that came from the compiler or from the cache; nothing when the log does not tell of it.
std::optional<CompiledKernel> described(const KernelSource& kernel, std::string cubin, std::string log) {
  PtxasReport report = parse_ptxas_log(log);
  const ResourceEvidence* const evidence = report.find(kernel.name);
  if (evidence == nullptr) return std::nullopt;
  CompiledKernel compiled;
  compiled.evidence = *evidence;
  compiled.remarks = std::move(report.remarks);
  compiled.cubin = std::move(cubin);
  compiled.log = std::move(log);
  if (kernel.threads) add_launch(compiled.evidence, kernel.arch, *kernel.threads, kernel.dynamic_smem_bytes);
  return compiled;
}

std::string missing_entry(const KernelSource& kernel, const std::string& log) {
  std::string names;
  for (const ResourceEvidence& found : parse_ptxas_log(log).kernels) {
    names += (names.empty() ? "" : ", ") + found.function;
  }
  return "the compiler's log tells nothing of a kernel '" + kernel.name + "' but of " +
         (names.empty() ? "none" : names) +
         "; is it extern \"C\" and __global__, and is --ptxas-options=--verbose given?";
}

}  // namespace

std::string cache_key_text(const KernelSource& kernel) {
  std::string key = "format 1\n";
  append_part(key, "name", kernel.name);
  append_part(key, "arch", kernel.arch);
  for (const std::string& option : kernel.options) {
    append_part(key, "option", option);
  }
  for (const Header& header : kernel.headers) {
    append_part(key, "header", header.name);
    append_part(key, "text", header.text);
  }
  append_part(key, "source", kernel.source);
  return key;
}

Compiler::Compiler(NvrtcLoad nvrtc, std::optional<CubinCache> cache)
    : nvrtc_(std::move(nvrtc)), cache_(std::move(cache)) {}

Compiler Compiler::of(const device::Environment& environment) {
  return Compiler(Nvrtc::load(nvrtc_search(environment)), CubinCache::of(environment));
}

std::variant<CompiledKernel, CompileFailure> Compiler::compile(const KernelSource& kernel) const {
  CubinKey key{.text = cache_key_text(kernel), .compiler = ""};
  if (nvrtc_.nvrtc != nullptr) key.compiler = "nvrtc-" + nvrtc_.nvrtc->version();
  std::vector<std::string> warnings;
  if (cache_) {
    CubinLookup lookup = key.compiler.empty() ? cache_->find_of_any_compiler(key.text) : cache_->find(key);
    if (!lookup.problem.empty()) warnings.push_back(std::move(lookup.problem));
    if (lookup.entry && !why_no_cubin(lookup.entry->cubin)) {
      auto cached = described(kernel, std::move(lookup.entry->cubin), std::move(lookup.entry->log));
      if (cached) {
        cached->from_cache = true;
        cached->compiler = std::move(lookup.compiler);
        return std::move(*cached);
      }
    }
  }
  if (nvrtc_.nvrtc == nullptr) {
    return CompileFailure{.reason = "kernel '" + kernel.name + "' is not in the cache, and " + nvrtc_.why_not,
                          .log = ""};
  }

  std::vector<std::string> options = kernel.options;
  const auto compile_with = [&] {
    return nvrtc_.nvrtc->compile({.name = kernel.name,
                                  .source = kernel.source,
                                  .arch = kernel.arch,
                                  .options = options,
                                  .headers = kernel.headers});
  };
  auto outcome = compile_with();
  if (const NvrtcOutput* const quiet = std::get_if<NvrtcOutput>(&outcome); quiet != nullptr && quiet->log.empty()) {
    // NOTE: newer NVRTCs keep a cache of their own; what comes from there comes without the log that the evidence
    // needs.
    options.emplace_back("--no-cache");
    outcome = compile_with();
  }
  if (auto* const failure = std::get_if<CompileFailure>(&outcome)) return std::move(*failure);
  auto& output = std::get<NvrtcOutput>(outcome);
  auto compiled = described(kernel, std::move(output.cubin), output.log);
  if (!compiled) {
    return CompileFailure{.reason = missing_entry(kernel, output.log), .log = std::move(output.log)};
  }
  compiled->compiler = key.compiler;
  if (cache_) {
    std::string warning = cache_->store(
        key, {.kernel = kernel.name, .arch = kernel.arch, .log = compiled->log, .cubin = compiled->cubin});
    if (!warning.empty()) warnings.push_back(std::move(warning));
  }
  compiled->warnings = std::move(warnings);
  return std::move(*compiled);
}

}  // namespace thresher::gpu
