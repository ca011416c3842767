"""The real option parsers of servers that need a GPU or a Mac: their published wheels, read by a Python of their own and kept in `.cache/`.

A wheel is downloaded without what it depends on (gigabytes of CUDA), and only its Python files are kept. `read_options.py` builds the program's
own parser from them, in an environment that holds the few packages of `parsers.txt`. SETUPGEN_CACHE moves the cache.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llama_cpp import BuildError, cache

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
PLATFORMS = ("manylinux_2_34_x86_64", "manylinux_2_28_x86_64", "any")
HINT = "the network is needed once"


def said(server: str, version: str, lines: Sequence[Sequence[str]]) -> dict[str, Any]:
    """What a program's own parser makes of command lines.

    Args:
        server: ``vllm``, ``sglang`` or ``mlx-lm``.
        version: of its package.
        lines: words after the program's name, one list for each command line.

    Returns:
        ``options``, every spelling of every option, and ``errors``, for each line the parser's message, or `None` where it was accepted.

    Raises:
        BuildError: where a download fails.
    """
    words = [str(_python()), str(HERE / "read_options.py"), server, str(_package(server, version))]
    done = subprocess.run(words, input=json.dumps(lines), capture_output=True, text=True, timeout=300, check=False, cwd=cache())
    if done.returncode != 0:
        message = f"{server} {version} has no parser that can be read:\n{done.stderr[-4000:]}"
        raise BuildError(message)
    return json.loads(done.stdout)


def _python() -> Path:
    """A Python with the packages of `parsers.txt`."""
    wanted = HERE / "parsers.txt"
    folder = cache() / "parsers" / f"python-{sha256(wanted.read_bytes()).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(folder)], "no virtual environment could be made")
        _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(wanted)], HINT)
        (folder / "complete").touch()
    return python


def _package(server: str, version: str) -> Path:
    """The Python files of a server's wheel."""
    folder = cache() / "parsers" / f"{server}-{version}"
    if folder.is_dir():
        return folder
    download = cache() / "parsers" / "download"
    shutil.rmtree(download, ignore_errors=True)
    asked = ["--no-deps", "--only-binary", ":all:", "--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--abi", "abi3", "--abi", "none"]  # fmt: skip
    for platform in PLATFORMS:
        asked += ["--platform", platform]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", *asked]
    _run([*pip, "--dest", str(download), f"{server}=={version}"], HINT)
    (wheel,) = download.glob("*.whl")
    unpacked = folder.with_suffix(".new")
    shutil.rmtree(unpacked, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked, [name for name in archive.namelist() if name.endswith((".py", ".json", "METADATA"))])
    shutil.rmtree(download)
    unpacked.rename(folder)
    return folder


def _run(command: Sequence[str], problem: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        message = f"{' '.join(command[:6])} ... failed; {problem}.\n{done.stderr[-2000:]}"
        raise BuildError(message)
