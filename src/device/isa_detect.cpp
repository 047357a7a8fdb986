// Reads cpuid and the saved register state, and says in words what each instruction set lacks.
#include "device/isa_detect.hpp"

#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdint>
#include <string_view>
#include <utility>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace thresher::device {
namespace {

struct Requirement {
  bool met;
  std::string_view name;
};

// The processor first: what it lacks no system can give.
IsaStatus status(Isa isa, const CpuFeatures& features, const std::vector<Requirement>& processor,
                 const std::vector<Requirement>& system) {
  if (!features.x86) return {isa, false, "this build is for " + features.architecture};
  std::string missing;
  const auto add = [&missing](std::string_view text) {
    missing += missing.empty() ? "" : ", ";
    missing += text;
  };
  for (const Requirement& need : processor) {
    if (!need.met) add(need.name);
  }
  if (!missing.empty()) return {isa, false, "this CPU has no " + missing};
  for (const Requirement& need : system) {
    if (!need.met) add(need.name);
  }
  if (!missing.empty()) return {isa, false, "the operating system " + missing};
  return {isa, true, ""};
}

#if defined(__x86_64__)
bool bit(std::uint64_t word, int index) {
  return ((word >> index) & 1u) != 0;
}

// XCR0: the register states that the system saves when it switches threads.
std::uint64_t saved_states() {
  std::uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<std::uint64_t>(high) << 32) | low;
}

// NOTE: Linux grants tile data per process and only on request, because it adds 8 KiB to every signal frame.
bool request_tiles() {
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}
#endif

}  // namespace

std::vector<IsaStatus> isa_statuses(const CpuFeatures& f) {
  // The files of the wider sets are compiled with the narrower ones they imply, so those are required too.
  const std::vector<Requirement> avx2 = {{f.avx2, "avx2"}, {f.fma, "fma"}, {f.f16c, "f16c"}};
  std::vector<Requirement> avx512 = {
      {f.avx512f, "avx512f"}, {f.avx512bw, "avx512bw"}, {f.avx512vl, "avx512vl"}, {f.avx512dq, "avx512dq"}};
  avx512.insert(avx512.end(), avx2.begin(), avx2.end());
  std::vector<Requirement> amx = {{f.amx_tile, "amx_tile"}, {f.amx_bf16, "amx_bf16"}};
  amx.insert(amx.end(), avx512.begin(), avx512.end());

  const Requirement ymm = {f.os_ymm, "does not save 256-bit registers"};
  const Requirement zmm = {f.os_zmm, "does not save 512-bit registers"};
  const Requirement tiles = {f.os_tiles, "does not save tile registers"};
  const Requirement permission = {f.tiles_permitted,
                                  "refused this process the use of tiles (needs Linux 5.16 or newer)"};
  return {status(Isa::amx, f, amx, {ymm, zmm, tiles, permission}), status(Isa::avx512, f, avx512, {ymm, zmm}),
          status(Isa::avx2, f, avx2, {ymm}), IsaStatus{Isa::portable, true, ""}};
}

CpuFeatures detect_cpu_features() {
  CpuFeatures f;
#if defined(__x86_64__)
  f.x86 = true;
  f.architecture = "x86_64";
  unsigned a = 0, b = 0, c = 0, d = 0;
  std::uint64_t states = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) != 0) {
    f.fma = bit(c, 12);
    f.f16c = bit(c, 29);
    if (bit(c, 27)) states = saved_states();  // OSXSAVE: without it xgetbv itself is an illegal instruction
  }
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0) {
    f.avx2 = bit(b, 5);
    f.avx512f = bit(b, 16);
    f.avx512dq = bit(b, 17);
    f.avx512bw = bit(b, 30);
    f.avx512vl = bit(b, 31);
    f.amx_bf16 = bit(d, 22);
    f.amx_tile = bit(d, 24);
  }
  f.os_ymm = (states & 0x6) == 0x6;
  f.os_zmm = (states & 0xe6) == 0xe6;
  f.os_tiles = (states & 0x60000) == 0x60000;
  f.tiles_permitted = f.amx_tile && f.os_tiles && request_tiles();
#else
  utsname system{};
  f.architecture = uname(&system) == 0 ? system.machine : "another processor";
#endif
  return f;
}

}  // namespace thresher::device
