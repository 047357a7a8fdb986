"""check_links.py: a planted dead link or anchor is reported; links in code and to the web are left alone."""

import unittest

from planted import ROOT, PlantedTree

TOOL = "check_links.py"


class Links(PlantedTree):
    def test_repository_passes(self):
        self.assert_passes(TOOL, ROOT)

    def test_dead_link_fails_with_its_place(self):
        self.plant("docs/a.md", "# A\n\nsee [b](b.md) and ![picture](p.png)\n")
        self.assert_fails(TOOL, "docs/a.md:3: b.md", "docs/a.md:3: p.png")

    def test_live_links_pass(self):
        self.plant("README.md", "# Top\n[a](docs/a.md#two-words) [here](#top) [folder](docs) [root](/docs/a.md)\n")
        self.plant("docs/a.md", "## Two, words!\n[up](../README.md \"title\")\n")
        self.assert_passes(TOOL)

    def test_dead_anchor_fails(self):
        self.plant("README.md", "[a](a.md#nowhere)\n[b](#nor-here)\n")
        self.plant("a.md", "# Somewhere\n")
        self.assert_fails(TOOL, "README.md:1: a.md#nowhere", "README.md:2: #nor-here")

    def test_code_and_the_web_are_left_alone(self):
        self.plant("README.md", "`[x](no.md)`\n```\n[y](no.md)\n# not a heading\n```\n[z](https://example.org/no.md)\n")
        self.assert_passes(TOOL)

    def test_build_folder_is_left_alone(self):
        self.plant("build/dep/README.md", "[x](no.md)\n")
        self.assert_passes(TOOL)


if __name__ == "__main__":
    unittest.main()
