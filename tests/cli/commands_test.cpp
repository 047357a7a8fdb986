// The program as a user meets it: statuses, messages, JSON.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "process.hpp"
#include "thresher/engine.hpp"

namespace thresher::cli_test {
namespace {

using nlohmann::json;

// Small to compute, yet of some MB, or the rule of rotating past the last-level cache would ask for thousands of data
// sets.
constexpr const char* kTinyCases = R"([[case]]
name = "tiny-a"
description = "small"
op = "gated"
m = [3, 0, 5]
n = 1016
k = 1040

[[case]]
name = "tiny-b"
description = "smaller"
op = "gated"
m = [2]
n = 1024
k = 1024
)";

// One thread: on a busy machine every meeting of threads costs a time slice.
const std::string kFast = " --threads 1 --seconds 0.05 --samples 12 ";

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void expect_one_line(const Outcome& outcome, int status) {
  EXPECT_EQ(outcome.status, status) << outcome.err;
  EXPECT_EQ(lines(outcome.err), 1) << outcome.err;
  EXPECT_EQ(outcome.err.rfind("thresher: ", 0), 0u) << outcome.err;
}

TEST(Cli, WrongUseIsOneLineWithAHintAndStatus2) {
  const char* const wrong[] = {"",
                               "bnch",
                               "--no-such-option",
                               "devices --no-such-option",
                               "devices extra",
                               "bench --op triple",
                               "bench --isa avx1024",
                               "bench --isa automatic",
                               "bench --recipe salad",
                               "bench --operand fp3",
                               "bench --output fp3",
                               "bench --activation tanh",
                               "bench --seconds -1",
                               "bench --seconds abc",
                               "bench --samples 0",
                               "bench --threads 0",
                               "bench --threads 100000",
                               "bench --device gpu",
                               "bench --device cuda:x",
                               "verify --device cuda:-1",
                               "ceilings --device cuda:0",
                               "bench --case",
                               "verify --seeds 0",
                               "verify --seed -1",
                               "ceilings --threads x"};
  for (const char* arguments : wrong) {
    const Outcome outcome = run(arguments);
    SCOPED_TRACE(arguments);
    expect_one_line(outcome, 2);
    EXPECT_TRUE(contains(outcome.err, "--help'")) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
}

TEST(Cli, BadConfigNamesTheFieldAndListsThoseThatExist) {
  const Outcome outcome = run("bench --config blok_m=64");
  expect_one_line(outcome, 2);
  EXPECT_TRUE(contains(outcome.err, "blok_m")) << outcome.err;
  for (const char* field :
       {"isa", "block_m", "block_n", "block_k", "dequant_stages", "prefetch_distance", "store", "roles", "threads"})
    EXPECT_TRUE(contains(outcome.err, field)) << field;
}

TEST(Cli, ConfigAndItsShorthandsMustAgree) {
  expect_one_line(run("bench --config isa=avx2 --isa portable"), 2);
  expect_one_line(run("bench --config threads=2 --threads 1"), 2);
}

TEST(Cli, UnknownCaseListsNearNames) {
  const Folder folder;
  folder.write("tiny.toml", kTinyCases);
  const Outcome outcome = run("bench --cases " + folder.path().string() + " --case tiny-c");
  expect_one_line(outcome, 1);
  EXPECT_TRUE(contains(outcome.err, "tiny-c")) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "tiny-a")) << outcome.err;
}

TEST(Cli, CorruptCasesFileIsNamed) {
  const Folder folder;
  folder.write("broken.toml", "[[case]\nname = ");
  const Outcome outcome = run("bench --cases " + folder.path().string());
  expect_one_line(outcome, 1);
  EXPECT_TRUE(contains(outcome.err, "broken.toml")) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  expect_one_line(run("bench --cases " + (folder.path() / "none").string()), 1);
}

TEST(Cli, BadForcedIsaIsRefusedByEveryCommandThatRunsKernels) {
  for (const char* arguments : {"devices", "bench --case g2-k1536", "verify --seeds 1"}) {
    const Outcome outcome = run(arguments, "THRESHER_CPU_ISA=avx1024");
    SCOPED_TRACE(arguments);
    expect_one_line(outcome, 1);
    EXPECT_TRUE(contains(outcome.err, "avx1024")) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "portable")) << outcome.err;
  }
}

TEST(Cli, ForcedIsaThatContradictsTheOptionIsRefused) {
  expect_one_line(run("verify --isa portable --seeds 1", "THRESHER_CPU_ISA=avx2"), 1);
}

TEST(Cli, IsaThatCannotRunHereIsRefusedWithTheReason) {
  for (const IsaStatus& status : cpu_isas()) {
    if (status.usable) continue;
    const std::string isa = to_string(status.isa);
    expect_one_line(run("verify --seeds 1 --isa " + isa), 1);
    expect_one_line(run("bench --case g2-k1536 --isa " + isa), 1);
  }
}

