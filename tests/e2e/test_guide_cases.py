"""Every case and every inventory in the page: the same plan and the same files, byte by byte, as outside a browser. Takes minutes."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

from asked import cases, digests, fleet_digests, inventory
from browser_session import read, run, value

from case_tools import FLEETS


def test_every_case_is_the_same_in_the_page(site, tmp_path):
    asked = cases()
    run(site, tmp_path, ["cases"], {"cases": asked}, timeout=3600)
    found = value(read(tmp_path), "cases")
    assert len(found) == len(asked) >= 70
    different = [case["name"] for case in asked if found[case["name"]] != digests(case["answers"], case["detected"])]
    assert different == []


def test_every_inventory_is_the_same_in_the_page(site, tmp_path):
    names = sorted(path.stem for path in FLEETS.glob("*.yaml"))
    run(site, tmp_path, ["fleets"], {"fleets": [{"name": name, "text": inventory(name)} for name in names]}, timeout=3600)
    assert value(read(tmp_path), "fleets") == {name: fleet_digests(name) for name in names}
