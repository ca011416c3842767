"""`setupgen fleet init` and `setupgen fleet add`: the inventory that they write, and what they refuse."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time

import pytest
import yaml
from test_facts_file import FACTS

from setupgen.cli.inventory_text import with_host
from setupgen.strict_yaml import parse, scalar

NEEDS = "needs:\n- {use_case: chat, users: 2}  # all of us\n"
TOWER = 'name: tower, address: "http://10.0.0.5:8000", hardware: rtx-3090'


@pytest.fixture
def facts(tmp_path):
    """Facts of a host, in a folder of their own."""
    (tmp_path / "found").mkdir()
    (tmp_path / "found" / "mini.json").write_text(json.dumps(FACTS), encoding="utf-8")
    return "found/mini.json"


# -------------------------------------------------------------------------------------------------------- add

SHAPES = {
    "block": "hosts:\n  - name: tower\n    address: http://10.0.0.5:8000\n    hardware: rtx-3090  # the old one\n    # no more cards fit\n\n",
    "no indent": "hosts:\n- name: tower\n  hardware: rtx-3090\n  address: 'http://10.0.0.5:8000'\n# the end\n",
    "lines of one host": f"hosts:\n    -   {{{TOWER}}}  # the old one\n    # more to come\n",
    "a list on one line": f"hosts: [{{{TOWER}}}]  # all\n",
    "a list on several lines": f"hosts: [\n  {{{TOWER}}},  # the old one\n]\n",
    "a list inside": "hosts:\n  -\n    name: tower\n    address: http://10.0.0.5:8000\n    hardware:\n    - rtx-3090\n    - rtx-3090\n\n",
    "a long text": "hosts:\n  - address: http://10.0.0.5:8000\n    hardware: rtx-3090\n    name: >-\n      tower\n\n",
    "an empty list": "hosts: []  # none yet\n",
    "nothing": "hosts:  # none yet\n",
    "null": "hosts: null\n",
}


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("order", ["before", "after", "cut off"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_host_is_added_and_nothing_else_changes(shape, order, end):
    text = {"before": NEEDS + SHAPES[shape], "after": SHAPES[shape] + NEEDS, "cut off": (NEEDS + SHAPES[shape]).rstrip()}[order]
    text = text.replace("\n", end)
    made = with_host(text, {"name": "mini", "address": "http://mini:8000"}, "fleet.yaml", maximum=10**6)
    before, after = parse(text, "x").data, parse(made, "x").data
    assert after == {**before, "hosts": [*(before["hosts"] or []), {"name": "mini", "address": "http://mini:8000"}]}
    assert made.count("#") == text.count("#")
    assert made.count("\r") == (made.count("\n") if end == "\r\n" else 0)
    if shape not in {"null", "an empty list"} and "a list on" not in shape:
        lines = iter(made.splitlines())
        assert all(line in lines for line in text.splitlines()), "every line is there, in its order"


def test_a_file_without_hosts_gets_them():
    made = with_host(NEEDS, {"name": "mini"}, "fleet.yaml", maximum=10**6)
    assert made == NEEDS + "hosts:\n  - {name: mini}\n"


@pytest.mark.parametrize("value", ["on", "y", "12", "1e3", "null", "a: b", "a #b", "", "x, y", 'q"\\', "~", "é", "2x RTX 4090", "RTX 3090"])
def test_texts_read_back_as_themselves(value):
    assert parse(f"[{scalar(value)}]", "x").data == [value]


def test_what_detect_found_becomes_a_host(run, tmp_path, facts):
    (tmp_path / "lists").mkdir()
    path = tmp_path / "lists" / "fleet.yaml"
    path.write_text(f"# mine\nhosts:\n  - {{{TOWER}}}\n{NEEDS}", encoding="utf-8")
    path.chmod(0o640)
    result = run("fleet", "add", "lists/fleet.yaml", facts)
    assert (result.code, result.out) == (0, "lists/fleet.yaml: mini added at http://mini:8000.\n")
    assert "The address is taken from the name" in result.err
    added = '  - {name: mini, address: "http://mini:8000", facts: "../found/mini.json"}\n'
    assert path.read_text("utf-8") == f"# mine\nhosts:\n  - {{{TOWER}}}\n{added}{NEEDS}"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [file.name for file in (tmp_path / "lists").iterdir()] == ["fleet.yaml"]
    planned = run("fleet", "lists/fleet.yaml", "--json").json
    assert {item["host"] for item in planned["placements"]} | set(planned["idle_hosts"]) == {"tower", "mini"}


def test_a_link_stays_a_link(run, tmp_path, facts):
    (tmp_path / "real.yaml").write_text(f"hosts: []\n{NEEDS}", encoding="utf-8")
    (tmp_path / "fleet.yaml").symlink_to("real.yaml")
    assert run("fleet", "add", "fleet.yaml", facts, "--address", "http://10.0.0.9:1").err == ""
    assert (tmp_path / "fleet.yaml").is_symlink()
    assert parse((tmp_path / "real.yaml").read_text("utf-8"), "x").data["hosts"][0]["name"] == "mini"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--name", "Tower"), ("--name", "taken already", "fleet.yaml, line 2")),
        (("--address", "HTTP://10.0.0.5:8000/"), ("--address", "taken already", "fleet.yaml, line 2")),
        (("--name", ""), ("--name", "letters, digits and dashes")),
        (("--address", "ftp://x"), ("--address", "is not an address")),
        (("--address", "http://me:secret@x:1"), ("--address", "no user name")),
    ],
)
def test_hosts_that_cannot_be_are_refused(run, tmp_path, facts, options, words):
    text = f"hosts:\n  - {{{TOWER}}}\n{NEEDS}"
    (tmp_path / "fleet.yaml").write_text(text, encoding="utf-8")
    result = run("fleet", "add", "fleet.yaml", facts, *options)
    assert (result.code, result.out) == (2, "")
    for word in words:
        assert word in result.err
    assert "nothing says what hardware" not in result.err
    assert (tmp_path / "fleet.yaml").read_text("utf-8") == text


def test_files_that_are_none_are_refused(run, tmp_path, facts):
    (tmp_path / "fleet.yaml").write_text("hosts: 3\n", encoding="utf-8")
    run("fleet", "add", "fleet.yaml", facts).refused("fleet.yaml", "hosts and needs")
    run("fleet", "add", "none.yaml", facts).refused("none.yaml", "cannot be read")
    run("fleet", "add", "fleet.yaml", "none.json").refused("none.json", "cannot be read")
    run("fleet", "add", "fleet.yaml", "fleet.yaml").refused("not JSON", "setupgen detect --json")
    (tmp_path / "fleet.yaml").write_text("{needs: [{use_case: chat}]}\n", encoding="utf-8")
    run("fleet", "add", "fleet.yaml", facts).refused("as the file is written", "Add this entry yourself: {name: mini")
    run("fleet", "add").refused("INVENTORY, FACTS", "setupgen fleet add --help")


def test_other_faults_of_the_inventory_are_told_and_it_stays(run, tmp_path, facts):
    text = "hosts: []\nneeds: [{use_case: flying}]\n"
    (tmp_path / "fleet.yaml").write_text(text, encoding="utf-8")
    run("fleet", "add", "fleet.yaml", facts).refused("fleet.yaml, line 2", "flying")
    assert (tmp_path / "fleet.yaml").read_text("utf-8") == text


# ------------------------------------------------------------------------------------------------------- init

HOSTS = ("--host", "tower=RTX 3090@http://10.0.0.5:11434", "--host", "mac=Apple M2 Max 64GB@http://mac:11434")


def test_an_inventory_from_options(run, tmp_path, valid):
    result = run("fleet", "init", *HOSTS, "--need", "chat:3", "--need", "embeddings")
    assert (result.code, result.out, result.err) == (0, "fleet.yaml: 2 hosts and 2 needs.\n", "")
    text = (tmp_path / "fleet.yaml").read_text("utf-8")
    assert valid("inventory", yaml.safe_load(text)) == {
        "hosts": [
            {"name": "tower", "address": "http://10.0.0.5:11434", "hardware": "RTX 3090"},
            {"name": "mac", "address": "http://mac:11434", "hardware": "Apple M2 Max 64GB"},
        ],
        "needs": [{"use_case": "chat", "users": 3}, {"use_case": "embeddings", "users": 1}],
        "proxy": "auto",
    }
    assert run("fleet", "fleet.yaml").code == 0


def test_what_its_comments_offer_can_be_stated(run, tmp_path, valid):
    run("fleet", "init", *HOSTS[:2], "--need", "chat")
    text = (tmp_path / "fleet.yaml").read_text("utf-8")
    text = text.replace("# clients:", "clients:").replace("# expose:", "expose:")
    keys = (
        'ram: 64G, os: linux, runtime: native, link: wifi, availability: "08:00-18:00", preemptible: true, usd_per_hour: 0.4, tags: [office],'
        " headers: {Authorization: {env: NAME}}"
    )
    for key in keys.replace("linux", "windows").split(", "):
        assert key in text, key
    (tmp_path / "fleet.yaml").write_text(text.replace("hardware: RTX 3090", f"hardware: RTX 3090, {keys}"), encoding="utf-8")
    valid("inventory", yaml.safe_load((tmp_path / "fleet.yaml").read_text("utf-8")))
    assert "line" not in run("fleet", "fleet.yaml").err


def test_a_file_that_is_there_stays(run, tmp_path):
    (tmp_path / "fleet.yaml").write_text("mine", encoding="utf-8")
    (tmp_path / "gone.yaml").symlink_to("nowhere")
    for name in ((), ("gone.yaml",)):
        run("fleet", "init", *name, *HOSTS, "--need", "chat").refused("is there already", code=3)
    assert (tmp_path / "fleet.yaml").read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), ("--host and --need", "NAME=HARDWARE@ADDRESS")),
        (HOSTS, ("--need must be given",)),
        (("--host", "tower", "--need", "chat"), ("--host", "'tower' is not NAME=HARDWARE@ADDRESS")),
        ((*HOSTS, "--need", "chat:many"), ("--need", "'chat:many' is not USE_CASE[:USERS]")),
        ((*HOSTS, "--need", "chat:0"), ("--need 'chat:0': users", "at least 1")),
        ((*HOSTS, "--need", "flying"), ("--need 'flying'", "unknown use case")),
        ((*HOSTS, *HOSTS[:2], "--need", "chat"), ("--host", "name", "comes twice")),
        (("--host", "a=gtx-99999@http://a:1", "--need", "chat"), ("--host 'a=gtx-99999@http://a:1', hardware", "gtx-99999")),
        (("--host", "a=cpu@http://u:p@b:1", "--need", "chat"), ("hardware", "cpu@http://u:p")),
    ],
)
def test_options_that_make_no_inventory(run, tmp_path, options, words):
    result = run("fleet", "init", *options)
    assert (result.code, result.out) == (2, "")
    for word in words:
        assert word in result.err, result.err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(run):
    run("fleet", "init", "none/fleet.yaml", *HOSTS, "--need", "chat").refused("none/fleet.yaml", "cannot be written", code=1)


class Terminal:
    """A program on a terminal: waits for words on the screen, then types."""

    def __init__(self, folder, *arguments):
        own, theirs = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40", "PROMPT_TOOLKIT_NO_CPR": "1"}
        command = [sys.executable, "-m", "setupgen", *arguments]
        self.process = subprocess.Popen(command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
        os.close(theirs)
        self.own = own
        self.seen = ""

    def answer(self, question, keys):
        end = time.monotonic() + 60
        while question not in self.seen:
            assert time.monotonic() < end, f"no {question!r} in {self.seen[-2000:]!r}"
            if select.select([self.own], [], [], 1)[0]:
                self.seen += os.read(self.own, 65536).decode(errors="replace")
        self.seen = self.seen.split(question, 1)[1]
        os.write(self.own, keys.encode())

    def ends(self):
        end = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < end:
            if select.select([self.own], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self.own, 65536).decode(errors="replace")
                except OSError:  # the other side is closed
                    break
        code = self.process.wait(timeout=30)
        os.close(self.own)
        return code


def test_it_asks_on_a_terminal(tmp_path):
    terminal = Terminal(tmp_path, "fleet", "init")
    terminal.answer("Name of host 1", "a b\r")
    terminal.answer("letters, digits and dashes", "\x15tower\r")
    terminal.answer("dials to reach it", "\r")
    terminal.answer("Its hardware", "gtx-99999\r")
    terminal.answer("unknown device", "\x15rtx-3090\r")
    terminal.answer("Its main memory", "64G\r")
    terminal.answer("Name of host 2", "\r")
    terminal.answer("Need 1", "\r")
    terminal.answer("How many people", "\x152\r")
    terminal.answer("Need 2", "\r")
    assert terminal.ends() == 0, terminal.seen
    made = yaml.safe_load((tmp_path / "fleet.yaml").read_text("utf-8"))
    assert made["hosts"] == [{"name": "tower", "address": "http://tower:11434", "hardware": "rtx-3090", "ram": "64G"}]
    assert [need["users"] for need in made["needs"]] == [2]


def test_leaving_writes_nothing(tmp_path):
    terminal = Terminal(tmp_path, "fleet", "init")
    terminal.answer("Name of host 1", "\x03")
    assert terminal.ends() == 130
    assert list(tmp_path.iterdir()) == []
