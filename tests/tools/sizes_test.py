"""check_sizes.py: a file one line over its budget is reported, a file at its budget is not."""

import unittest

from planted import ROOT, PlantedTree

TOOL = "check_sizes.py"


class Sizes(PlantedTree):
    def test_repository_passes(self):
        self.assert_passes(TOOL, ROOT)

    def test_budgets_bind_exactly(self):
        for name, budget in (("include/thresher/a.hpp", 300), ("src/cpu/a.cpp", 450), ("tests/cpu/a_test.cpp", 450)):
            with self.subTest(name=name):
                path = self.plant(name, "\n" * budget)
                self.assert_passes(TOOL)
                path.write_text("\n" * (budget + 1))
                self.assert_fails(TOOL, f"{name}:{budget + 1}:", f"{budget + 1} lines")
                path.unlink()

    def test_last_line_without_newline_counts(self):
        self.plant("src/cpu/a.hpp", "\n" * 300 + "x")
        self.assert_fails(TOOL, "301 lines")


if __name__ == "__main__":
    unittest.main()