TEST(Cli, VersionIsPrinted) {
  const Outcome outcome = run("--version");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out.rfind("thresher ", 0), 0u);
}

TEST(Cli, DevicesTellsWhatCannotRunAndWhy) {
  const Outcome text = run("devices");
  EXPECT_EQ(text.status, 0);
  const json report = json::parse(run("devices --json").out);
  const json& devices = report.at("devices");
  ASSERT_GE(devices.size(), 2u);
  ASSERT_EQ(devices[0].at("isas").size(), cpu_isas().size());
  for (const json& isa : devices[0].at("isas")) {
    EXPECT_TRUE(contains(text.out, isa.at("isa").get<std::string>()));
    EXPECT_EQ(isa.at("usable").get<bool>(), isa.at("why_not").is_null());
  }
  for (std::size_t i = 1; i < devices.size(); ++i) {
    EXPECT_TRUE(contains(text.out, devices[i].at("device").get<std::string>() + " ")) << text.out;
    EXPECT_EQ(devices[i].at("usable").get<bool>(), devices[i].at("why_not").is_null());
  }
  if (devices[1].at("device") == "gpu") {
    const std::string why_not = devices[1].at("why_not");
    EXPECT_TRUE(contains(text.out, "gpu   not usable: " + why_not + "\n")) << text.out;
    EXPECT_TRUE(contains(why_not, "NVIDIA driver")) << why_not;
  }
  EXPECT_EQ(report.at("nvrtc").at("usable").get<bool>(), report.at("nvrtc").at("why_not").is_null());
}

TEST(Cli, DevicesListsWhereNvrtcWasLookedFor) {
  const std::string variables = "THRESHER_NVRTC=/no/such/libnvrtc.so";
  const json nvrtc = json::parse(run("devices --json", variables).out).at("nvrtc");
  EXPECT_EQ(nvrtc.at("usable"), false);
  ASSERT_EQ(nvrtc.at("looked_at").size(), 1u);
  const std::string outcome = nvrtc.at("looked_at")[0];
  EXPECT_TRUE(contains(outcome, "/no/such/libnvrtc.so")) << outcome;
  EXPECT_TRUE(contains(run("devices", variables).out, "\n      " + outcome)) << outcome;
}

TEST(Cli, CeilingsAreStoredWhereItSays) {
  const Folder folder;
  const std::string variables = "THRESHER_CACHE_DIR=" + folder.path().string();
  const Outcome outcome = run("ceilings --threads 1 --json --force", variables);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const json report = json::parse(outcome.out);
  EXPECT_GT(report.at("ceilings").at("read_gbytes_per_s").get<double>(), 0.0);
  EXPECT_EQ(report.at("ceilings").at("threads"), 1);
  for (const IsaStatus& status : cpu_isas())
    EXPECT_EQ(report.at("ceilings").at("tflops").contains(to_string(status.isa)), status.usable);
  EXPECT_TRUE(std::filesystem::exists(report.at("stored").get<std::string>()));
  EXPECT_EQ(std::filesystem::path(report.at("stored").get<std::string>()).parent_path(), folder.path());
}

TEST(Cli, BenchJsonHasTheKeysOfTheContract) {
  const Folder folder;
  folder.write("tiny.toml", kTinyCases);
  const Outcome outcome = run("bench --json --cases " + folder.path().string() + kFast);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const json report = json::parse(outcome.out);
  EXPECT_TRUE(report.at("device").is_string());
  EXPECT_GT(report.at("ceilings").at("read_gbytes_per_s").get<double>(), 0.0);
  EXPECT_EQ(report.at("interrupted"), false);
  ASSERT_EQ(report.at("results").size(), 2u);
  for (const json& result : report.at("results")) {
    EXPECT_EQ(result.at("op"), "gated");
    EXPECT_EQ(result.at("kernel"), "cpu_gated");
    EXPECT_TRUE(contains(result.at("config").get<std::string>(), "block_m="));
    for (const char* key : {"median_us", "low_us", "high_us", "floor_us", "floor_fraction", "tflops", "gbytes_per_s"})
      EXPECT_GT(result.at(key).get<double>(), 0.0) << key;
    EXPECT_LE(result.at("low_us").get<double>(), result.at("median_us").get<double>());
    EXPECT_GE(result.at("high_us").get<double>(), result.at("median_us").get<double>());
    EXPECT_GE(result.at("samples").get<int>(), 6);
    EXPECT_LE(result.at("samples").get<int>(), 12);
    EXPECT_TRUE(std::isfinite(result.at("max_rel_err").get<double>()));
    EXPECT_EQ(result.at("ok"), true);
    EXPECT_EQ(result.at("threads"), 1);
    EXPECT_TRUE(result.at("target_us").is_null());
    EXPECT_TRUE(result.at("error").is_null());
  }
}

