"""The guide's fleet mode in a real browser: the same plan and files as natively, problems with their lines, links without addresses."""

from __future__ import annotations

import json
import re
import zipfile

import pytest
from asked import engine, fleet_digests, inventory
from browser_session import read, run, value

from case_tools import ROOT
from shared_work import once

SCRIPT = '<img src=x onerror="window.ran=true"><script>window.ran=true</script>'
FACTS = (ROOT / "tests/detect/captures/rtx-3090-tower/expected.json").read_text("utf-8")
INVENTORY = """\
name: attic
hosts:
  - {name: tower, address: "http://10.9.8.7:11434", hardware: rtx-4090, ram: 64G}
  - {name: desk, address: "http://10.9.8.6:11434", facts: desk.json}
  - {name: pi, address: "http://10.9.8.5:11434", hardware: Raspberry Pi 5 8GB}
needs:
  - {use_case: chat, users: 2}
"""
WRONG = INVENTORY.replace("rtx-4090", "rtx-9999").replace("users: 2", "users: 0").replace("facts: desk.json", "facts: chair.json")


def hostile():
    quoted = json.dumps(SCRIPT)
    return {
        "name": INVENTORY.replace("name: tower", f"name: {quoted}"),
        "hardware": INVENTORY.replace("rtx-4090", quoted),
        "key": INVENTORY.replace("ram: 64G", f"{quoted}: 1"),
        "fleet": INVENTORY.replace("name: attic", f"name: {quoted}"),
        "no YAML": SCRIPT + "\n\t- {",
        "model": INVENTORY.replace("use_case: chat", f"model: {quoted}"),
        "deep": "[" * 5000,
    }


def pages():
    """The page with nothing in it, and with a link to a fleet."""
    given = json.dumps({"desk.json": FACTS})
    return ["guide/?fleet=", f"guide/?fleet={json.loads(engine().fleet(INVENTORY, 'attic.yaml', given))['link']}"]


@pytest.fixture(scope="session")
def seen(site, tmp_path_factory):
    given = {
        "fleets": [{"name": "home", "text": inventory("home")}],
        "fleet": {"inventory": INVENTORY, "facts": FACTS, "wrong": WRONG},
        "stopped": {"inventory": inventory("home")},
        "hostileFleets": hostile(),
        "axe": {"pages": pages()},
    }
    return once(tmp_path_factory, "fleets-in-browser", lambda folder: run(site, folder, list(given), given))


@pytest.fixture
def saw(seen):
    return read(seen)


def test_plans_and_files_are_those_of_the_command_line(saw):
    found = value(saw, "fleets")
    assert found == {"home": fleet_digests("home")}


def test_files_are_chosen_planned_and_taken_away(seen, saw):
    found = value(saw, "fleet")
    given = json.dumps({"desk.json": FACTS})
    told = json.loads(engine().fleet(INVENTORY, "attic.yaml", given))["told"]
    files = json.loads(engine().fleet_setup(INVENTORY, "attic.yaml", given))["files"]
    shown = found["shown"]
    assert shown["title"] == told["title"]
    assert told["title"] in shown["status"], "a screen reader hears of the plan"
    assert [host["name"] for host in told["hosts"]] == ["tower", "desk", "pi"]
    assert all(text.startswith(host["name"]) for text, host in zip(shown["hosts"], told["hosts"], strict=True))
    assert shown["bars"] == sum(len(host["servers"]) for host in told["hosts"])
    assert shown["boxes"] >= len(told["picture"]["boxes"]) + 1
    assert shown["command"] == "setupgen fleet attic.yaml -o attic"
    assert "desk.json" in shown["parts"]
    assert shown["copied"] == files["proxy/README.md"]
    assert "10.9.8" not in shown["address"]
    assert found["tabbed"][-1] == "Download all as one archive", "the keyboard reaches it"
    assert found["download"] == "attic.zip"
    packed = zipfile.ZipFile(seen / "fleet.zip")
    assert packed.testzip() is None
    names = {name.removeprefix("attic/") for name in packed.namelist() if name.startswith("attic/")}
    assert names == {*files, ".setupgen.json"}
    assert packed.read("attic.yaml").decode() == INVENTORY


def test_a_link_holds_the_fleet_without_its_addresses(saw):
    found = value(saw, "fleet")
    assert "10.9.8" not in found["again"]["text"]
    assert found["again"]["title"] == found["shown"]["title"]
    assert "hardware" in found["again"]["text"].split("name: desk")[1]


def test_problems_are_shown_at_once_with_their_lines(saw):
    problems = value(saw, "fleet")["problems"]
    assert "3 problems" in problems["title"]
    assert len(problems["items"]) == 3
    assert any("attic.yaml, line 7" in item for item in problems["items"])
    assert problems["marked"].strip().startswith("- {name:")


def test_back_leads_to_the_plan_before_and_to_one_machine(saw):
    found = value(saw, "fleet")
    assert found["back"] == {"title": found["shown"]["title"], "text": INVENTORY}
    assert "fleet" not in found["machine"].partition("?")[2]


def test_a_long_plan_tells_how_far_it_is_and_can_be_stopped(saw):
    found = value(saw, "stopped")
    assert re.search(r"Step \d+ of \d+", found["stopped"]["told"])
    assert found["stopped"]["status"] == "Planning was stopped."
    assert found["stopped"]["planned"] == 0
    assert "no inventory" in found["empty"]


def test_hostile_inventories_are_shown_as_text(saw):
    found = value(saw, "hostileFleets")
    assert set(found) == set(hostile())
    for name, state in found.items():
        assert (state["ran"], state["elements"], state["handlers"]) == (False, 0, 0), name
    assert "onerror" in found["hardware"]["text"], "what was stated is told"


def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(saw):
    found = value(saw, "axe")
    assert len(found) == 3 * len(pages())
    assert {page: state for page, state in found.items() if state["violations"] or state["wide"] > 0} == {}


def test_nobody_else_is_asked_and_nothing_is_complained_about(saw):
    assert len(saw["origins"]) == 1
    assert saw["complaints"] == []
