"""Prints how long the guide takes, and with --lighthouse what Lighthouse says of the kinds of pages."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
from itertools import product
from pathlib import Path

from benchmarks.guide.server import packed, served

ROOT = Path(__file__).parents[2]
SITE = ROOT / "site"
ENGINE = SITE / "assets/guide/engine"
RUNS = 3
AIM_MS = 100
LIGHTHOUSE = "12.8.2"
PAGES = ("", "learn/memory/", "setups/rtx-3090/chat/", "guide/")
LOOKS = {"desktop": ["--preset=desktop"], "phone": []}
"""What Lighthouse pretends to be; without a preset it is a phone with a slow processor on a slow network."""
PARTS = ("plan", "words", "files", "changes", "shown")
"""What an answer is made of; changes are computed when the reader asks for them; shown is a plan that is known already."""

BROWSER = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), "")


def main() -> None:
    """Print the tables."""
    if not (SITE / "guide/index.html").is_file():
        sys.exit("There is no built site: make site")
    if not BROWSER:
        sys.exit("chromium is missing: sudo apt install chromium")
    with served(SITE) as address:
        times(address)
        if "--lighthouse" in sys.argv:
            lighthouse(address)


def times(address: str) -> None:
    """How long a reader waits."""
    command = ["node", str(Path(__file__).parent / "measure.mjs"), address, BROWSER, str(RUNS)]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=1800, cwd=ROOT).stdout)
    print(f"The guide in Chromium, median of {RUNS} visits, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print(f"{'visit':<28}{'questions ms':>14}{'engine ms':>12}")
    for name in ("cold", "warm"):
        print(
            f"{name:<28}"
            + "".join(f"{statistics.median(run[key] for run in found[name]):>{w}.0f}" for key, w in (("form", 14), ("ready", 12)))
        )
    waits = sorted(found["answers"])
    p95 = waits[min(round(len(waits) * 0.95), len(waits) - 1)]
    print(
        f"\nanswer to plan, {len(waits)} changes: median {statistics.median(waits):.0f} ms, 95th percentile {p95:.0f} ms (aim {AIM_MS} ms)\n"
    )
    print(f"{'processor time, median ms':<28}{'worker':>14}{'page':>12}")
    for part in PARTS:
        print(
            f"{part:<28}"
            + "".join(f"{statistics.median(one[part][who] for one in found['parts']):>{w}.0f}" for who, w in (("worker", 14), ("page", 12)))
        )
    print(f"\n{'click to plan, pointed for':<28}{'median ms':>14}{'worst':>12}")
    for dwell, times in found["pointed"].items():
        print(f"{dwell + ' ms':<28}{statistics.median(times):>14.0f}{max(times):>12.0f}")
    print()
    files = {True: 0, False: 0}
    for path in ENGINE.rglob("*"):
        if path.is_file():
            form = path.name.startswith(("form", "manifest"))
            files[form] += len(packed(str(path))) if path.suffix != ".zip" else path.stat().st_size
    print(
        f"the page over the wire, first visit: {found['cold'][0]['bytes'] / 1e6:.2f} MB; the engine beside it: {files[False] / 1e6:.1f} MB compressed"
    )


def lighthouse(address: str) -> None:
    """The four scores of each page."""
    folder = ROOT / ".cache/lighthouse"
    program = folder / "node_modules/.bin/lighthouse"
    if not program.exists():
        install = [
            "npm",
            "install",
            "--prefix",
            str(folder),
            "--no-audit",
            "--no-fund",
            "--no-save",
            "--ignore-scripts",
            f"lighthouse@{LIGHTHOUSE}",
        ]
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(install, check=True, capture_output=True)
    print(f"\n{'Lighthouse ' + LIGHTHOUSE:<36}{'performance':>12}{'accessibility':>14}{'practices':>11}{'search':>8}")
    for page, look in product(PAGES, LOOKS):
        name = f"{page or 'index'}, {look}"
        command = [
            str(program), f"{address}/{page}", "--output=json", "--quiet", *LOOKS[look], "--max-wait-for-load=180000",
            "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900, env={**os.environ, "CHROME_PATH": BROWSER})
        if done.returncode:
            print(f"{name:<36}{done.stderr.strip().splitlines()[-1][:80]}")
            continue
        report = json.loads(done.stdout)
        scores = [report["categories"][key]["score"] for key in ("performance", "accessibility", "best-practices", "seo")]
        print(f"{name:<36}" + "".join(f"{'?' if s is None else round(s * 100):>{w}}" for s, w in zip(scores, (12, 14, 11, 8), strict=True)))
        for key, audit in report["audits"].items():
            if audit.get("score") == 0 and audit.get("scoreDisplayMode") == "binary":
                print(f"    {key}: {audit['title']}")
