"""Which way imports may point. The table is the documentation; the syntax trees are walked, so that no import can hide in a function."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from setupgen.maintain.guide import ROOMS

SOURCE = Path(__file__).parents[2] / "src" / "setupgen"

CORE = {"architecture", "headers", "knowledge", "records", "facts", "errors", "names", "words", "written"}
STANDARD = sys.stdlib_module_names

# Room -> the rooms that it may import, and the third-party packages. "engine.plan" allows that module alone.
MAY_IMPORT: dict[str, tuple[set[str], set[str]]] = {
    "names": (set(), set()),
    "words": (set(), set()),
    "headers": (set(), set()),
    "written": ({""}, set()),
    "strict_yaml": ({"errors"}, {"yaml"}),
    "errors": ({"names"}, set()),
    "facts": ({"errors"}, set()),
    "architecture": (set(), set()),
    "records": ({"architecture", "facts", "errors"}, set()),
    "knowledge": ({"architecture", "records", "facts", "errors", "names"}, set()),
    "engine": (CORE, set()),
    "render": ({"engine.plan", "engine.conditions", "", *CORE}, {"jinja2"}),
    "output": ({"engine.plan", "facts", "errors", "words", "written", ""}, {"rich"}),
    "verify": ({"engine.plan", "facts", "errors"}, set()),
    "detect": ({"facts", "errors"}, {"psutil"}),
    "doctor": ({"facts", "errors", "names"}, {"yaml"}),
    "metadata": ({"errors"}, set()),
    "web": ({"render", "engine", "strict_yaml", *CORE}, set()),
    "maintain": ({"render", "engine", "web", "metadata", "strict_yaml", *CORE, ""}, {"yaml", "jsonschema"}),
    "cli": (
        {"detect", "doctor", "metadata", "output", "verify", "render", "engine", "maintain", "web", "strict_yaml", *CORE, ""},
        {"rich", "questionary", "prompt_toolkit", "yaml"},
    ),
    "__main__": ({"cli"}, set()),
    "": (set(), set()),  # setupgen/__init__.py itself
}
PURE = (
    "architecture",
    "engine",
    "errors",
    "facts",
    "headers",
    "knowledge",
    "names",
    "records",
    "render",
    "strict_yaml",
    "web",
    "words",
    "written",
)
NOT_PURE = {
    "subprocess",
    "socket",
    "urllib.request",
    "http",
    "tempfile",
    "shutil",
    "random",
    "time",
    "datetime",
    "os",
    "platform",
    "ctypes",
}


def modules() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py"))


def room_of(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


def imported(path: Path) -> list[tuple[int, str]]:
    """Line and full name of every import, but those for type checking only, which do not run."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {id(node) for block in ast.walk(tree) if _is_for_types(block) for statement in block.body for node in ast.walk(statement)}
    found = []
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative imports hide where they point"
            if node.module in {"setupgen", "setupgen.engine"}:
                found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
            else:
                found.append((node.lineno, node.module or ""))
    return found


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_imports_point_the_right_way(path):
    room = room_of(path)
    assert room in MAY_IMPORT, f"{room} is a new room: give it a line in the table and in the design"
    rooms, packages = MAY_IMPORT[room]
    for line, name in imported(path):
        first, _, rest = name.partition(".")
        place = f"{path.relative_to(SOURCE)}:{line} imports {name}"
        if first == "setupgen":
            target = rest.split(".", 1)[0] if rest and not rest.startswith("__") else ""
            allowed = (
                target == room or target in rooms or any(rest == entry or rest.startswith(f"{entry}.") for entry in rooms if "." in entry)
            )
            assert allowed, f"{place}, which {room or 'setupgen/__init__'} may not"
        elif first != "__future__" and first not in STANDARD:
            assert first in packages, f"{place}: {room} may use {sorted(packages) or 'the standard library only'}"


@pytest.mark.parametrize(
    "path", [path for path in modules() if room_of(path) in PURE], ids=lambda path: path.relative_to(SOURCE).as_posix()
)
def test_pure_rooms_touch_nothing_outside(path):
    for line, name in imported(path):
        assert not {name, name.split(".")[0]} & NOT_PURE, f"{path.relative_to(SOURCE)}:{line} imports {name}; {room_of(path)} is pure"


def test_no_room_is_in_the_table_that_is_not_built():
    built = {room_of(path) for path in modules()}
    assert set(MAY_IMPORT) <= built | {"__main__", "web", "output", "verify", "detect"}


LONGEST = 450


def test_files_are_short_enough_to_read():
    root = Path(__file__).parents[2]
    paths = [*modules(), *(root / "tests").rglob("*.py"), *(root / "benchmarks").rglob("*.py")]
    long = {str(path.relative_to(root)): lines for path in paths if (lines := path.read_text(encoding="utf-8").count("\n")) > LONGEST}
    assert long == {}, "split by subject"


def test_the_page_has_all_that_is_pure():
    assert {*PURE, "__init__"} == set(ROOMS)
