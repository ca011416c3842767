"""Every case of tests/cases in the page: the same plan and the same files, byte by byte, as outside a browser. Takes minutes."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

from asked import cases, digests
from browser_session import read, run, value


def test_every_case_is_the_same_in_the_page(site, tmp_path):
    asked = cases()
    run(site, tmp_path, ["cases"], {"cases": asked}, timeout=3600)
    found = value(read(tmp_path), "cases")
    assert len(found) == len(asked) >= 70
    different = [case["name"] for case in asked if found[case["name"]] != digests(case["answers"], case["detected"])]
    assert different == []
