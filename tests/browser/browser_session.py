"""Runs `session.mjs`: scenarios in a real Chromium, on the built site below a path of its own."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from site_tools import ROOT, UNDER, served

HERE = Path(__file__).parent
BROWSER = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), "")


def run(site, folder, scenarios, given, *, timeout=3000):
    """Everything that was seen, as `session.mjs` writes it, is put into `folder/seen.json`."""
    if not BROWSER:
        pytest.fail("chromium is missing: sudo apt install chromium")
    node = shutil.which("node")
    if not node or not (ROOT / "node_modules/playwright-core").is_dir():
        pytest.fail("node or playwright-core is missing: sudo apt install nodejs npm, then npm ci")
    www = folder / "www"
    (www / UNDER).parent.mkdir(parents=True)
    (www / UNDER).symlink_to(site, target_is_directory=True)
    with served(www) as address:
        config = {
            "address": f"{address}/{UNDER}",
            "browser": BROWSER,
            "out": str(folder),
            "result": str(folder / "seen.json"),
            "run": scenarios,
            "given": given,
        }
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        command = [node, str(HERE / "session.mjs"), str(folder / "config.json")]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def read(folder):
    """What `run` saw."""
    return json.loads((folder / "seen.json").read_text("utf-8"))


def value(seen, scenario):
    """What a scenario gave back; its own failure fails the test."""
    result = seen["results"][scenario]
    assert "error" not in result, result.get("error")
    return result["value"]
