"""The booklet, built once into a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from setupgen.maintain.pages import write_pages

ROOT = Path(__file__).parents[2]
BUILT_FROM = ("docs", "knowledge", "templates", "mkdocs.yml", "src")


@pytest.fixture(scope="session")
def source(tmp_path_factory) -> Path:
    """A copy of what the site is built from, with generated pages: the working tree stays as it is."""
    root = tmp_path_factory.mktemp("booklet")
    for name in BUILT_FROM:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, root / name, ignore=shutil.ignore_patterns("__pycache__", "reference", "_data"))
        else:
            shutil.copy(path, root / name)
    write_pages(root)
    return root


@pytest.fixture(scope="session")
def site(source) -> Path:
    """The built site. Warnings are errors, as in `make site`."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    result = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "WARNING" not in result.stdout + result.stderr
    return source / "site"
