// Instruction sets from features: what is usable, and the words for what is not.
#include "device/isa_detect.hpp"

#include <gtest/gtest.h>

namespace thresher::device {
namespace {

CpuFeatures everything() {
  CpuFeatures f;
  f.architecture = "x86_64";
  f.x86 = f.avx2 = f.fma = f.f16c = f.avx512f = f.avx512bw = f.avx512vl = f.avx512dq = true;
  f.amx_tile = f.amx_bf16 = f.os_ymm = f.os_zmm = f.os_tiles = f.tiles_permitted = true;
  return f;
}

IsaStatus of(Isa isa, const CpuFeatures& features) {
  for (const IsaStatus& status : isa_statuses(features)) {
    if (status.isa == isa) return status;
  }
  ADD_FAILURE() << "instruction set missing from the list";
  return {};
}

TEST(IsaStatuses, ListsEverySetBestFirst) {
  const std::vector<IsaStatus> statuses = isa_statuses(everything());
  ASSERT_EQ(statuses.size(), 4u);
  EXPECT_EQ(statuses[0].isa, Isa::amx);
  EXPECT_EQ(statuses[1].isa, Isa::avx512);
  EXPECT_EQ(statuses[2].isa, Isa::avx2);
  EXPECT_EQ(statuses[3].isa, Isa::portable);
  for (const IsaStatus& status : statuses) {
    EXPECT_TRUE(status.usable);
    EXPECT_EQ(status.why_not, "");
  }
}

struct Missing {
  const char* name;
  bool CpuFeatures::*feature;
  bool amx, avx512, avx2;  // what stays usable without it
};

constexpr Missing kMissing[] = {
    {"avx2", &CpuFeatures::avx2, false, false, false},
    {"fma", &CpuFeatures::fma, false, false, false},
    {"f16c", &CpuFeatures::f16c, false, false, false},
    {"256-bit", &CpuFeatures::os_ymm, false, false, false},
    {"avx512f", &CpuFeatures::avx512f, false, false, true},
    {"avx512bw", &CpuFeatures::avx512bw, false, false, true},
    {"avx512vl", &CpuFeatures::avx512vl, false, false, true},
    {"avx512dq", &CpuFeatures::avx512dq, false, false, true},
    {"512-bit", &CpuFeatures::os_zmm, false, false, true},
    {"amx_tile", &CpuFeatures::amx_tile, false, true, true},
    {"amx_bf16", &CpuFeatures::amx_bf16, false, true, true},
    {"tile registers", &CpuFeatures::os_tiles, false, true, true},
    {"refused", &CpuFeatures::tiles_permitted, false, true, true},
};

TEST(IsaStatuses, EachMissingFeatureIsNamedAndStopsExactlyTheSetsThatNeedIt) {
  for (const Missing& missing : kMissing) {
    SCOPED_TRACE(missing.name);
    CpuFeatures features = everything();
    features.*missing.feature = false;
    EXPECT_EQ(of(Isa::amx, features).usable, missing.amx);
    EXPECT_EQ(of(Isa::avx512, features).usable, missing.avx512);
    EXPECT_EQ(of(Isa::avx2, features).usable, missing.avx2);
    EXPECT_TRUE(of(Isa::portable, features).usable);
    EXPECT_NE(of(Isa::amx, features).why_not.find(missing.name), std::string::npos) << of(Isa::amx, features).why_not;
  }
}

TEST(IsaStatuses, NamesAllThatIsMissing) {
  CpuFeatures features = everything();
  features.avx512f = features.avx512dq = false;
  EXPECT_EQ(of(Isa::avx512, features).why_not, "this CPU has no avx512f, avx512dq");
}

TEST(IsaStatuses, SaysTheArchitectureOnOtherProcessors) {
  CpuFeatures features;
  features.architecture = "aarch64";
  for (const Isa isa : {Isa::amx, Isa::avx512, Isa::avx2}) {
    EXPECT_FALSE(of(isa, features).usable);
    EXPECT_EQ(of(isa, features).why_not, "this build is for aarch64");
  }
  EXPECT_TRUE(of(Isa::portable, features).usable);
}

TEST(DetectCpuFeatures, NeverClaimsWhatTheSystemCannotSave) {
  const CpuFeatures features = detect_cpu_features();
  EXPECT_FALSE(features.architecture.empty());
  if (features.os_zmm) {
    EXPECT_TRUE(features.os_ymm);
  }
  if (features.tiles_permitted) {
    EXPECT_TRUE(features.amx_tile && features.os_tiles);
  }
#if defined(__x86_64__)
  // The compiler's own cpuid check is an independent oracle for the sets it knows.
  EXPECT_EQ(of(Isa::avx2, features).usable,
            __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && features.f16c);
  if (of(Isa::avx512, features).usable) {
    EXPECT_TRUE(__builtin_cpu_supports("avx512f"));
  }
#endif
}

}  // namespace
}  // namespace thresher::device
