"""check_isa_objects.py: an inline function in an object of one instruction set is reported."""

import shutil
import subprocess
import unittest

from planted import PlantedTree

TOOL = "check_isa_objects.py"
COMPILER = shutil.which("g++") or shutil.which("c++")


@unittest.skipUnless(COMPILER and shutil.which("nm"), "needs a C++ compiler and nm")
class IsaObjects(PlantedTree):
    def compile(self, name: str, code: str, folder: str = "thresher_cpu.dir"):
        source = self.plant(f"src/{name}", code)
        target = self.root / "build" / "src" / folder / f"{name}.o"
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([COMPILER, "-O0", "-c", str(source), "-o", str(target)], check=True)

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

    def test_folder_without_objects_fails(self):
        self.assert_fails(TOOL, "build thresher_cpu first")


if __name__ == "__main__":
    unittest.main()
