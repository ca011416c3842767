"""Runs `setupgen fleet` in this process, for tests of it."""

import contextlib
import io
import json
from pathlib import Path

from cli_result import Result

from setupgen.cli.main import main

FLEETS = Path(__file__).parents[1] / "fleets"


def run(*arguments):
    """Runs the command line in this process."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = main(list(arguments))
    return Result(code, out.getvalue(), err.getvalue())


TWO = """\
hosts:
  - {name: gaming, address: "http://192.168.1.10:11434", hardware: rtx-4090, ram: 64G}
  - {name: oldbox, address: "http://192.168.1.11:11434", hardware: rtx-3060-12gb, ram: 32G}
  - {name: mini, address: "http://192.168.1.12:11434", hardware: cpu, ram: 32G}
needs:
  - {use_case: chat, users: 4}
proxy: hops
"""


def planned(path, *more, code=0):
    result = run("fleet", path, "--json", *more)
    assert result.code == code, result.err
    return json.loads(result.out)


def refused(inventory, text):
    """What stderr says, line by line."""
    result = run("fleet", inventory(text), "--json")
    assert (result.code, result.out) == (2, ""), result
    return result.err.removeprefix("setupgen: ").splitlines()
