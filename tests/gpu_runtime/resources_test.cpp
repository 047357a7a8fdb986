// The parser of the compiler's log, on logs that NVRTC 13.0 wrote.
#include "gpu/resources.hpp"

#include <gtest/gtest.h>

namespace thresher::gpu {
namespace {

constexpr const char* kSeveral = R"(a.cu(12): warning #177-D: variable "s" was declared but never referenced
  float s=0;
        ^

Remark: The warnings can be suppressed with "-diag-suppress <warning-number>"

ptxas warning : Local memory used for function 'locals', size of stack frame: 256 bytes
ptxas warning : Local memory used for function 'spills', size of stack frame: 552 bytes
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'roles' for 'sm_90a'
ptxas info    : Function properties for roles
ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 168 registers, used 2 barriers
ptxas info    : Compile time = 23.008 ms
ptxas info    : Compiling entry function 'locals' for 'sm_90a'
ptxas info    : Function properties for locals
ptxas         .     256 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 31 registers, used 0 barriers, 256 bytes cumulative stack size
ptxas info    : Compile time = 26.970 ms
ptxas info    : Compiling entry function 'spills' for 'sm_90a'
ptxas info    : Function properties for spills
ptxas         .     552 bytes stack frame, 980 bytes spill stores, 1080 bytes spill loads
ptxas info    : Used 32 registers, used 0 barriers, 552 bytes cumulative stack size
ptxas info    : Compile time = 91.404 ms
ptxas info    : Function properties for _Z6helperf
ptxas         .     16 bytes stack frame, 4 bytes spill stores, 8 bytes spill loads
ptxas info    : Compiling entry function 'plain' for 'sm_90a'
ptxas info    : Function properties for plain
ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 10 registers, used 1 barriers, 4096 bytes smem
ptxas info    : Compile time = 2.067 ms
ptxas info    : Compiling entry function '_Z4tmplILi3EEvPf' for 'sm_90a'
ptxas info    : Function properties for _Z4tmplILi3EEvPf
ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 8 registers, used 0 barriers
ptxas info    : Compile time = 1.355 ms
)";

constexpr const char* kWgmma =
    R"(ptxas info    : (C7519) warpgroup.arrive is injected in around line 98 by compiler to allow use of registers in GMMA in function 'serial'
ptxas info    : (C7511) Potential Performance Loss: wgmma.mma_async instructions are serialized due to insufficient register resources for the wgmma pipeline in the function 'serial'
ptxas info    : (C7511) Potential Performance Loss: wgmma.mma_async instructions are serialized due to insufficient register resources for the wgmma pipeline in the function 'serial'
ptxas info    : (C7508) Potential Performance Loss: 'setmaxnreg' ignored; unable to determine register count at entry.
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'serial' for 'sm_90a'
ptxas info    : Function properties for serial
ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 30 registers, used 0 barriers
ptxas info    : Compiling entry function 'roles_free' for 'sm_90a'
ptxas info    : Function properties for roles_free
ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 10 registers, used 0 barriers
)";

// The command-line ptxas of CUDA 12 writes frames without a prefix, and constant memory.
constexpr const char* kPtxas = R"(ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'k' for 'sm_90a'
ptxas info    : Function properties for k
    8 bytes stack frame, 4 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 255 registers, used 16 barriers, 1024 bytes smem, 528 bytes cmem[0]
)";

TEST(PtxasLog, TellsSeveralKernelsApart) {
  const PtxasReport report = parse_ptxas_log(kSeveral);
  ASSERT_EQ(report.kernels.size(), 5u);
  const ResourceEvidence* const roles = report.find("roles");
  ASSERT_NE(roles, nullptr);
  EXPECT_EQ(roles->registers, 168);
  EXPECT_EQ(roles->barriers, 2);
  EXPECT_FALSE(roles->uses_local_memory());
  const ResourceEvidence* const plain = report.find("plain");
  ASSERT_NE(plain, nullptr);
  EXPECT_EQ(plain->registers, 10);
  EXPECT_EQ(plain->static_smem_bytes, 4096);
  EXPECT_FALSE(plain->spills());
  ASSERT_NE(report.find("_Z4tmplILi3EEvPf"), nullptr);
  EXPECT_EQ(report.find("_Z4tmplILi3EEvPf")->registers, 8);
  EXPECT_EQ(report.find("tmpl"), nullptr);
}

