"""check_ascii.py: a byte outside ASCII in a source is reported with line and column."""

import unittest

from planted import ROOT, PlantedTree

TOOL = "check_ascii.py"


class Ascii(PlantedTree):
    def test_repository_passes(self):
        self.assert_passes(TOOL, ROOT)

    def test_non_ascii_letter_fails_with_its_place(self):
        self.plant("src/cpu/a.cpp", b"int a;\n// caf\xc3\xa9\n")
        self.assert_fails(TOOL, "src/cpu/a.cpp:2:7:", "0xc3")

    def test_control_byte_fails(self):
        self.plant("tools/a.py", b"x = 1\x00\n")
        self.assert_fails(TOOL, "tools/a.py:1:6:", "0x00")

    def test_prose_may_use_any_letter(self):
        self.plant("README.md", "caf\u00e9\n")
        self.plant("src/cpu/a.cpp", "int a;\n\tint b;\r\n")
        self.assert_passes(TOOL)


if __name__ == "__main__":
    unittest.main()
