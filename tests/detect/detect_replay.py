"""A machine made of captures: a folder with what its tools printed and its files hold, in the place of the real one.

``manifest.json`` lists commands and files; long texts lie beside it. A command that is not listed is not installed, a file that is not
listed is not there. `*` at the end of a command stands for any further arguments.

Run as a program, it makes or refreshes captures; look at the difference by hand::

    python tests/detect/detect_replay.py NAME ...              # write expected.json of these machines again
    python tests/detect/detect_replay.py --report FILE NAME    # a new machine, from what `detect --json --raw` printed
"""

from __future__ import annotations

import fnmatch
import json
import sys
from pathlib import Path
from typing import Any

from setupgen.detect import detect
from setupgen.detect.run import LIMIT_S, Output, Record
from setupgen.facts import Unknown

CAPTURES = Path(__file__).parent / "captures"
MACHINES = sorted(path.parent.name for path in CAPTURES.glob("*/manifest.json"))


class Replay:
    """A captured machine, as a `Runner`."""

    def __init__(self, folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        self.platform: str = manifest["platform"]
        self.architecture: str = manifest["architecture"]
        self._folder = folder
        self._commands: list[dict[str, Any]] = manifest.get("commands", [])
        self._files: dict[str, Any] = manifest.get("files", {})
        self._numbers: dict[str, int] = manifest.get("numbers", {})
        self._features: list[str] | None = manifest.get("features")
        self._environment: dict[str, str] = manifest.get("environment", {})
        self._record = Record()
        self.asked: list[tuple[str, ...]] = []

    def run(self, *command: str, limit_s: float = LIMIT_S) -> Output | Unknown:
        self.asked.append(command)
        result = self._result(command, limit_s)
        self._record.keep(command[0], command, result)
        return result

    def _result(self, command: tuple[str, ...], limit_s: float) -> Output | Unknown:
        line = " ".join(command)
        for entry in self._commands:
            wanted: str = entry["command"]
            if line == wanted or (wanted.endswith("*") and line.startswith(wanted[:-1])):
                if entry.get("hangs"):
                    return Unknown(f"{command[0]}: timed out after {limit_s:g} s")
                return Output(command, entry.get("exit", 0), self._text(entry.get("stdout", "")), self._text(entry.get("stderr", "")))
        return Unknown(f"{command[0]}: not installed")

    def _text(self, value: str | dict[str, str]) -> str:
        """The text itself, or ``{"file": name}`` of one beside the manifest."""
        return value if isinstance(value, str) else (self._folder / value["file"]).read_bytes().decode("utf-8", "replace")

    def read(self, path: str, *, keep: bool = True) -> str | Unknown:
        if path not in self._files:
            return Unknown(f"{path}: not there")
        text = self._text(self._files[path])
        if keep:
            self._record.keep(path, ("read", path), text)
        return text

    def paths(self, pattern: str) -> list[str]:
        return sorted(path for path in self._files if fnmatch.fnmatchcase(path, pattern) and path.count("/") == pattern.count("/"))

    def number(self, name: str) -> int | Unknown:
        return self._numbers[name] if name in self._numbers else Unknown(f"{name}: the operating system does not tell")

    def features(self) -> list[str] | Unknown:
        return self._features if self._features is not None else Unknown("only Windows is asked this way")

    def environment(self, name: str) -> str:
        return self._environment.get(name, "")

    def raw(self) -> dict[str, dict[str, Any]]:
        return self._record.shown()


def manifest_of(report: dict[str, Any]) -> dict[str, Any]:
    """The manifest of a machine of which only a report is at hand."""
    linux = report["os"]["family"] == "linux"
    commands, files = [], {}
    for output in report["raw"].values():
        first, *rest = output["command"]
        if first == "read":
            files[rest[0]] = output["stdout"]
        elif isinstance(output["exit"], int):
            line = " ".join(output["command"])
            short = f"{first} *" if len(line) > 400 else line
            commands.append({"command": short, **{key: output[key] for key in ("exit", "stdout", "stderr") if output[key]}})
        elif "timed out" in output["exit"]["unknown"]:
            commands.append({"command": " ".join(output["command"]), "hangs": True})
    if "dmidecode" in str(report["memory"]["bandwidth_gb_s"]):
        files["/sys/firmware/dmi/tables/DMI"] = ""  # only root may read it, so the report lacks it
    numbers = {"disk_free": report["disk"]["free_bytes"]} | ({} if linux else {"memory_available": report["memory"]["available_bytes"]})
    return {
        "about": "say here what is special about this machine",
        "platform": {"linux": "linux", "macos": "darwin", "windows": "win32"}[report["os"]["family"]],
        "architecture": report["cpu"]["architecture"],
        "commands": commands,
        "files": files,
        "numbers": {key: value for key, value in numbers.items() if isinstance(value, int)},
    }


def main(arguments: list[str]) -> None:
    """Makes or refreshes captures."""
    if arguments[:1] == ["--report"]:
        _, report, *arguments = arguments
        folder = CAPTURES / arguments[0]
        folder.mkdir()
        manifest = manifest_of(json.loads(Path(report).read_text(encoding="utf-8")))
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    for name in arguments:
        text = json.dumps(detect(Replay(CAPTURES / name)), indent=1) + "\n"
        (CAPTURES / name / "expected.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