TEST(PtxasLog, SpillsAndArraysInLocalMemoryAreDifferentThings) {
  const PtxasReport report = parse_ptxas_log(kSeveral);
  const ResourceEvidence* const spills = report.find("spills");
  ASSERT_NE(spills, nullptr);
  EXPECT_EQ(spills->spill_store_bytes, 980);
  EXPECT_EQ(spills->spill_load_bytes, 1080);
  EXPECT_EQ(spills->stack_bytes, 552);
  EXPECT_TRUE(spills->spills());
  const ResourceEvidence* const locals = report.find("locals");
  ASSERT_NE(locals, nullptr);
  EXPECT_FALSE(locals->spills());
  EXPECT_TRUE(locals->uses_local_memory());
}

TEST(PtxasLog, RemarksAreAllThatIsNoNumber) {
  const std::vector<std::string> expected = {
      "a.cu(12): warning #177-D: variable \"s\" was declared but never referenced",
      "Local memory used for function 'locals', size of stack frame: 256 bytes",
      "Local memory used for function 'spills', size of stack frame: 552 bytes",
      "device function '_Z6helperf': 16 bytes stack frame, 4 bytes spill stores, 8 bytes spill loads"};
  EXPECT_EQ(parse_ptxas_log(kSeveral).remarks, expected);
}

TEST(PtxasLog, SerializedWgmmaIsHeldAgainstItsKernelAlone) {
  const PtxasReport report = parse_ptxas_log(kWgmma);
  ASSERT_EQ(report.kernels.size(), 2u);
  EXPECT_TRUE(report.find("serial")->wgmma_serialized);
  EXPECT_FALSE(report.find("roles_free")->wgmma_serialized);
  ASSERT_EQ(report.remarks.size(), 3u) << "each text once";
  EXPECT_EQ(report.remarks[2].rfind("(C7508) Potential Performance Loss: 'setmaxnreg' ignored", 0), 0u);
}

TEST(PtxasLog, TheCommandLineToolsFormIsReadToo) {
  const PtxasReport report = parse_ptxas_log(kPtxas);
  ASSERT_EQ(report.kernels.size(), 1u);
  const ResourceEvidence& kernel = report.kernels[0];
  EXPECT_EQ(kernel.registers, 255);
  EXPECT_EQ(kernel.barriers, 16);
  EXPECT_EQ(kernel.static_smem_bytes, 1024);
  EXPECT_EQ(kernel.stack_bytes, 8);
  EXPECT_EQ(kernel.spill_store_bytes, 4);
  EXPECT_EQ(kernel.spill_load_bytes, 12);
}

TEST(PtxasLog, KernelWithoutItsNumbersIsNotMadeUp) {
  EXPECT_TRUE(parse_ptxas_log("").kernels.empty());
  EXPECT_TRUE(parse_ptxas_log("ptxas info    : Compiling entry function 'k' for 'sm_90a'\n").kernels.empty());
  EXPECT_TRUE(parse_ptxas_log("ptxas info    : Used 10 registers, used 0 barriers\n").kernels.empty());
  EXPECT_TRUE(parse_ptxas_log("bytes stack frame, registers 'Compiling entry function '").kernels.empty());
}

TEST(Resources, LaunchAddsOccupancyWhereThereIsATable) {
  ResourceEvidence evidence;
  evidence.registers = 168;
  evidence.static_smem_bytes = 1024;
  add_launch(evidence, "sm_90a", 384, 200 * 1024);
  EXPECT_EQ(evidence.threads, 384);
  EXPECT_EQ(evidence.dynamic_smem_bytes, 200 * 1024);
  ASSERT_TRUE(evidence.occupancy);
  EXPECT_EQ(evidence.occupancy->ctas_per_sm, 1);
  EXPECT_EQ(evidence.occupancy->limited_by, "registers and shared memory");
  add_launch(evidence, "sm_90a", 384, 227 * 1024);
  EXPECT_EQ(evidence.occupancy->ctas_per_sm, 0) << "static and dynamic count together";
  ResourceEvidence other;
  add_launch(other, "sm_100a", 128, 0);
  EXPECT_FALSE(other.occupancy);
}

}  // namespace
}  // namespace thresher::gpu
