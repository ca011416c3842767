"""Every kind of page in a real browser, in both themes: axe finds nothing, nothing is wider than the window, nobody else is asked."""

from __future__ import annotations

import pytest
from browser_session import read, run, value

from shared_work import once

KINDS = (
    "",
    "axes/hardware/",
    "learn/",
    "learn/memory/",
    "decide/cost/",
    "run/",
    "cli/",
    "contribute/model/",
    "decisions/0008-published-scores/",
    "reference/models/",
    "reference/hardware/ampere/",
    "reference/rules/",
    "guide/",
    "guide/?hardware=rtx-3090&use_case=coding-agent&users=2",
    "guide/?hardware=no+such+card",
    "404.html",
)


@pytest.fixture(scope="session")
def seen(site, tmp_path_factory):
    return once(tmp_path_factory, "pages-in-browser", lambda folder: run(site, folder, ["axe"], {"pages": KINDS, "phone": False}))


def test_axe_finds_nothing_on_any_kind_of_page_in_either_theme(seen):
    found = value(read(seen), "axe")
    assert len(found) == 2 * len(KINDS)
    assert {page: state["violations"] for page, state in found.items() if state["violations"]} == {}


def test_no_page_is_wider_than_its_window(seen):
    found = value(read(seen), "axe")
    assert {page: state["wide"] for page, state in found.items() if state["wide"] > 0} == {}


def test_nobody_else_is_asked_and_nothing_is_complained_about(seen):
    saw = read(seen)
    assert len(saw["origins"]) == 1
    assert saw["complaints"] == []
