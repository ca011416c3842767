"""The guide in a real browser: the same plans and files as natively, by keyboard, by link, offline, and with whatever is thrown at it."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import zipfile
from urllib.parse import parse_qs, urlsplit

import pytest
from asked import cases, digests, engine
from browser_session import read, run, value

from shared_work import once
from site_tools import ROOT

CAPTURES = ("rtx-3090-tower", "m2-max-64gb", "two-rtx-4090")
SHARED = "?hardware=2x+rtx-4090&ram=128G&use_case=chat&users=8&exposure=lan&context=16k"
ARCHIVED = "?hardware=rtx-3090&ram=64G&use_case=coding-agent&exposure=lan"
SCRIPT = '<img src=x onerror="window.ran=true"><script>window.ran=true</script>'
EVERY = 8
"""`make test` takes each eighth case through the page; `make e2e` takes all."""


def capture(name):
    return (ROOT / "tests/detect/captures" / name / "expected.json").read_text("utf-8")


def hostile():
    facts = json.loads(capture("rtx-3090-tower"))
    named = {**facts, "cpu": {**facts["cpu"], "name": SCRIPT}, "accelerators": [{**facts["accelerators"][0], "id": None, "name": SCRIPT}]}
    keys = ("use_case", "users", "context", "hardware", "ram", "cpu", "model", "quant", "server", "os")
    searches = {key: f"?hardware=rtx-3090&{key}={SCRIPT.replace('&', '%26').replace('=', '%3D').replace('#', '%23')}" for key in keys}
    searches["unknown key"] = "?hardware=rtx-3090&%3Cimg%20src%3Dx%20onerror%3Dwindow.ran%3Dtrue%3E=1&__proto__=1&constructor=2"
    searches["long"] = "?hardware=" + "A" * 5000
    searches["bytes"] = "?hardware=%00%ff%fe&use_case=%E2%80%AE"
    pasted = {
        "name": json.dumps(named),
        "no JSON": SCRIPT,
        "list": "[1]",
        "deep": '{"a":' * 500 + "1" + "}" * 500,
        "other": '{"schema": 1, "memory": 5}',
    }
    return {"searches": searches, "pasted": pasted}


@pytest.fixture(scope="session")
def seen(site, tmp_path_factory):
    given = {
        "cases": cases()[::EVERY],
        "paste": {name: capture(name) for name in CAPTURES},
        "share": {"search": SHARED},
        "archive": {"search": ARCHIVED},
        "hostile": hostile(),
    }
    names = ["cases", "keyboard", "paste", "share", "history", "archive", "offline", "hostile", "broken", "old"]
    return once(tmp_path_factory, "guide-in-browser", lambda folder: run(site, folder, names, given))


@pytest.fixture
def saw(seen):
    return read(seen)


def test_plans_and_files_are_those_of_the_command_line(saw):
    found = value(saw, "cases")
    assert len(found) >= 8
    for case in cases()[::EVERY]:
        assert found[case["name"]] == digests(case["answers"], case["detected"]), case["name"]


def test_the_keyboard_is_enough(saw):
    found = value(saw, "keyboard")
    assert all("3090" in text for text in found["listed"])
    assert found["option"] == found["listed"][0]
    assert found["first"]["title"] in found["first"]["status"], "a screen reader hears of the new plan"
    assert found["first"]["search"].startswith("?hardware=rtx-3090")
    assert found["closed"] == "false"
    assert found["second"]["needs"]["users"] == {"value": 4, "origin": "answered"}
    assert found["second"]["needs"]["use_case"]["origin"] == "answered"
    assert "use_case=" in found["second"]["search"]
    assert found["download"].endswith(".zip")
    assert found["outline"] != "none", "the focus can be seen"


def test_what_detection_printed_can_be_pasted(saw):
    found = value(saw, "paste")
    for name in CAPTURES:
        answers = {}
        assert found[name]["digests"] == digests(json.dumps(answers), capture(name)), name
        assert "pasted" in found[name]["parts"]
        query = parse_qs(urlsplit(found[name]["link"]).query)
        assert query["hardware"], "the link names the machine"
        assert "facts" not in query
        again = {"hardware": query["hardware"], "ram": query["ram"][0], "os": query["os"][0]}
        plan = json.loads(engine().plan(json.dumps(again)))
        natively = json.loads(engine().plan("{}", capture(name)))
        ids = [[device["id"] for device in one["facts"]["hardware"]["devices"]] for one in (plan, natively)]
        assert ids[0] == ids[1], "whoever opens the link sees the same hardware"
        assert "--facts setupgen.facts.json" in found[name]["command"]


def test_a_link_makes_the_same_setup(saw):
    found = value(saw, "share")
    assert found["one"] == found["other"]
    query = parse_qs(urlsplit(found["link"]).query)
    assert query["hardware"] == ["2x rtx-4090"]
    assert query["use_case"] == ["chat"]
    answers = {**{key: values[0] for key, values in query.items()}, "hardware": query["hardware"]}
    assert found["one"]["digests"] == digests(json.dumps({**answers, "users": int(answers["users"])}))


def test_back_and_forward(saw):
    first, second, third, back, start, forward = value(saw, "history")
    assert (first["checked"], second["checked"]) == ("chat", "coding-agent")
    assert "model=" in third["search"]
    assert (back, start, forward) == (second, first, second)


def test_the_archive_holds_the_files_and_its_compose_file_is_accepted(seen, saw, tmp_path):
    found = value(saw, "archive")
    packed = zipfile.ZipFile(seen / "setup.zip")
    folder = found["name"].removesuffix(".zip")
    assert packed.testzip() is None
    assert {name.removeprefix(f"{folder}/") for name in packed.namelist()} == {*found["shown"], ".setupgen.json"}
    natively = json.loads(
        engine().setup(json.dumps({"hardware": ["rtx-3090"], "ram": "64G", "use_case": "coding-agent", "exposure": "lan"}))
    )
    assert found["shown"] == natively["files"]
    assert found["copied"] == natively["files"]["README.md"]
    keys = set()
    for path, text in natively["files"].items():
        inside = packed.read(f"{folder}/{path}").decode()
        mode = stat.S_IMODE(packed.getinfo(f"{folder}/{path}").external_attr >> 16)
        if path in natively["secrets"]:
            assert mode == 0o600
            for name in natively["secrets"][path]:
                match = re.search(rf"^{name}=([A-Za-z0-9_-]{{43}})$", inside, re.MULTILINE)
                assert match, name
                keys.add(match[1])
                assert match[1] not in found["address"]
        else:
            assert inside == text
            assert mode == int(natively["modes"].get(path, "0644"), 8)
    assert len(keys) == sum(len(names) for names in natively["secrets"].values()) > 0
    packed.extractall(tmp_path)
    command = [
        "npx",
        "--no-install",
        "dclint",
        "--max-warnings",
        "0",
        "-c",
        ROOT / "tests/targets/dclint.yaml",
        tmp_path / folder / "compose.yaml",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_network_may_go_once_the_engine_is_there(saw):
    found = value(saw, "offline")
    assert found["before"] != found["after"]
    assert found["download"].endswith(".zip")
    assert len(found["changes"]) > 20
    assert found["problems"] == []


def test_hostile_texts_are_shown_as_text(saw):
    found = value(saw, "hostile")
    for name, state in found.items():
        assert (state["ran"], state["elements"], state["handlers"]) == (False, 0, 0), name
    assert "onerror" in found["use_case"]["text"], "what was stated is told"
    assert "no answer" in found["unknown key"]["text"]
    assert "onerror" in found["name"]["text"]
    assert "not the JSON that detect prints" in found["no JSON"]["text"]


def test_a_browser_that_refuses_is_told_and_gets_the_tables(saw):
    found = value(saw, "broken")
    assert len(found) == 5
    for name, state in found.items():
        assert "cannot run in this browser" in state["text"], name
        assert state["tables"] >= 1, name


def test_a_browser_that_cannot_read_the_script_says_so_and_has_the_tables(saw):
    found = value(saw, "old")
    assert "too old" in found["text"]
    assert found["tables"] >= 1


def test_nobody_else_is_asked_and_nothing_is_complained_about(saw):
    assert len(saw["origins"]) == 1
    assert saw["origins"][0].startswith("http://127.0.0.1:")
    assert saw["complaints"] == []
