"""Which program judged which target: tests say it by a marker, and what passed becomes the table in docs/reference/targets.md.

    @pytest.mark.target("compose", checker="dclint", version=("npx", "--no-install", "dclint", "--version"))
    def test_the_linter_accepts_every_file(...): ...

    @pytest.mark.target("llama-cpp", checker="llama-server", run=True, note="chats, streams and asks for the key")
    def test_it_answers(...): ...

The first argument is a folder of templates/ or a server of knowledge/servers/, or a list of them; write it as a literal, since the test of the
table reads the source. `checker` is the program (or published schema) that judged the generated files, `run=True` says that the program the
files are for was started from them, `note` is what that showed, in a few words without a full stop. `version` is text, or the command that
prints it. Whole modules: `pytestmark = pytest.mark.target(...)`. `by_hand=True` stands at tests of tests/e2e/by_hand, whose programs no package
registry has: only who has the program runs them, and the day on which they last passed is written beside the result.

`SETUPGEN_UPDATE_TARGETS=1 pytest ...` writes what passed to templates/checked.json: entries of tests that did not run are kept while
their marker is there, those of tests that failed go. A target that nothing can judge says why in its template.yaml: `unchecked: ...`.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "templates" / "checked.json"
UPDATE = os.environ.get("SETUPGEN_UPDATE_TARGETS") == "1"
MARKER = "target(id, *, checker, run=False, note='', version='', by_hand=False): a program judges the files of this target; see tests/target_checks.py"

PLUGINS = [f"/usr/{part}/docker/cli-plugins" for part in ("libexec", "local/libexec", "lib", "local/lib")]
PLACES = ("/usr/libexec/podman", "/usr/lib/podman", *PLUGINS, str(ROOT / ".cache/quadlet"), str(ROOT / ".cache/docker-compose"))
"""Where programs lie that no PATH names."""

_PROPERTY = "target-check"
_VERSION = re.compile(r"\d+(?:\.\d+)+(?:[-+.\w]*\w)?")


def check(id_, *, checker, run=False, note="", version="", by_hand=False):
    """The entries that one marker stands for; its signature is the marker's."""
    ids = [id_] if isinstance(id_, str) else list(id_)
    entry = {"checker": checker, "run": run, "note": note, "version": version} | ({"by_hand": _today()} if by_hand else {})
    return [entry | {"target": each} for each in ids]


def _today():
    return datetime.now(tz=UTC).date().isoformat()


def pytest_configure(config):
    config.addinivalue_line("markers", MARKER)


def pytest_runtest_setup(item):
    """Each marker goes into the report, which also a worker of pytest-xdist sends on."""
    place = Path(str(item.path)).relative_to(ROOT).as_posix()
    entries = [entry | {"test": place} for mark in item.iter_markers("target") for entry in check(*mark.args, **mark.kwargs)]
    if entries:
        item.user_properties.append((_PROPERTY, entries))


def pytest_sessionfinish(session):
    if not UPDATE or hasattr(session.config, "workerinput"):
        return
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    outcomes = {kind: [*_entries(reporter.stats.get(kind, ()))] for kind in ("passed", "failed", "error")}
    failed = {key(entry) for kind in ("failed", "error") for entry in outcomes[kind]}
    passed = {key(entry): entry for entry in outcomes["passed"] if key(entry) not in failed}
    known = {key(entry): entry for entry in read() if key(entry) in marked()}
    found = known | {id_: entry | {"version": _version(entry["version"])} for id_, entry in passed.items()}
    kept = [found[id_] for id_ in sorted(found) if id_ not in failed]
    RESULTS.write_text(json.dumps(kept, ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")


def _entries(reports):
    for report in reports:
        if getattr(report, "when", "") == "call" or report.outcome == "failed":
            for name, entries in report.user_properties:
                if name == _PROPERTY:
                    yield from entries


def key(entry):
    """What tells two checks apart."""
    return (entry["target"], entry["checker"], entry["note"], entry["test"])


def read():
    """What passed when the file was last written."""
    return json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else []


def marked():
    """Every check that the source of a test promises, by `key`; a marker that is not written as a literal is an error."""
    found = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.target":
                named = {word.arg: _literal(word.value) for word in node.keywords}
                for entry in check(ast.literal_eval(node.args[0]), **named):
                    entry["test"] = path.relative_to(ROOT).as_posix()
                    found[key(entry)] = entry
    return found


def _literal(node):
    """The value, where it is written out; a version may be computed."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ""


def _version(version):
    """The version as text: what the command prints, cut to the number in it."""
    if isinstance(version, str):
        return version
    path = ":".join((str(ROOT / ".venv/bin"), os.environ["PATH"], *PLACES))
    environment = os.environ | {"PATH": path}
    program = shutil.which(version[0], path=path) or version[0]
    done = subprocess.run([program, *version[1:]], capture_output=True, text=True, timeout=60, check=False, cwd=ROOT, env=environment)
    found = _VERSION.search(done.stdout + done.stderr)
    if not found:
        pytest.fail(f"{' '.join(version)} prints no version: {done.stdout}{done.stderr}", pytrace=False)
    return found[0]
