"""The only door to the machine: commands, files and a few numbers of the operating system.

Detectors get a `Runner` and nothing else, so that tests replay a folder of captures in its place. A tool that is missing, hangs, fails or
prints nonsense is an unknown value with its reason, never an exception.
"""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from setupgen.detect.text import clean, clean_block, first_line, without_identity
from setupgen.facts import Unknown

LIMIT_S = 5.0
DRIVER_LIMIT_S = 15.0  # where no program keeps eight cards awake, the driver starts them first
OUTPUT_LIMIT = 2 * 1024**2
_POSIX_FOLDERS = (
    "/usr/lib/wsl/lib",
    "/opt/rocm/bin",
    "/usr/sbin",
    "/sbin",
    "/usr/local/bin",
    "/opt/homebrew/bin",
    "/run/current-system/sw/bin",
)
_WINDOWS_FOLDERS = (r"System32", r"System32\WindowsPowerShell\v1.0")


@dataclass(frozen=True, slots=True)
class Output:
    """What a command printed and how it ended."""

    command: tuple[str, ...]
    exit: int
    stdout: str
    stderr: str

    @property
    def complaint(self) -> str:
        """The first thing it said, with errors first."""
        return first_line(self.stderr) or first_line(self.stdout)


class Runner(Protocol):
    """What detectors may ask of a machine.

    Attributes:
        platform: ``linux``, ``darwin`` or ``win32``.
        architecture: as the kernel calls it: ``x86_64``, ``aarch64``, ``arm64``, ``AMD64``.
    """

    platform: str
    architecture: str

    def run(self, *command: str, limit_s: float = LIMIT_S) -> Output | Unknown:
        """What a command printed, or why it could not be run."""

    def read(self, path: str, *, keep: bool = True) -> str | Unknown:
        """What a file holds, or why it cannot be read; `keep` puts it into `raw`."""

    def paths(self, pattern: str) -> list[str]:
        """Existing paths that match, sorted."""

    def number(self, name: str) -> int | Unknown:
        """``memory_total``, ``memory_available``, ``cores``, ``threads``, ``usable_threads``, ``disk_free``."""

    def features(self) -> list[str] | Unknown:
        """Instruction sets that the operating system itself reports."""

    def environment(self, name: str) -> str:
        """An environment variable, or nothing."""

    def raw(self) -> dict[str, dict[str, Any]]:
        """Everything that was run and read so far, cleaned, by tool."""


def answer(runner: Runner, *command: str, limit_s: float = LIMIT_S) -> str | Unknown:
    """What a command printed to stdout, provided that it succeeded and printed something."""
    output = runner.run(*command, limit_s=limit_s)
    if isinstance(output, Unknown):
        return output
    if output.exit != 0:
        said = f": {output.complaint}" if output.complaint else ""
        return Unknown(f"{command[0]}: failed with exit status {output.exit}{said}")
    return output.stdout if output.stdout.strip() else Unknown(f"{command[0]}: printed nothing")


def read_word(runner: Runner, path: str) -> str:
    """What a file of one line says, cleaned; empty where it cannot be read."""
    text = runner.read(path)
    return "" if isinstance(text, Unknown) else clean(text)


class Record:
    """Keeps what was run and read, for `--raw`."""

    def __init__(self) -> None:
        self._kept: list[tuple[str, tuple[str, ...], Output | str | Unknown]] = []

    def keep(self, name: str, command: tuple[str, ...], result: Output | str | Unknown) -> None:
        """Adds one result; it is cleaned only when somebody wants to see it."""
        self._kept.append((name, command, result))

    def shown(self) -> dict[str, dict[str, Any]]:
        """What was kept, in an order that does not depend on which tool was quicker; a tool's further runs get a number."""
        named: dict[str, dict[str, Any]] = {}
        for name, command, result in sorted(self._kept, key=lambda kept: kept[:2]):
            count = sum(key == name or key.startswith(f"{name} (") for key in named)
            named[f"{name} ({count + 1})" if count else name] = {"command": list(command), **_shown(result)}
        return named


def _shown(result: Output | str | Unknown) -> dict[str, Any]:
    if isinstance(result, Unknown):
        return {"exit": {"unknown": clean(result.reason)}, "stdout": "", "stderr": ""}
    code, stdout, stderr = (0, result, "") if isinstance(result, str) else (result.exit, result.stdout, result.stderr)
    return {"exit": code, "stdout": without_identity(clean_block(stdout)), "stderr": without_identity(clean_block(stderr))}


