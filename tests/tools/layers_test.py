"""check_layers.py: a planted include against the direction is reported with its place and rule."""

import unittest

from planted import ROOT, PlantedTree

TOOL = "check_layers.py"


class Layers(PlantedTree):
    def test_repository_passes(self):
        self.assert_passes(TOOL, ROOT)

    def test_downward_standard_and_system_includes_pass(self):
        self.plant("include/thresher/a.hpp", "#include <vector>\n#include \"thresher/b.hpp\"\n")
        self.plant("src/format/e.hpp")
        self.plant("src/cpu/kernel.inl.hpp", "#include <stddef.h>\n")
        self.plant("src/cpu/k.cpp", '#include "cpu/kernel.inl.hpp"\n#include "format/e.hpp"\n#include <omp.h>\n'
                   "#include <immintrin.h>\n#include <sys/mman.h>\n#include \"thresher/a.hpp\"\n")
        self.plant("src/cli/main.cpp", '#include <CLI/CLI.hpp>\n#include "measure/s.hpp"\n#include "cpu/k.hpp"\n')
        self.assert_passes(TOOL)

    def test_every_upward_pair_fails(self):
        order = "format reference device cpu gpu engine io catalog measure tank report cli".split()
        for low, folder in enumerate(order):
            for above in order[low + 1:]:
                path = self.plant(f"src/{folder}/x.cpp", f'#include <vector>\n#include "{above}/y.hpp"\n')
                with self.subTest(folder=folder, above=above):
                    self.assert_fails(TOOL, f"src/{folder}/x.cpp:2:", f"{above}/y.hpp")
                path.unlink()

    def test_engine_including_the_tank_names_the_rule(self):
        self.plant("src/engine/x.cpp", '#include "tank/round.hpp"\n')
        self.assert_fails(TOOL, "src/engine/x.cpp:1:", "never includes the tank")

    def test_angle_brackets_do_not_hide_an_upward_include(self):
        self.plant("src/format/x.cpp", "#  include <engine/y.hpp>\n")
        self.assert_fails(TOOL, "src/format/x.cpp:1:")

    def test_third_party_includes_in_core_fail(self):
        for header in ("fmt/core.h", "nlohmann/json.hpp", "toml++/toml.h", "CLI/CLI.hpp", "sqlite3.h", "cuda.h"):
            for folder in ("format", "engine"):
                path = self.plant(f"src/{folder}/x.cpp", f"#include <{header}>\n")
                with self.subTest(header=header, folder=folder):
                    self.assert_fails(TOOL, f"src/{folder}/x.cpp:1:", header, "core")
                path.unlink()

    def test_public_header_including_src_fails(self):
        self.plant("include/thresher/a.hpp", '#pragma once\n#include "cpu/k.hpp"\n')
        self.assert_fails(TOOL, "include/thresher/a.hpp:2:", "public headers include nothing of src")

    def test_public_header_including_third_party_fails(self):
        self.plant("include/thresher/a.hpp", "#include <fmt/core.h>\n")
        self.assert_fails(TOOL, "include/thresher/a.hpp:1:", "only the standard library")

    def test_unknown_folder_and_empty_root_fail(self):
        self.assert_fails(TOOL, "no sources")
        self.plant("src/util/x.cpp", "\n")
        self.assert_fails(TOOL, "src/util", "unknown folder")

    def test_includes_by_dots_fail(self):
        self.plant("src/cpu/k.cpp", '#include "../engine/y.hpp"\n')
        self.assert_fails(TOOL, "src/cpu/k.cpp:1:", "never ../")


if __name__ == "__main__":
    unittest.main()
