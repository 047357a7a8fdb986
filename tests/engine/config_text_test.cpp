// The text of a config: every field survives a round trip, and every mistake is named.
#include <gtest/gtest.h>

#include <array>

#include "small_call.hpp"

namespace thresher {
namespace {

using testing::error_of;

constexpr std::array kIsas{Isa::automatic, Isa::portable, Isa::avx2, Isa::avx512, Isa::amx};

TEST(ConfigText, ListsEveryFieldInDeclarationOrder) {
  EXPECT_EQ(to_text(CpuConfig{}),
            "isa=automatic,block_m=0,block_n=0,block_k=0,dequant_stages=0,prefetch_distance=-1,store=cached,"
            "roles=fused,threads=0");
}

TEST(ConfigText, RoundTripsEveryField) {
  for (const Isa isa : kIsas) {
    const CpuConfig config{.isa = isa,
                           .block_m = 16,
                           .block_n = 32,
                           .block_k = 64,
                           .dequant_stages = 3,
                           .prefetch_distance = 1024,
                           .store = StoreMode::streaming,
                           .roles = Roles::specialised,
                           .threads = 7};
    EXPECT_EQ(cpu_config_from_text(to_text(config)), config) << to_text(config);
  }
  EXPECT_EQ(cpu_config_from_text(to_text(CpuConfig{})), CpuConfig{});
}

TEST(ConfigText, KeepsDefaultsOfFieldsLeftOutAndIgnoresSpaces) {
  CpuConfig expected;
  expected.block_m = 64;
  expected.isa = Isa::avx2;
  EXPECT_EQ(cpu_config_from_text("block_m=64,isa=avx2"), expected);
  EXPECT_EQ(cpu_config_from_text("  block_m = 64 ,\tisa = avx2\n"), expected);
  EXPECT_EQ(cpu_config_from_text(""), CpuConfig{});
  EXPECT_EQ(cpu_config_from_text(" "), CpuConfig{});
}

TEST(ConfigText, NamesEveryIsaAndParsesItBack) {
  for (const Isa isa : kIsas)
    EXPECT_EQ(parse_isa(to_string(isa)), isa);
  EXPECT_EQ(parse_isa("AVX2"), std::nullopt);
  EXPECT_EQ(parse_isa(""), std::nullopt);
}

struct BadText {
  const char* text;
  const char* value;    // what the message quotes
  const char* way_out;  // what the message offers
};

class BadConfigText : public ::testing::TestWithParam<BadText> {};

TEST_P(BadConfigText, IsRefusedWithTheValueAndTheWayOut) {
  ErrorCode code = ErrorCode::internal;
  const std::string message = error_of([] { (void)cpu_config_from_text(GetParam().text); }, &code);
  EXPECT_EQ(code, ErrorCode::parse) << message;
  EXPECT_NE(message.find(GetParam().value), std::string::npos) << message;
  EXPECT_NE(message.find(GetParam().way_out), std::string::npos) << message;
}

INSTANTIATE_TEST_SUITE_P(Texts, BadConfigText,
                         ::testing::Values(BadText{"block_q=3", "'block_q'", "isa, block_m, block_n"},
                                           BadText{"block_m", "'block_m'", "field=value"},
                                           BadText{"block_m=", "''", "decimal number"},
                                           BadText{"block_m=6x", "'6x'", "decimal number"},
                                           BadText{"block_m=1e3", "'1e3'", "decimal number"},
                                           BadText{"threads=99999999999", "'99999999999'", "2147483647"},
                                           BadText{"isa=sse", "'sse'", "portable, avx2, avx512, amx"},
                                           BadText{"store=fast", "'fast'", "cached, streaming"},
                                           BadText{"roles=all", "'all'", "fused, specialised"},
                                           BadText{"=4", "''", "threads"}, BadText{",", "''", "field=value"},
                                           BadText{"block_m=16,", "''", "field=value"},
                                           BadText{"block_m=16,block_m=32", "'block_m=32'", "twice"}));

}  // namespace
}  // namespace thresher
