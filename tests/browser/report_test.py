#!/usr/bin/env python3
"""Opens a round's HTML report in a headless Chromium: tables, charts, links, a phone's width, dark mode.

usage: report_test.py THRESHER ROUND   (exit status 77: skipped, no Chromium here)
"""

import html.parser
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

# Appended to a copy of the page, so that the browser itself says what it laid out.
PROBE = """<script>addEventListener('load', () => {
  const root = document.documentElement;
  root.dataset.overflows = String(root.scrollWidth > root.clientWidth);
  root.dataset.drawn = String([...document.querySelectorAll('canvas')].filter((c) => c.width > 0 &&
    c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v) => v !== 0)).length);
});</script>"""


class Page(html.parser.HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.ids, self.links, self.loads, self.root = [], [], [], {}
        self.counts = {"table": 0, "canvas": 0, "td": 0}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "html":
            self.root = attributes
        if tag in self.counts:
            self.counts[tag] += 1
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "a":
            self.links.append(attributes.get("href", ""))
        elif "src" in attributes or "href" in attributes:
            self.loads.append(tag)


def chromium(*arguments: str, width: int = 1200, height: int = 900) -> subprocess.CompletedProcess:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return subprocess.run([program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                           f"--window-size={width},{height}", "--virtual-time-budget=4000", "--enable-logging=stderr",
                           *arguments], capture_output=True, text=True, timeout=120, check=False)


def corner_and_colours(png: pathlib.Path) -> tuple[tuple[int, ...], int]:
    """The first pixel, and how many different bytes the rows have: a blank picture has next to none."""
    data, at, packed = png.read_bytes(), 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IHDR":
            colour = data[at + 17]
        if kind == b"IDAT":
            packed += data[at + 8:at + 8 + size]
        at += 12 + size
    raw = zlib.decompress(packed)
    return tuple(raw[1:4]), len(set(raw[:400000])) if colour in (2, 6) else 0


def check(page: pathlib.Path, folder: pathlib.Path) -> list[str]:
    problems = []
    probed = folder / "probed.html"
    probed.write_text(page.read_text().replace("</body>", PROBE + "</body>"))
    for name, width in (("wide", 1200), ("phone", 390)):
        result = chromium("--dump-dom", probed.as_uri(), width=width)
        seen = Page(result.stdout)
        if "Uncaught" in result.stderr or "SyntaxError" in result.stderr:
            problems.append(f"{name}: a script failed: {result.stderr[-500:]}")
        charts = seen.counts["canvas"]
        if charts < 3 or seen.root.get("data-charts") != str(charts) or seen.root.get("data-drawn") != str(charts):
            problems.append(f"{name}: {charts} charts in the page, {seen.root.get('data-charts')} made, "
                            f"{seen.root.get('data-drawn')} drawn")
        if seen.root.get("data-overflows") != "false":
            problems.append(f"{name}: the page is wider than the window")
        if seen.counts["table"] < 10 or seen.counts["td"] < 100:
            problems.append(f"{name}: only {seen.counts['table']} tables with {seen.counts['td']} cells")
        problems += [f"{name}: link {link} leads nowhere" for link in seen.links if link[1:] not in seen.ids]
        problems += [f"{name}: id {one} twice" for one in set(seen.ids) if seen.ids.count(one) > 1]
        problems += [f"{name}: <{tag}> loads something from outside" for tag in seen.loads]
    for name, options, dark in (("light", ["--blink-settings=preferredColorScheme=1"], False),
                                ("dark", ["--blink-settings=preferredColorScheme=0"], True)):
        picture = folder / f"{name}.png"
        chromium(*options, f"--screenshot={picture}", page.as_uri(), width=390, height=844)
        corner, colours = corner_and_colours(picture)
        if (max(corner) < 64) != dark or colours < 50:
            problems.append(f"{name}: the corner is {corner}, {colours} different bytes")
    return problems


def main() -> int:
    thresher, round_folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    if not (shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")):
        print("Skipped\nno Chromium here: install chromium to open the report in a browser")
        return 77
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        shutil.copy(round_folder / "ledger.sqlite", folder / "ledger.sqlite")
        subprocess.run([thresher, "round", "report", round_folder, "--out", folder], check=True, capture_output=True)
        problems = check(folder / "report.html", folder)
    print("\n".join(problems) if problems else "report: tables, charts, links, phone and dark mode are well")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