class Host:
    """This machine, as a `Runner`."""

    def __init__(self) -> None:
        self.platform = "linux" if sys.platform.startswith("linux") else sys.platform
        self.architecture = platform.machine()
        self._record = Record()

    def run(self, *command: str, limit_s: float = LIMIT_S) -> Output | Unknown:
        """What a command printed: no shell, no standard input, plain English, a time limit and a limit on what it may print."""
        result = self._run(command, limit_s)
        self._record.keep(command[0], command, result)
        return result

    def _run(self, command: tuple[str, ...], limit_s: float) -> Output | Unknown:
        program = self._find(command[0])
        if not program:
            return Unknown(f"{command[0]}: not installed")
        # `ollama --version` asks a server for its version too: port 9 answers nobody, so nothing leaves this host.
        environment = {**os.environ, "LC_ALL": "C", "LANG": "C", "NO_COLOR": "1", "OLLAMA_HOST": "127.0.0.1:9"}
        try:
            process = subprocess.Popen(
                [program, *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                start_new_session=os.name == "posix",
            )
        except (OSError, ValueError) as error:
            return Unknown(f"{command[0]}: cannot be started ({clean(str(error))})")
        readers = [_Reader(stream) for stream in (process.stdout, process.stderr) if stream]
        try:
            code = process.wait(timeout=limit_s)
        except subprocess.TimeoutExpired:
            _kill(process)
            for reader in readers:
                reader.text()
            return Unknown(f"{command[0]}: timed out after {limit_s:g} s")
        stdout, stderr = (reader.text() for reader in readers)
        return Output(command, code, stdout, stderr)

    def _find(self, name: str) -> str:
        """The program in `PATH` or in a few well-known folders, never in the current folder."""
        folders = [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if Path(folder).is_absolute()]
        suffix = ""
        if self.platform == "win32":
            root = Path(os.environ.get("SYSTEMROOT", r"C:\Windows"))
            folders += [str(root / folder) for folder in _WINDOWS_FOLDERS]
            suffix = ".exe"
        else:
            folders += _POSIX_FOLDERS
        for folder in folders:
            path = Path(folder) / f"{name}{suffix}"
            with contextlib.suppress(OSError):
                if path.is_file() and os.access(path, os.X_OK):
                    return str(path)
        return ""

    def read(self, path: str, *, keep: bool = True) -> str | Unknown:
        """The start of a file, as text."""
        result: str | Unknown
        try:
            with Path(path).open("rb") as file:
                result = file.read(OUTPUT_LIMIT).decode("utf-8", "replace")
        except PermissionError:
            result = Unknown(f"{path}: needs root")
        except OSError:
            result = Unknown(f"{path}: not there")
        if keep and not isinstance(result, Unknown):
            self._record.keep(path, ("read", path), result)
        return result

    def paths(self, pattern: str) -> list[str]:
        """Existing paths that match, sorted."""
        try:
            return sorted(map(str, Path("/").glob(pattern.lstrip("/"))))
        except OSError:
            return []

    def number(self, name: str) -> int | Unknown:
        """A number of the operating system, by way of psutil."""
        try:
            value = _number(name)
        except Exception as error:  # noqa: BLE001 - psutil fails in a dozen ways inside containers and sandboxes
            return Unknown(f"{name}: the operating system does not tell ({clean(type(error).__name__)})")
        return value if value is not None else Unknown(f"{name}: the operating system does not tell")

    def features(self) -> list[str] | Unknown:
        """Instruction sets that Windows reports; other systems have files and tools for it."""
        if self.platform != "win32":
            return Unknown("only Windows is asked this way")
        import ctypes

        present = getattr(ctypes, "windll").kernel32.IsProcessorFeaturePresent  # noqa: B009 - other systems' type stubs lack it
        # winnt.h: PF_AVX_INSTRUCTIONS_AVAILABLE 39, PF_AVX2 40, PF_AVX512F 41, PF_ARM_NEON 19, PF_ARM_V82_DP 43.
        numbers = {"avx": 39, "avx2": 40, "avx512f": 41, "neon": 19, "dotprod": 43}
        return [feature for feature, number in numbers.items() if present(number)]

    def environment(self, name: str) -> str:
        """An environment variable, or nothing."""
        return os.environ.get(name, "")

    def raw(self) -> dict[str, dict[str, Any]]:
        """Everything that was run and read so far."""
        return self._record.shown()


class _Reader(threading.Thread):
    """Reads a pipe to its end, keeps the first part of it and cannot block the program at exit."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._kept = bytearray()
        self.start()

    def run(self) -> None:
        """Reads until the pipe is closed."""
        with contextlib.suppress(OSError, ValueError), self._stream:
            while chunk := self._stream.read(65_536):
                self._kept += chunk[: OUTPUT_LIMIT - len(self._kept)]

    def text(self) -> str:
        """What came, once the pipe is closed or a second has passed (a child of the tool may hold it open)."""
        self.join(timeout=1)
        return bytes(self._kept).decode("utf-8", "replace")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the process and what it started; one that is stuck in a driver is left behind."""
    with contextlib.suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=0.5)


def _number(name: str) -> int | None:
    import psutil

    if name == "memory_total":
        return int(psutil.virtual_memory().total)
    if name == "memory_available":
        return int(psutil.virtual_memory().available)
    if name == "cores":
        return psutil.cpu_count(logical=False)
    if name == "threads":
        return psutil.cpu_count(logical=True)
    if name == "usable_threads":
        return len(os.sched_getaffinity(0)) if sys.platform.startswith("linux") else os.cpu_count()
    if name == "disk_free":
        return int(psutil.disk_usage(_models_folder()).free)
    return None


def _models_folder() -> str:
    """The folder whose disk receives downloaded models: where Ollama or Hugging Face were told to put them, else the home folder."""
    candidates = [
        os.environ.get("OLLAMA_MODELS", ""),
        os.environ.get("HF_HOME", ""),
        os.environ.get("XDG_CACHE_HOME", ""),
        str(Path.home()),
    ]
    return next((folder for folder in candidates if folder and Path(folder).is_dir()), str(Path.home().anchor or os.sep))
