// wgmma with A in registers, one function for every number of tokens; device code, compiled at run time.
#pragma once

namespace thresher::sm90 {

// Operand lists grow by four sums for every 8 tokens: their names in the instruction, then the operands themselves.
// clang-format off
#define TH_NAMES_8 "%0,%1,%2,%3"
#define TH_NAMES_16 TH_NAMES_8 "," "%4,%5,%6,%7"
#define TH_NAMES_24 TH_NAMES_16 "," "%8,%9,%10,%11"
#define TH_NAMES_32 TH_NAMES_24 "," "%12,%13,%14,%15"
#define TH_NAMES_40 TH_NAMES_32 "," "%16,%17,%18,%19"
#define TH_NAMES_48 TH_NAMES_40 "," "%20,%21,%22,%23"
#define TH_NAMES_56 TH_NAMES_48 "," "%24,%25,%26,%27"
#define TH_NAMES_64 TH_NAMES_56 "," "%28,%29,%30,%31"
#define TH_NAMES_72 TH_NAMES_64 "," "%32,%33,%34,%35"
#define TH_NAMES_80 TH_NAMES_72 "," "%36,%37,%38,%39"
#define TH_NAMES_88 TH_NAMES_80 "," "%40,%41,%42,%43"
#define TH_NAMES_96 TH_NAMES_88 "," "%44,%45,%46,%47"
#define TH_NAMES_104 TH_NAMES_96 "," "%48,%49,%50,%51"
#define TH_NAMES_112 TH_NAMES_104 "," "%52,%53,%54,%55"
#define TH_NAMES_120 TH_NAMES_112 "," "%56,%57,%58,%59"
#define TH_NAMES_128 TH_NAMES_120 "," "%60,%61,%62,%63"
#define TH_NAMES_136 TH_NAMES_128 "," "%64,%65,%66,%67"
#define TH_NAMES_144 TH_NAMES_136 "," "%68,%69,%70,%71"
#define TH_NAMES_152 TH_NAMES_144 "," "%72,%73,%74,%75"
#define TH_NAMES_160 TH_NAMES_152 "," "%76,%77,%78,%79"
#define TH_NAMES_168 TH_NAMES_160 "," "%80,%81,%82,%83"
#define TH_NAMES_176 TH_NAMES_168 "," "%84,%85,%86,%87"
#define TH_NAMES_184 TH_NAMES_176 "," "%88,%89,%90,%91"
#define TH_NAMES_192 TH_NAMES_184 "," "%92,%93,%94,%95"
#define TH_NAMES_200 TH_NAMES_192 "," "%96,%97,%98,%99"
#define TH_NAMES_208 TH_NAMES_200 "," "%100,%101,%102,%103"
#define TH_NAMES_216 TH_NAMES_208 "," "%104,%105,%106,%107"
#define TH_NAMES_224 TH_NAMES_216 "," "%108,%109,%110,%111"
#define TH_NAMES_232 TH_NAMES_224 "," "%112,%113,%114,%115"
#define TH_NAMES_240 TH_NAMES_232 "," "%116,%117,%118,%119"
#define TH_NAMES_248 TH_NAMES_240 "," "%120,%121,%122,%123"
#define TH_NAMES_256 TH_NAMES_248 "," "%124,%125,%126,%127"
#define TH_SUMS_8 "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
#define TH_SUMS_16 TH_SUMS_8, "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7])
#define TH_SUMS_24 TH_SUMS_16, "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11])
#define TH_SUMS_32 TH_SUMS_24, "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15])
#define TH_SUMS_40 TH_SUMS_32, "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19])
#define TH_SUMS_48 TH_SUMS_40, "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23])
#define TH_SUMS_56 TH_SUMS_48, "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27])
#define TH_SUMS_64 TH_SUMS_56, "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
#define TH_SUMS_72 TH_SUMS_64, "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35])
#define TH_SUMS_80 TH_SUMS_72, "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39])
#define TH_SUMS_88 TH_SUMS_80, "+f"(d[40]), "+f"(d[41]), "+f"(d[42]), "+f"(d[43])
#define TH_SUMS_96 TH_SUMS_88, "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47])
#define TH_SUMS_104 TH_SUMS_96, "+f"(d[48]), "+f"(d[49]), "+f"(d[50]), "+f"(d[51])
#define TH_SUMS_112 TH_SUMS_104, "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55])
#define TH_SUMS_120 TH_SUMS_112, "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59])
#define TH_SUMS_128 TH_SUMS_120, "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63])
#define TH_SUMS_136 TH_SUMS_128, "+f"(d[64]), "+f"(d[65]), "+f"(d[66]), "+f"(d[67])
#define TH_SUMS_144 TH_SUMS_136, "+f"(d[68]), "+f"(d[69]), "+f"(d[70]), "+f"(d[71])
#define TH_SUMS_152 TH_SUMS_144, "+f"(d[72]), "+f"(d[73]), "+f"(d[74]), "+f"(d[75])
#define TH_SUMS_160 TH_SUMS_152, "+f"(d[76]), "+f"(d[77]), "+f"(d[78]), "+f"(d[79])
#define TH_SUMS_168 TH_SUMS_160, "+f"(d[80]), "+f"(d[81]), "+f"(d[82]), "+f"(d[83])
#define TH_SUMS_176 TH_SUMS_168, "+f"(d[84]), "+f"(d[85]), "+f"(d[86]), "+f"(d[87])
#define TH_SUMS_184 TH_SUMS_176, "+f"(d[88]), "+f"(d[89]), "+f"(d[90]), "+f"(d[91])
#define TH_SUMS_192 TH_SUMS_184, "+f"(d[92]), "+f"(d[93]), "+f"(d[94]), "+f"(d[95])
#define TH_SUMS_200 TH_SUMS_192, "+f"(d[96]), "+f"(d[97]), "+f"(d[98]), "+f"(d[99])
#define TH_SUMS_208 TH_SUMS_200, "+f"(d[100]), "+f"(d[101]), "+f"(d[102]), "+f"(d[103])
#define TH_SUMS_216 TH_SUMS_208, "+f"(d[104]), "+f"(d[105]), "+f"(d[106]), "+f"(d[107])
#define TH_SUMS_224 TH_SUMS_216, "+f"(d[108]), "+f"(d[109]), "+f"(d[110]), "+f"(d[111])
#define TH_SUMS_232 TH_SUMS_224, "+f"(d[112]), "+f"(d[113]), "+f"(d[114]), "+f"(d[115])
#define TH_SUMS_240 TH_SUMS_232, "+f"(d[116]), "+f"(d[117]), "+f"(d[118]), "+f"(d[119])
#define TH_SUMS_248 TH_SUMS_240, "+f"(d[120]), "+f"(d[121]), "+f"(d[122]), "+f"(d[123])
#define TH_SUMS_256 TH_SUMS_248, "+f"(d[124]), "+f"(d[125]), "+f"(d[126]), "+f"(d[127])
// clang-format on

#define TH_WGMMA(tokens, type, a0, a1, a2, a3, b_name)                                                     \
  asm volatile("wgmma.mma_async.sync.aligned.m64n" #tokens "k16.f32." type "." type " {" TH_NAMES_##tokens \
               "}, {" a0 "," a1 "," a2 "," a3 "}, " b_name ", 1, 1, 1, 0;"                                 \
               : TH_SUMS_##tokens                                                                          \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b))

#define TH_DEFINE_WGMMA(tokens, a0, a1, a2, a3, b_)                                                  \
  template <>                                                                                        \
  struct Wgmma<tokens> {                                                                             \
    template <Half kHalf>                                                                            \
    static __device__ __forceinline__ void issue(float (&d)[tokens / 2], const u32 (&a)[4], u64 b) { \
      if constexpr (kHalf == Half::fp16) {                                                           \
        TH_WGMMA(tokens, "f16", a0, a1, a2, a3, b_);                                                 \
      } else {                                                                                       \
        TH_WGMMA(tokens, "bf16", a0, a1, a2, a3, b_);                                                \
      }                                                                                              \
    }                                                                                                \
  }

// d[64 x tokens] += a[64 x 16] * b[tokens x 16]^T, one warpgroup. `a`: this thread's fragment; `b`: descriptor of
// shared memory. The sums and `a` stay untouched until wait_products() says so.
template <int kTokens>
struct Wgmma;

TH_DEFINE_WGMMA(8, "%4", "%5", "%6", "%7", "%8");
TH_DEFINE_WGMMA(16, "%8", "%9", "%10", "%11", "%12");
TH_DEFINE_WGMMA(24, "%12", "%13", "%14", "%15", "%16");
TH_DEFINE_WGMMA(32, "%16", "%17", "%18", "%19", "%20");
TH_DEFINE_WGMMA(40, "%20", "%21", "%22", "%23", "%24");
TH_DEFINE_WGMMA(48, "%24", "%25", "%26", "%27", "%28");
TH_DEFINE_WGMMA(56, "%28", "%29", "%30", "%31", "%32");
TH_DEFINE_WGMMA(64, "%32", "%33", "%34", "%35", "%36");
TH_DEFINE_WGMMA(72, "%36", "%37", "%38", "%39", "%40");
TH_DEFINE_WGMMA(80, "%40", "%41", "%42", "%43", "%44");
TH_DEFINE_WGMMA(88, "%44", "%45", "%46", "%47", "%48");
TH_DEFINE_WGMMA(96, "%48", "%49", "%50", "%51", "%52");
TH_DEFINE_WGMMA(104, "%52", "%53", "%54", "%55", "%56");
TH_DEFINE_WGMMA(112, "%56", "%57", "%58", "%59", "%60");
TH_DEFINE_WGMMA(120, "%60", "%61", "%62", "%63", "%64");
TH_DEFINE_WGMMA(128, "%64", "%65", "%66", "%67", "%68");
TH_DEFINE_WGMMA(136, "%68", "%69", "%70", "%71", "%72");
TH_DEFINE_WGMMA(144, "%72", "%73", "%74", "%75", "%76");
TH_DEFINE_WGMMA(152, "%76", "%77", "%78", "%79", "%80");
TH_DEFINE_WGMMA(160, "%80", "%81", "%82", "%83", "%84");
TH_DEFINE_WGMMA(168, "%84", "%85", "%86", "%87", "%88");
TH_DEFINE_WGMMA(176, "%88", "%89", "%90", "%91", "%92");
TH_DEFINE_WGMMA(184, "%92", "%93", "%94", "%95", "%96");
TH_DEFINE_WGMMA(192, "%96", "%97", "%98", "%99", "%100");
TH_DEFINE_WGMMA(200, "%100", "%101", "%102", "%103", "%104");
TH_DEFINE_WGMMA(208, "%104", "%105", "%106", "%107", "%108");
TH_DEFINE_WGMMA(216, "%108", "%109", "%110", "%111", "%112");
TH_DEFINE_WGMMA(224, "%112", "%113", "%114", "%115", "%116");
TH_DEFINE_WGMMA(232, "%116", "%117", "%118", "%119", "%120");
TH_DEFINE_WGMMA(240, "%120", "%121", "%122", "%123", "%124");
TH_DEFINE_WGMMA(248, "%124", "%125", "%126", "%127", "%128");
TH_DEFINE_WGMMA(256, "%128", "%129", "%130", "%131", "%132");

// d[16 x 8] += a[16 x 16] * b[8 x 16]^T, one warp, everything in registers, in the order of the warpgroup's fragments.
template <Half kHalf>
__device__ __forceinline__ void multiply_warp(float* d, const u32 (&a)[4], u32 b0, u32 b1) {
  if constexpr (kHalf == Half::fp16) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  } else {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
}

}  // namespace thresher::sm90
