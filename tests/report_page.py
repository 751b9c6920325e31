#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page of `lowbit bench report` in a browser, headless, wide and narrow, light and dark: nothing overflows, every
text can be read. Leaves its pictures in FOLDER; somebody should look at them now and then.

    report_page.py LOWBIT FOLDER      exit code 77 without Chromium
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import report_data

LOWBIT, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
WIDTHS, HEIGHT, LEAST_WINDOW = (1280, 400), 16000, 500
SCHEMES = {"dark": 0, "light": 1}  # as Blink counts them
LEAST_TEXT = 9  # pixels

# A window is at least 500 pixels wide, so the page lies in a frame. What it posts is read from the dumped document.
FRAME = """<!DOCTYPE html><meta name="color-scheme" content="light dark"><style>body{margin:0}</style>
<iframe src="probed.html" style="border:0;display:block;width:WIDTHpx;height:HEIGHTpx"></iframe>
<script>onmessage = event => {
  const report = document.createElement('pre');
  report.id = 'probe';
  report.textContent = event.data;
  report.hidden = true;
  document.body.append(report);
}</script>
"""

# Runs in a copy of the page.
PROBE = """
<script>
const found = [];
const inside = (a, b) => a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 0.5 &&
                       Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.5;
if (document.documentElement.scrollWidth > innerWidth)
  found.push(`the page is ${document.documentElement.scrollWidth} wide in a window of ${innerWidth}`);
for (const element of document.querySelectorAll('main *')) {
  const box = element.getBoundingClientRect();
  if (box.right > innerWidth + 1 && !element.closest('.scroll')) found.push(`${element.tagName} ends at ${box.right}`);
}
for (const svg of document.querySelectorAll('svg')) {
  const id = svg.parentElement.id, frame = svg.getBoundingClientRect();
  const scale = frame.width / svg.viewBox.baseVal.width;
  for (const text of svg.querySelectorAll('text')) {
    const size = parseFloat(getComputedStyle(text).fontSize) * scale;
    if (size < LEAST) found.push(`${id}: "${text.textContent}" is ${size} pixels high`);
    if (!inside(text.getBoundingClientRect(), frame)) found.push(`${id}: "${text.textContent}" leaves the drawing`);
  }
  const straight = [...svg.querySelectorAll('text')].filter(text => !text.closest('g'));
  for (let i = 0; i < straight.length; i++)
    for (let j = 0; j < i; j++)
      if (meet(straight[i].getBoundingClientRect(), straight[j].getBoundingClientRect()))
        found.push(`${id}: "${straight[i].textContent}" and "${straight[j].textContent}" overlap`);
}
const luminance = color => { const c = color.match(/[0-9.]+/g).slice(0, 3).map(v => v / 255)
  .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]; };
const card = getComputedStyle(document.querySelector('figure')).backgroundColor, light = luminance(card);
for (const text of document.querySelectorAll('svg text:not(.on)')) {
  const ink = luminance(getComputedStyle(text).fill);
  const contrast = (Math.max(ink, light) + 0.05) / (Math.min(ink, light) + 0.05);
  if (contrast < 4.5) { found.push(`"${text.textContent}" has a contrast of ${contrast}`); break; }
}
parent.postMessage(JSON.stringify({width: innerWidth, drawings: document.querySelectorAll('svg').length, card, found}), '*');
</script>
"""


def browse(page, width, scheme, picture):
    """The document after its scripts have run; the picture is taken too."""
    command = [shutil.which("chromium"), "--headless=new", "--disable-gpu", "--hide-scrollbars", "--dump-dom",
               f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}", f"--window-size={max(width, LEAST_WINDOW)},{HEIGHT}",
               f"--screenshot={picture}", f"--user-data-dir={FOLDER}/profile", page.as_uri()]
    if os.geteuid() == 0:
        command.insert(1, "--no-sandbox")
    return subprocess.run(command, capture_output=True, text=True, timeout=300).stdout


def probe(page, width, scheme):
    """What is wrong with the page in this window."""
    tried = page.with_name("probed.html")
    tried.write_text(page.read_text().replace("</body>", PROBE.replace("LEAST", str(LEAST_TEXT)) + "</body>"))
    frame = page.with_name("frame.html")
    frame.write_text(FRAME.replace("WIDTH", str(width)).replace("HEIGHT", str(HEIGHT)))
    document = browse(frame, width, scheme, page.with_name(f"{page.stem}-{width}-{scheme}.png"))
    said = re.search(r'<pre id="probe"[^>]*>(.*?)</pre>', document, re.DOTALL)
    if not said:
        return ["the browser said nothing"]
    result = json.loads(said.group(1).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    wrong = result["found"]
    if result["width"] != width or result["drawings"] == 0:
        wrong.append(f"a window of {result['width']} with {result['drawings']} drawings")
    if (result["card"] == "rgb(255, 255, 255)") != (scheme == "light"):
        wrong.append(f"cards are {result['card']}")
    return [f"{page.stem}, {width} pixels, {scheme}: {text}" for text in wrong]


def prove(page):
    """A test that cannot fail tests nothing: what is planted must be found."""
    planted = {
        "leaves the drawing": ("</svg>", '<text x="400" y="20">far too long</text></svg>'),
        "overlap": ("</svg>", '<text x="9" y="50">this</text><text x="12" y="53">that</text></svg>'),
        "wide in a window": ("</main>", '<div style="width:3000px">wide</div></main>'),
        "pixels high": ("</svg>", '<text x="9" y="50" style="font-size:6px">tiny</text></svg>'),
    }
    copy = page.with_name("planted.html")
    text = page.read_text()
    for old, new in planted.values():
        text = text.replace(old, new, 1)
    copy.write_text(text)
    found = "\n".join(probe(copy, WIDTHS[0], "light"))
    missed = [what for what in planted if what not in found]
    if missed:
        sys.exit(f"report_page.py does not work: it misses {missed}: {found[:500]}")


def main():
    if not shutil.which("chromium"):
        print("skipped: chromium is not here")
        sys.exit(77)
    files = report_data.make(LOWBIT, FOLDER)
    count = report_data.many(files["gemm"], FOLDER / "many.json", 12)
    pages = {"report": list(files.values()), "many": [files["limits"], str(FOLDER / "many.json")],
             "networks": [files["network"], files["eval"], files["layers"]]}
    for name, words in pages.items():
        report_data.must_run(LOWBIT, "bench", "report", *words, "--html", str(FOLDER / f"{name}.html"))
    prove(FOLDER / "report.html")
    wrong = [text for name in pages for width in WIDTHS for scheme in SCHEMES
             for text in probe(FOLDER / f"{name}.html", width, scheme)]
    print("\n".join(wrong[:30]) or f"pages of up to {count} products fit; pictures in {FOLDER}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
