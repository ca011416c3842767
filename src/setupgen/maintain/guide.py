"""Puts what the guide loads beside its scripts: Python for the browser, the engine's code, the knowledge base and the form.

Names carry a digest or a version, so that a browser never mixes the files of two releases; `manifest.json` says which belong together.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from setupgen.errors import UsageError
from setupgen.maintain.compile import write_pack
from setupgen.web import Engine

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = "docs/assets/guide/engine"
PYODIDE = "node_modules/pyodide"
RUNTIME = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
"""What of the npm package a browser loads."""

ROOMS = (
    "__init__",
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
"""Parts of setupgen that the page runs; `tests/architecture/test_imports.py` holds that they import nothing else."""

PACKAGES = ("jinja2", "markupsafe", "pyyaml")
EPOCH = (2026, 1, 1, 0, 0, 0)


def write_engine(root: Path) -> list[Path]:
    """Write everything that the guide loads for the tree at `root`; the paths.

    Raises:
        UsageError: where Pyodide's npm package is not installed.
    """
    package = root / PYODIDE
    if not (package / "package.json").is_file():
        raise UsageError("Pyodide is not installed.", place=str(package), hint="Run `make site`, or `npm ci` first.")
    version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    folder = root / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    python = folder / f"pyodide-{version}"
    python.mkdir(parents=True)
    for name in RUNTIME:
        shutil.copyfile(package / name, python / name)
    pack = write_pack(root).read_bytes()
    written = {
        "code": _named(folder, "setupgen", ".zip", code_archive(root)),
        "pack": _named(folder, "knowledge", ".jsonl", pack),
        "form": _named(folder, "form", ".json", Engine(pack.decode("ascii")).form().encode()),
    }
    counted = [python / name for name in ("pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")] + [
        written["code"],
        written["pack"],
    ]
    manifest = {
        **{name: path.name for name, path in written.items()},
        "python": f"{python.name}/",
        "bytes": sum(path.stat().st_size for path in counted),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return sorted(path for path in folder.rglob("*") if path.is_file())


def code_archive(root: Path) -> bytes:
    """The engine and the packages that it needs, as one zip archive that is the same for the same files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, path in sorted({**dict(_own(root)), **dict(_packages())}.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(entry, path.read_bytes())
    return target.getvalue()


def _own(root: Path) -> Iterator[tuple[str, Path]]:
    source = root / "src"
    for room in ROOMS:
        place = source / "setupgen" / room
        for path in place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")]:
            yield path.relative_to(source).as_posix(), path


def _packages() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for file in importlib.metadata.files(package) or ():
            if file.suffix == ".py" or "licen" in file.name.lower():
                yield file.as_posix(), Path(str(file.locate()))


def _named(folder: Path, name: str, suffix: str, content: bytes) -> Path:
    path = folder / f"{name}-{hashlib.sha256(content).hexdigest()[:12]}{suffix}"
    path.write_bytes(content)
    return path
