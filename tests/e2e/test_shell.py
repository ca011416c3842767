"""run.sh of the target `shell`: one script starts a real llama-server, says when it is ready, and leaves nothing behind when it is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest
from setups import NATIVE, WAIT_S, written
from test_llama_server import QUESTION


@pytest.fixture
def shell(tmp_path, program, chat_model):
    """The folder with run.sh, and what starts it with the real program in the user's PATH."""
    options = ("--use-case", "chat", "--context", "8k", "--weights-file", str(chat_model), "--target", "shell")
    setup = written(tmp_path / "setup", program, *options, base=NATIVE)
    setup.port = setup.choice["settings"]["port"]
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "llama-server").symlink_to(program)
    environment = {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)}
    started = []

    def start(**more):
        log = (tmp_path / f"log{len(started)}").open("wb")
        process = subprocess.Popen(
            [setup.folder / "run.sh"],
            cwd=tmp_path,
            env=environment | more,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        started.append((process, log))
        return process, lambda: (tmp_path / log.name).read_text("utf-8", "replace")

    yield setup, start
    for process, log in started:
        if left(process):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)
        log.close()


def left(process) -> bool:
    """Whether anything that the script started still runs: it has a group of its own."""
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def until(condition, process, said):
    end = time.monotonic() + WAIT_S * 2
    while not condition():
        assert process.poll() is None, said()
        assert time.monotonic() < end, said()
        time.sleep(0.1)


@pytest.mark.target("shell", checker="llama-server", run=True, note="started by run.sh, it chats; nothing is left when that is stopped")
@pytest.mark.parametrize(("sign", "ends"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_the_script_starts_a_server_and_leaves_nothing(shell, sign, ends):
    setup, start = shell
    before = sorted(path.name for path in setup.folder.iterdir())
    assert setup.ask("/health").status == 0, f"something runs on port {setup.port}, which the files name"
    process, said = start()
    until(lambda: "Ready:" in said(), process, said)
    model = setup.choice["connection"]["model"]
    assert f"Ready: {model} at {setup.choice['connection']['base_url']}" in said()
    assert [item["id"] for item in setup.ask("/v1/models").json["data"]] == [model]
    answer = setup.ask("/v1/chat/completions", {"model": model, **QUESTION})
    assert answer.json["usage"]["completion_tokens"] == 8, answer.body

    other, refused = start()
    assert other.wait(60) == 1
    assert "something already answers" in refused()
    assert setup.ask("/health").status == 200

    # As a terminal does for Ctrl+C: the whole group is told.
    (os.killpg if sign == signal.SIGINT else os.kill)(process.pid, sign)
    assert process.wait(60) == ends
    end = time.monotonic() + WAIT_S
    while left(process):
        assert time.monotonic() < end, said()
        time.sleep(0.1)
    assert setup.ask("/health").status == 0
    assert sorted(path.name for path in setup.folder.iterdir()) == before


def test_a_server_that_ends_is_told_with_its_last_lines(shell):
    setup, start = shell
    (setup.folder / "override.args").write_text("--no-such-option\n", "utf-8")
    process, said = start()
    assert process.wait(60) == 1
    assert "no-such-option" in said()
    assert "the server has ended" in said()
