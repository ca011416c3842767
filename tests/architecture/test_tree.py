"""What no file of the tree may hold."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
REGISTRIES = ("pypi" + ".org", "npmjs" + ".com", "npmjs" + ".org", "files.python" + "hosted.org")


def test_packages_are_named_and_registries_are_not():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    assert len(listed) > 500
    found = []
    for name in filter(None, listed):
        path = ROOT / name
        text = path.read_text("utf-8", errors="ignore") if path.is_file() else ""
        found += [f"{name}: {host}" for host in REGISTRIES if host in text]
    assert not found
