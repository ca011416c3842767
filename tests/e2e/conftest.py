"""A real llama-server, a model of a few megabytes, and setups that `setupgen write` makes for them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from llama_cpp import BuildError, llama_server
from proxies import proxy_of, servers
from setups import Setup, written
from tiny_gguf import write_tiny

__all__ = ["proxy_of", "servers"]  # fixtures that several files use


@pytest.fixture(scope="session", autouse=True)
def _fresh(fresh_pack):
    """The program under test knows what the tree says."""


@pytest.fixture(scope="session")
def program() -> Path:
    """The real llama-server."""
    try:
        return llama_server()
    except BuildError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def chat_model(tmp_path_factory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("model") / "tiny chat.gguf")


@pytest.fixture(scope="session")
def embedding_model(tmp_path_factory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("model") / "tiny-embedding.gguf", embeds=True)


@pytest.fixture
def setup_of(tmp_path, program):
    """Writes a native setup for a plain CPU with these options; what it started is stopped at the end."""
    made: list[Setup] = []

    def make(*options: str, **named) -> Setup:
        setup = written(tmp_path / f"setup{len(made)}", program, *options, **named)
        made.append(setup)
        return setup

    yield make
    for setup in made:
        setup.stop()


def pytest_terminal_summary(terminalreporter):
    """What setupgen computed beside what the real program did, from the tests that recorded it."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, ()) if report.when == "call"]
    found = [item for report in reports for item in report.user_properties]
    memory = [values for name, values in found if name == "memory"]
    if memory:
        terminalreporter.section("largest errors of memory, against what llama.cpp reserves")
        heads = ("architecture", "model", "quant", "runs", "weights", "cache", "compute", "total", "median")
        terminalreporter.write_line("{:14} {:40} {:7}{:>5}{:>9}{:>9}{:>9}{:>9}{:>9}".format(*heads))
        for values in sorted(memory):
            terminalreporter.write_line("{:14} {:40} {:7}{:5}{:9.2%}{:9.2%}{:9.2%}{:9.2%}{:9.2%}".format(*values))
