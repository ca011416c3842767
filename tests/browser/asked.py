"""What the page is asked and what the command line's engine answers to the same."""

import hashlib
import json
from functools import cache

from case_tools import FLEETS, ROOT
from setupgen.maintain.cases import cases_in
from setupgen.web import Engine


@cache
def engine():
    """The engine, outside a browser."""
    return Engine((ROOT / "src/setupgen/_data/pack.jsonl").read_text("utf-8"))


def cases():
    """Every case as answers and a detection document, in JSON."""
    return [
        {
            "name": case.name,
            "answers": json.dumps(case.raw.get("facts") or {}),
            "detected": json.dumps(case.raw["detected"]) if "detected" in case.raw else "",
        }
        for case in cases_in(ROOT)
    ]


def digests(answers, detected=""):
    """Digests of the plan and of the files."""
    texts = engine().plan(answers, detected), engine().setup(answers, detected)
    return [hashlib.sha256(text.encode()).hexdigest() for text in texts]


def inventory(name):
    """The text of one of our inventories."""
    return (FLEETS / f"{name}.yaml").read_text("utf-8")


def fleet_digests(name):
    """Digests of the document and of the files of one of our inventories."""
    texts = engine().fleet_document(inventory(name), f"{name}.yaml"), engine().fleet_setup(inventory(name), f"{name}.yaml")
    return [hashlib.sha256(text.encode()).hexdigest() for text in texts]
