// Prepares, compiles and describes a kernel.
#include "cli/inspect.hpp"

#include <fmt/format.h>

#include "tank/or_null.hpp"
#include "thresher/error.hpp"

namespace thresher::cli {
using tank::or_null;

namespace {

Json to_json(const gpu::Dim3& size) {
  return Json::array({size.x, size.y, size.z});
}

Json evidence_json(const gpu::ResourceEvidence& evidence) {
  Json occupancy = nullptr;
  if (evidence.occupancy) {
    occupancy = {{"ctas_per_sm", evidence.occupancy->ctas_per_sm}, {"limited_by", evidence.occupancy->limited_by}};
  }
  return {{"function", evidence.function},
          {"registers", evidence.registers},
          {"spill_store_bytes", evidence.spill_store_bytes},
          {"spill_load_bytes", evidence.spill_load_bytes},
          {"stack_bytes", evidence.stack_bytes},
          {"static_smem_bytes", evidence.static_smem_bytes},
          {"dynamic_smem_bytes", or_null(evidence.dynamic_smem_bytes)},
          {"barriers", evidence.barriers},
          {"wgmma_serialized", evidence.wgmma_serialized},
          {"threads", or_null(evidence.threads)},
          {"occupancy", occupancy}};
}

std::string line(const char* name, const std::string& value) {
  return fmt::format("{:<15}{}\n", name, value);
}

std::string evidence_text(const gpu::ResourceEvidence& evidence) {
  std::string text = line("registers", fmt::format("{} a thread", evidence.registers));
  text += line("spills", evidence.spills() ? fmt::format("{} bytes stored, {} bytes loaded", evidence.spill_store_bytes,
                                                         evidence.spill_load_bytes)
                                           : "none");
  text += line("stack", fmt::format("{} bytes", evidence.stack_bytes));
  text += line("shared memory",
               fmt::format("{} bytes static, {} dynamic", evidence.static_smem_bytes,
                           evidence.dynamic_smem_bytes ? fmt::format("{}", *evidence.dynamic_smem_bytes) : "unknown"));
  text += line("barriers", fmt::format("{}", evidence.barriers));
  text += line("wgmma", evidence.wgmma_serialized ? "serialized by the compiler" : "not serialized");
  if (evidence.occupancy) {
    text += line("CTAs per SM",
                 fmt::format("{}, limited by {}", evidence.occupancy->ctas_per_sm, evidence.occupancy->limited_by));
  }
  return text;
}

}  // namespace

InspectReport inspect(const InspectRequest& request, std::span<const gpu::RegisteredKernel> kernels,
                      const gpu::Compiler& compiler) {
  const gpu::RegisteredKernel& kernel = gpu::kernel_named(kernels, request.kernel);
  auto prepared = kernel.prepare(request.config);
  if (const auto* const why_not = std::get_if<gpu::WhyNot>(&prepared)) {
    throw Error(ErrorCode::invalid_argument, fmt::format("kernel '{}' can't have the config '{}': {}", kernel.name,
                                                         request.config, why_not->reason));
  }
  auto& [source, launch] = std::get<gpu::PreparedKernel>(prepared);
  if (request.arch) source.arch = *request.arch;
  source.threads = static_cast<int>(launch.block.count());
  source.dynamic_smem_bytes = launch.dynamic_smem_bytes;
  return {.kernel = std::string(kernel.name),
          .description = std::string(kernel.description),
          .config = request.config,
          .arch = source.arch,
          .launch = launch,
          .outcome = compiler.compile(source)};
}

Json to_json(const InspectReport& report) {
  Json json = {{"kernel", report.kernel},
               {"description", report.description},
               {"config", report.config},
               {"arch", report.arch},
               {"launch",
                {{"block", to_json(report.launch.block)},
                 {"cluster", to_json(report.launch.cluster)},
                 {"dynamic_smem_bytes", report.launch.dynamic_smem_bytes},
                 {"programmatic_serialization", report.launch.programmatic_serialization}}},
               {"ok", report.compiled() != nullptr}};
  if (const gpu::CompileFailure* const failure = report.failure()) {
    json["error"] = failure->reason;
    json["log"] = failure->log;
    return json;
  }
  const gpu::CompiledKernel& compiled = *report.compiled();
  json["compiler"] = compiled.compiler;
  json["from_cache"] = compiled.from_cache;
  json["cubin_bytes"] = compiled.cubin.size();
  json["evidence"] = evidence_json(compiled.evidence);
  json["remarks"] = compiled.remarks;
  json["warnings"] = compiled.warnings;
  return json;
}

std::string to_text(const InspectReport& report) {
  std::string text = fmt::format("{}: {}\n", report.kernel, report.description);
  const gpu::Dim3& cluster = report.launch.cluster;
  text += line("config", report.config.empty() ? "the defaults" : report.config);
  text +=
      line("launch",
           fmt::format("{} threads a CTA, clusters of {}x{}x{}{}", report.launch.block.count(), cluster.x, cluster.y,
                       cluster.z, report.launch.programmatic_serialization ? ", overlaps the kernel before it" : ""));
  if (const gpu::CompileFailure* const failure = report.failure()) {
    return text + line("not compiled", failure->reason) + failure->log;
  }
  const gpu::CompiledKernel& compiled = *report.compiled();
  text += line("compiled", fmt::format("by {} for {}, {} bytes{}", compiled.compiler, report.arch,
                                       compiled.cubin.size(), compiled.from_cache ? ", from the cache" : ""));
  text += evidence_text(compiled.evidence);
  for (const std::string& remark : compiled.remarks) {
    text += line("remark", remark);
  }
  for (const std::string& warning : compiled.warnings) {
    text += line("warning", warning);
  }
  return text;
}

}  // namespace thresher::cli
