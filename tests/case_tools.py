"""Reads a case and plans it: shared by the tests of cases and of golden folders."""

import json
from copy import deepcopy
from functools import cache
from pathlib import Path

import yaml

from setupgen.engine.fleet.intake import inventory_of
from setupgen.engine.fleet.planning import fleet_plan, member_plans
from setupgen.engine.intake import Answers, facts_of
from setupgen.engine.planning import plan
from setupgen.knowledge import Pack
from setupgen.render.fleet import Member, render_fleet

ROOT = Path(__file__).parents[1]
CASES = ROOT / "tests" / "cases"
FLEETS = ROOT / "tests" / "fleets"


@cache
def pack():
    """The pack of this tree."""
    return Pack.from_text((ROOT / "src" / "setupgen" / "_data" / "pack.jsonl").read_text("utf-8"))


def read_case(path):
    """The case at a path."""
    return yaml.safe_load(path.read_text("utf-8"))


def planned(case):
    """The plan of a case, as JSON; what was planned before is not planned again, and belongs to the caller."""
    return deepcopy(_planned(json.dumps([case.get("facts") or {}, case.get("detected")])))


@cache
def _planned(asked):
    facts, detected = json.loads(asked)
    return planned_anew({"facts": facts, "detected": detected})


def planned_anew(case):
    """The plan of a case, worked out now."""
    answers = Answers()
    answers.update(case.get("facts") or {}, source="case")
    return plan(pack(), facts_of(pack(), answers, detected=case.get("detected"))).to_json()


@cache
def planned_fleet(name, proxy=""):
    """The plan of one of our inventories, behind another proxy where one is named, as JSON with its files."""
    path = FLEETS / f"{name}.yaml"
    fleet = fleet_plan(pack(), inventory_of(pack(), yaml.safe_load(path.read_text("utf-8")) | ({"proxy": proxy} if proxy else {}), str, {}))
    members = [Member(*entry) for entry in member_plans(pack(), fleet)]
    document = fleet.to_json()
    made = render_fleet(document, members, fleet.front, pack().templates, command=f"setupgen fleet {path.name} -o {name}")
    modes, secrets = ({**getattr(made[0], name), **getattr(made[1], name)} for name in ("modes", "secrets"))
    return document | {"files": {**made[0].files, **made[1].files}, "modes": modes, "secrets_made": secrets}


def comparable(architecture):
    """An architecture without what means nothing: zeros, towers, and whether a pattern is written out once or twice."""
    kept = {key: value for key, value in architecture.items() if value not in (0, False) and key not in {"extra_parameters", "pattern"}}
    pattern = architecture.get("pattern", [])
    kinds = [pattern[index % len(pattern)] for index in range(architecture["layers"])] if pattern else []
    inner = {key: {name: item for name, item in kept.get(key, {}).items() if item not in (0, False)} for key in ("experts", "attention")}
    groups = {kind: {name: item for name, item in group.items() if item not in (0, False)} for kind, group in inner["attention"].items()}
    return {**kept, **inner, "attention": groups, "pattern": kinds}