TEST(Cli, BenchPrintsARowForEachCaseInTheOrderAsked) {
  const Folder folder;
  folder.write("tiny.toml", kTinyCases);
  const Outcome outcome =
      run("bench --op plain --bias --operand bf16 --output fp32 --case tiny-b --case tiny-a --cases " +
          folder.path().string() + kFast);
  ASSERT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  const std::size_t b = outcome.out.find("\ntiny-b");
  const std::size_t a = outcome.out.find("\ntiny-a");
  ASSERT_NE(a, std::string::npos) << outcome.out;
  ASSERT_NE(b, std::string::npos) << outcome.out;
  EXPECT_LT(b, a);
  EXPECT_TRUE(contains(outcome.out, "measured: read "));
}

TEST(Cli, ForcedIsaIsTheOneThatRan) {
  const Folder folder;
  folder.write("tiny.toml", kTinyCases);
  const std::string bench = "bench --json --case tiny-b --cases " + folder.path().string() + kFast;
  for (const IsaStatus& status : cpu_isas()) {
    if (!status.usable) continue;
    const std::string isa = to_string(status.isa);
    EXPECT_EQ(json::parse(run(bench, "THRESHER_CPU_ISA=" + isa).out).at("results")[0].at("isa"), isa);
    EXPECT_EQ(json::parse(run(bench + " --isa " + isa).out).at("results")[0].at("isa"), isa);
  }
}

TEST(Cli, KnobsThatCannotRunAreRefusedBeforeAnyWork) {
  expect_one_line(run("bench --case g2-k1536 --config block_m=17"), 1);
}

TEST(Cli, VerifyPassesOnEveryUsableIsa) {
  const Outcome outcome = run("verify --seeds 20 --json");
  ASSERT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  const json report = json::parse(outcome.out);
  EXPECT_EQ(report.at("ok"), true);
  std::size_t usable = 0;
  for (const IsaStatus& status : cpu_isas())
    usable += status.usable ? 1 : 0;
  ASSERT_EQ(report.at("isas").size(), usable);
  for (const json& isa : report.at("isas")) {
    EXPECT_EQ(isa.at("seeds"), 20);
    EXPECT_GT(isa.at("elements").get<int>(), 0);
  }
}

TEST(Cli, ReaderThatLeavesEndsTheProgramQuietly) {
  const Outcome closed = run("devices --json", "", ">&-");
  EXPECT_EQ(closed.status, 141);
  EXPECT_EQ(closed.err, "");
  // `true` is gone before the first row.
  const Folder folder;
  folder.write("tiny.toml", kTinyCases);
  const std::string status = (folder.path() / "status").string();
  const std::string command = std::string("( " THRESHER_BINARY " bench --cases ") + folder.path().string() + kFast +
                              " 2>/dev/null; echo $? >" + status + " ) | true";
  EXPECT_EQ(std::system(command.c_str()), 0);
  // The shell need not wait for the first part of a pipe that it ends.
  for (int i = 0; i < 200 && file_text(status).empty(); ++i)
    usleep(100'000);
  EXPECT_EQ(file_text(status), "141\n");
}

TEST(Cli, FullDiskIsAnError) {
  const Outcome outcome = run("devices", "", ">/dev/full");
  expect_one_line(outcome, 1);
}

TEST(Cli, InterruptedBenchPrintsWhatThereIs) {
  const Folder folder;
  folder.write("tiny.toml", kTinyCases);
  std::string cases;
  for (int i = 0; i < 2000; ++i)
    cases += " --case tiny-b";
  const Outcome outcome =
      run("bench --json --cases " + folder.path().string() + kFast + cases, "timeout --preserve-status -s INT 5");
  EXPECT_EQ(outcome.status, 130) << outcome.err;
  const json report = json::parse(outcome.out);
  EXPECT_EQ(report.at("interrupted"), true);
  EXPECT_EQ(report.at("ok"), false);
  EXPECT_LT(report.at("results").size(), 2000u);
  for (const json& result : report.at("results"))
    EXPECT_EQ(result.at("ok"), true);
}

TEST(Cli, InterruptedVerifyPrintsWhatThereIs) {
  const Outcome outcome = run("verify --seeds 100000000 --json", "timeout --preserve-status -s INT 2");
  EXPECT_EQ(outcome.status, 130) << outcome.err;
  EXPECT_EQ(json::parse(outcome.out).at("interrupted"), true);
}

}  // namespace
}  // namespace thresher::cli_test
