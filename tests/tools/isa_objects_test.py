"""check_isa_objects.py: shared functions, dropped stores of a tile configuration and a missing fence are reported."""

import shutil
import subprocess
import unittest

from planted import PlantedTree

TOOL = "check_isa_objects.py"
AMX_FLAGS = ("-mavx512f", "-mavx512bw", "-mavx512vl", "-mamx-tile")
# The configuration of src/cpu/amx.cpp; LINE is what keeps the compiler from dropping half of it.
CONFIGURATION = """
#include <immintrin.h>
#include <stdint.h>
static void enter() {
  struct alignas(64) Config {
    uint8_t palette = PALETTE;
    uint8_t reserved[15] = {};
    uint16_t bytes_per_row[16] = {};
    uint8_t rows[16] = {};
  } config;
  for (int tile = 0; tile < 8; ++tile) {
    config.bytes_per_row[tile] = 64;
    config.rows[tile] = ROWS;
  }
  LINE;
  _tile_loadconfig(&config);
}
void (*table)() = enter;
"""
KEEPS = 'asm volatile("" : "+m"(config))'
COMPILER = shutil.which("g++") or shutil.which("c++")


@unittest.skipUnless(COMPILER and shutil.which("nm") and shutil.which("objdump"), "needs g++, nm and objdump")
class IsaObjects(PlantedTree):
    def compile(self, name: str, code: str, folder: str = "thresher_cpu.dir", flags: tuple = ("-O0",)):
        source = self.plant(f"src/{name}", code)
        target = self.root / "build" / "src" / folder / f"{name}.o"
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([COMPILER, *flags, "-c", str(source), "-o", str(target)], check=True)

    def test_private_functions_pass(self):
        self.compile("avx2.cpp", "static int twice(int x) { return 2 * x; }\nint answer() { return twice(21); }\n")
        self.assert_passes(TOOL, self.root / "build")

    def test_inline_function_fails_with_its_name(self):
        self.compile("amx.cpp", "inline int twice(int x) { return 2 * x; }\nint answer() { return twice(21); }\n")
        self.assert_fails(TOOL, "amx.cpp.o", "twice(int)", arguments=(self.root / "build",))

    def test_template_fails_with_its_name(self):
        self.compile("avx512.cpp", "template <class T> T twice(T x) { return 2 * x; }\nint a() { return twice(21); }\n")
        self.assert_fails(TOOL, "avx512.cpp.o", "twice<int>", arguments=(self.root / "build",))

    def test_inline_variable_fails(self):
        self.compile("avx2.cpp", "inline int shared = 1;\nint* a() { return &shared; }\n")
        self.assert_fails(TOOL, "shared", arguments=(self.root / "build",))

    def test_other_objects_may_share(self):
        self.compile("avx2.cpp", "int answer() { return 42; }\n")
        self.compile("other.cpp", "inline int twice(int x) { return 2 * x; }\nint other() { return twice(21); }\n")
        self.assert_passes(TOOL, self.root / "build")

    def test_objects_of_other_targets_may_share(self):
        self.compile("avx2.cpp", "int answer() { return 42; }\n")
        self.compile("amx.cpp", "inline int twice(int x) { return 2 * x; }\nint a() { return twice(21); }\n",
                     folder="emulated_kernels.dir")
        self.assert_passes(TOOL, self.root / "build")

    def configure(self, optimise: str, keep: str = KEEPS, rows: str = "16", palette: str = "1"):
        code = CONFIGURATION.replace("LINE", keep).replace("ROWS", rows).replace("PALETTE", palette)
        self.compile("amx.cpp", code, flags=(optimise, "-std=c++20", *AMX_FLAGS))

    def test_whole_tile_configuration_passes(self):
        for optimise in ("-O0", "-O3"):
            with self.subTest(optimise):
                self.configure(optimise)
                self.assert_passes(TOOL, self.root / "build")

    def test_tile_configuration_read_from_constants_passes(self):
        self.compile("amx.cpp", r"""
asm(".text; f: movb $1, -64(%rsp); movdqa c(%rip), %xmm0; movdqa %xmm0, -48(%rsp); movq 16+c(%rip), %rax;"
    "movq %rax, -16(%rsp); ldtilecfg -64(%rsp); ret;"
    ".section .rodata.x,\"a\"; .balign 16; c: .fill 8, 2, 64; .fill 8, 1, 16; .text");
""")
        self.assert_passes(TOOL, self.root / "build")

    def test_dropped_stores_of_the_tile_configuration_fail(self):
        self.configure("-O3", keep="")
        # A compiler that knows how much the instruction reads drops nothing, and there is nothing to find.
        passed = self.run_tool(TOOL, self.root / "build").returncode == 0
        if passed:
            self.skipTest("needs a compiler that drops the stores, as g++ 12 does")
        self.assert_fails(TOOL, "no store of 16 rows", "no store of 64 bytes a row", arguments=(self.root / "build",))

    def test_wrong_tile_configuration_fails(self):
        self.configure("-O2", rows="8")
        self.assert_fails(TOOL, "no store of 16 rows", arguments=(self.root / "build",))
        self.configure("-O2", palette="2")
        self.assert_fails(TOOL, "no store of palette 1", arguments=(self.root / "build",))

    def test_no_tile_configuration_fails(self):
        self.compile("amx.cpp", "int answer() { return 42; }\n")
        self.assert_fails(TOOL, "no ldtilecfg", arguments=(self.root / "build",))

    def test_driver_needs_a_fence(self):
        self.compile("avx2.cpp", "int answer() { return 42; }\n")
        self.compile("grouped_gemm.cpp", "void run() {}\n")
        self.assert_fails(TOOL, "grouped_gemm.cpp.o", "no sfence", arguments=(self.root / "build",))
        self.compile("grouped_gemm.cpp", "void run() { __builtin_ia32_sfence(); }\n")
        self.assert_passes(TOOL, self.root / "build")

    def test_folder_without_objects_fails(self):
        self.assert_fails(TOOL, "build thresher_cpu first")


if __name__ == "__main__":
    unittest.main()
