// thresher inspect: compiles a GPU kernel, without a GPU, and prints what it takes of one.
#include <filesystem>
#include <memory>
#include <optional>

#include "cli/inspect.hpp"
#include "cli/output.hpp"
#include "cli/program.hpp"
#include "device/files.hpp"

namespace thresher::cli {
namespace {

struct InspectArguments {
  InspectRequest request;
  std::optional<std::filesystem::path> cubin;
  bool json = false;
};

int run_inspect(const InspectArguments& arguments) {
  const gpu::Compiler compiler = gpu::Compiler::of(device::read_environment());
  const InspectReport report = inspect(arguments.request, gpu::registered_kernels(), compiler);
  if (arguments.cubin && report.compiled() != nullptr) {
    device::write_whole_file(*arguments.cubin, report.compiled()->cubin);
  }
  print(arguments.json ? dump(to_json(report)) + "\n" : to_text(report));
  return report.compiled() != nullptr ? 0 : 1;
}

}  // namespace

Command add_inspect(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand("inspect");
  const auto arguments = std::make_shared<InspectArguments>();
  app->add_option("--kernel", arguments->request.kernel)->required();
  app->add_option("--config", arguments->request.config);
  app->add_option("--arch", arguments->request.arch);
  app->add_option("--cubin", arguments->cubin);
  app->add_flag("--json", arguments->json);
  return {app, [arguments] { return run_inspect(*arguments); }};
}

}  // namespace thresher::cli
