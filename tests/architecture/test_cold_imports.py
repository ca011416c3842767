"""The browser's door and the core open without the packages and modules that a browser lacks."""

from __future__ import annotations

import subprocess
import sys

import pytest

BLOCK = """
import sys

class Refuse:
    names = {names!r}
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.names:
            raise ImportError(f"{{name}} must not be imported here")

for name in list(sys.modules):
    if name.split(".")[0] in Refuse.names:
        del sys.modules[name]
sys.meta_path.insert(0, Refuse())
import {module}
"""
ABSENT_IN_BROWSER = ["psutil", "yaml", "jsonschema", "rich", "questionary", "prompt_toolkit", "subprocess", "socket", "_socket", "ssl"]


def run(module: str, names: list[str]) -> subprocess.CompletedProcess[str]:
    code = BLOCK.format(names=set(names), module=module)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("module", ["setupgen.web", "setupgen.engine.planning", "setupgen.knowledge"])
def test_the_browser_can_import(module):
    result = run(module, ABSENT_IN_BROWSER)
    assert result.returncode == 0, result.stderr


def test_the_core_needs_no_package_at_all():
    result = run("setupgen.engine.planning", [*ABSENT_IN_BROWSER, "jinja2", "markupsafe"])
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("heavy", ["rich", "questionary", "jsonschema", "yaml", "psutil", "jinja2", "importlib.metadata"])
def test_the_command_line_starts_without(heavy):
    code = f"import sys, setupgen.cli.main; sys.exit({heavy!r} in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, f"{heavy} is imported at start. {result.stderr}"


def test_the_blocker_blocks():
    assert "must not be imported" in run("jinja2", ["jinja2"]).stderr
