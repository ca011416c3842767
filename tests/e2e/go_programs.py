"""llama-swap and Olla, which no package registry has: whoever has them puts them on the PATH, Olla with its `config/profiles` beside it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCES = {
    "llama-swap": ("https://github.com/mostlygeek/llama-swap/releases/tag/v250", ("llama-swap", "-version"), r"version: 250 "),
    "olla": ("https://github.com/thushan/olla/releases/tag/v0.0.28", ("olla", "--version"), r"v0\.0\.28"),
}


def proxy_program(id_: str) -> Path:
    """The program in the version that the templates pin."""
    where, command, version = SOURCES[id_]
    found = shutil.which(id_)
    if not found:
        pytest.fail(f"{id_} is missing: put it on the PATH. {where}", pytrace=False)
    said = subprocess.run([found, *command[1:]], capture_output=True, text=True, check=False, timeout=30)
    assert re.search(version, said.stdout + said.stderr), f"another version than {where}: {said.stdout}{said.stderr}"
    return Path(found)
