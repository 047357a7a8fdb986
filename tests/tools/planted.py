"""A throw-away tree of files and the exit status of a tool run on it."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class PlantedTree(unittest.TestCase):
    """Each test plants files in a fresh folder and runs a tool of tools/ on it."""

    def setUp(self):
        self._folder = tempfile.TemporaryDirectory(prefix="thresher-planted-")
        self.addCleanup(self._folder.cleanup)
        self.root = pathlib.Path(self._folder.name)

    def plant(self, name: str, content: str | bytes = "") -> pathlib.Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def run_tool(self, tool: str, *arguments) -> subprocess.CompletedProcess:
        command = [sys.executable] if tool.endswith(".py") else ["bash"]
        arguments = [str(a) for a in arguments or (self.root,)]
        return subprocess.run([*command, str(ROOT / "tools" / tool), *arguments], capture_output=True, text=True)

    def assert_passes(self, tool: str, *arguments):
        result = self.run_tool(tool, *arguments)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def assert_fails(self, tool: str, *needles: str, arguments=()):
        result = self.run_tool(tool, *arguments)
        output = result.stdout + result.stderr
        self.assertEqual(result.returncode, 1, output)
        for needle in needles:
            self.assertIn(needle, output)
