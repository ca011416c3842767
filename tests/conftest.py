"""Tests run on the knowledge base as it is now: the pack is compiled before the first one."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings

import case_tools
from case_tools import planned_fleet
from setupgen.errors import SetupgenError
from setupgen.maintain.compile import PACK, write_pack
from shared_work import once
from site_tools import built

ROOT = Path(__file__).parents[1]

# Gathers what programs said of generated files; the module says how tests take part.
pytest_plugins = ("target_checks",)

FIRST = ("browser", "docs", "knowledge/test_mutations.py", "engine")
"""Tests that take long."""

# The same examples in every run, so that a change is what breaks a test; SETUPGEN_RANDOM=1 tries others each time.
settings.register_profile("steady", derandomize=True)
if "SETUPGEN_RANDOM" not in os.environ:
    settings.load_profile("steady")


def pytest_configure(config):
    if hasattr(config, "workerinput"):
        return  # a worker of pytest-xdist; the process that started it has done this
    with suppress(SetupgenError):  # tests/knowledge/test_tree.py says what is wrong; the others run on the last pack that could be made
        write_pack(ROOT)


def pytest_collection_modifyitems(items):
    """What takes long begins first. `make test` gives each worker one run of tests (`--dist worksteal`), so that all that needs the built site
    is in the first one's, and the other never waits for it."""
    places = [ROOT / "tests" / name for name in FIRST]
    items.sort(key=lambda item: next((index for index, place in enumerate(places) if item.path.is_relative_to(place)), len(places)))


@pytest.fixture(scope="session")
def fresh_pack() -> Path:
    """The compiled knowledge base; `pytest_configure` has brought it up to date."""
    return ROOT / PACK


@pytest.fixture(scope="session")
def pack():
    """The compiled knowledge base, read."""
    return case_tools.pack()


@pytest.fixture(scope="session")
def fleet(tmp_path_factory):
    """The plan of one of our inventories by its name, with its files: worked out once per run, because a large one takes half a minute."""

    def of(name):
        place = once(tmp_path_factory, f"fleet-{name}", lambda folder: (folder / "plan.json").write_text(json.dumps(planned_fleet(name))))
        return json.loads((place / "plan.json").read_text())

    return of


@pytest.fixture(scope="session")
def source(tmp_path_factory) -> Path:
    """A copy of what the site is built from, with generated pages and the built site."""
    return once(tmp_path_factory, "booklet", built)


@pytest.fixture(scope="session")
def site(source) -> Path:
    """The built site. Warnings are errors, as in `make site`."""
    return source / "site"
