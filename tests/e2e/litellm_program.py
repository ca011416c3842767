"""The real LiteLLM, installed once into a virtual environment of its own in `.cache/`.

`python tests/e2e/litellm_program.py` installs it and prints its path. SETUPGEN_CACHE moves the cache, SETUPGEN_LITELLM names a program that is
already there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from llama_cpp import BuildError, cache

VERSION = "1.109.1"
SHA256 = "1c8b4dd671fa0cd0850aa751678704ff77e595fb1e6085b2dc3be39ee19bdaaf"  # for Linux on x86_64: two releases of this package stole keys
PARTS = """
from importlib.metadata import requires
from pip._vendor.packaging.requirements import Requirement
for part in map(Requirement, requires("litellm")):
    if part.marker is None or part.marker.evaluate({"extra": "proxy"}):
        print(part.name if part.name == "certifi" else f"{part.name}{'[' + ','.join(part.extras) + ']' if part.extras else ''}{part.specifier}")
"""
LEFT_OUT = ("litellm-proxy-extras", "litellm-enterprise")
"""What only a database and a paid licence need."""


def litellm() -> Path:
    """The program `litellm`, installed if need be.

    Raises:
        BuildError: where it cannot be installed.
    """
    if named := os.environ.get("SETUPGEN_LITELLM"):
        return Path(named)
    folder = cache() / "litellm" / VERSION
    program = folder / "bin" / "litellm"
    if not (folder / "installed").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        sys.stderr.write(f"Installing LiteLLM {VERSION} into {folder}: a few minutes, once.\n")
        _run([sys.executable, "-m", "venv", str(folder)])
        wanted = folder / "requirements.txt"
        digest = f" --hash=sha256:{SHA256}" if sys.platform == "linux" and os.uname().machine == "x86_64" else ""
        wanted.write_text(f"litellm=={VERSION}{digest}\n", encoding="utf-8")
        pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--no-deps", "--requirement", str(wanted)])
        # By hand, since the newest certificates that it asks for may not have reached every index yet.
        parts = [part for part in _run([str(folder / "bin" / "python"), "-c", PARTS]).split() if not part.startswith(LEFT_OUT)]
        _run([*pip, *parts])
        (folder / "installed").touch()
    return program


def _run(command: list[str]) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.stderr.write(result.stderr[-4000:])
        message = f"LiteLLM {VERSION} cannot be installed; the network is needed once. See the messages above."
        raise BuildError(message)
    return result.stdout


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{litellm()}\n")
    except BuildError as error:
        sys.exit(str(error))
