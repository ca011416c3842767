"""Every fact that rules may read is given by the engine, under the name that the vocabulary has for it."""

from __future__ import annotations

import pytest

from case_tools import ROOT, pack

ENGINE = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "src" / "setupgen" / "engine").glob("*.py")))


@pytest.mark.parametrize("fact", pack().vocabulary("facts"))
def test_the_engine_gives_the_fact(fact):
    assert f'"{fact}"' in ENGINE, f"rules may read {fact}, but nothing in the engine sets it: conditions on it are never known"
