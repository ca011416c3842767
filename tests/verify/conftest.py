"""A setup that `setupgen write` makes, a stub in the place of its server, and `setupgen verify` between them."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))

from cli_result import Result
from stub_server import Stub

from setupgen.cli.main import main


@pytest.fixture(scope="session", autouse=True)
def _fresh(fresh_pack):
    """The program under test knows what the tree says."""


@pytest.fixture
def run(capsys):
    """Runs a command."""

    def command(*arguments: str) -> Result:
        capsys.readouterr()
        code = main(list(arguments))
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return command


@dataclass
class Folder:
    """A written setup; its plan may be changed as no planner would."""

    path: Path

    @property
    def plan(self) -> dict[str, Any]:
        return json.loads((self.path / "setupgen.plan.json").read_text("utf-8"))

    def change(self, change) -> Folder:
        plan = self.plan
        change(plan)
        (self.path / "setupgen.plan.json").write_text(json.dumps(plan), "utf-8")
        return self

    @property
    def model(self) -> str:
        return self.plan["choice"]["connection"]["model"]

    @property
    def key(self) -> str:
        lines = (self.path / ".env").read_text("utf-8").splitlines()
        return next(line.split("=", 1)[1] for line in lines if line.startswith("LLAMA_API_KEY="))


NATIVE = (
    "--runtime",
    "native",
    "--os",
    "linux",
    "--hardware",
    "cpu",
    "--cpu",
    "AMD Ryzen 9 7950X",
    "--ram",
    "32G",
    "--server",
    "llama-cpp",
)
SMALL = ("--context", "4096")


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """Folders by the options that they were written with, each once."""
    made: dict[tuple[str, ...], Path] = {}

    def write(options: tuple[str, ...]) -> Path:
        if options not in made:
            path = tmp_path_factory.mktemp("written") / "setup"
            assert main(["write", str(path), *NATIVE, *options]) == 0
            made[options] = path
        return made[options]

    return write


@pytest.fixture
def folder_of(tmp_path, written):
    """A setup for a plain CPU, the test's own."""

    def make(*options: str) -> Folder:
        path = tmp_path / f"setup{len(list(tmp_path.iterdir()))}"
        shutil.copytree(written(options), path)
        return Folder(path)

    return make


@pytest.fixture
def chat(folder_of) -> Folder:
    return folder_of("--use-case", "chat", *SMALL)


@pytest.fixture
def stub_of():
    """Starts stubs, and stops them at the end."""
    made: list[Stub] = []

    def make(**named: Any) -> Stub:
        made.append(Stub(**named))
        return made[-1]

    yield make
    for stub in made:
        stub.stop()


@pytest.fixture
def verify(run):
    """Runs verify on a folder against a stub, with short time-outs; gives the document."""

    def command(folder: Folder, stub: Stub, *options: str, code: int | None = None) -> dict[str, Any]:
        found = run("verify", str(folder.path), "--url", stub.url, "--json", "--timeout", "5", "--budget", "60", *options)
        assert found.err == ""
        document = json.loads(found.out)
        assert found.code == (1 if document["verdict"] == "broken" else 0)
        assert code is None or found.code == code, [check for check in document["checks"] if check["status"] == "broken"]
        return document

    return command
