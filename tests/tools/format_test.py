"""check_format.sh: a badly formatted file fails the check, and --fix repairs it."""

import os
import shutil
import subprocess
import unittest

from planted import ROOT, PlantedTree

TOOL = "check_format.sh"


class Format(PlantedTree):
    def setUp(self):
        super().setUp()
        shutil.copy(ROOT / ".clang-format", self.root)

    @unittest.skipUnless(shutil.which("clang-format"), "needs clang-format")
    def test_bad_format_fails_until_fixed(self):
        self.plant("src/cpu/a b.cpp", "int  f( ){return 1 ;}\n")
        self.assert_fails(TOOL, "make format", arguments=(self.root,))
        self.assert_passes(TOOL, "--fix", self.root)
        self.assert_passes(TOOL, self.root)

    def test_missing_tool_says_so_and_passes(self):
        self.plant("src/cpu/a.cpp", "int  f( ){return 1 ;}\n")
        result = subprocess.run(["bash", str(ROOT / "tools" / TOOL), str(self.root)], capture_output=True, text=True,
                                env={**os.environ, "CLANG_FORMAT": "no-such-clang-format"})
        self.assertEqual(result.returncode, 0)
        self.assertIn("skipped", result.stdout)

    def test_wrong_root_fails(self):
        if shutil.which("clang-format"):
            self.assert_fails(TOOL, "no include/", arguments=(self.root,))


if __name__ == "__main__":
    unittest.main()
