"""Every kind of page in a real browser, in both themes and on a phone: axe finds nothing, nothing is wider than the window, nobody else is
asked."""

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
    "setups/",
    "setups/rtx-3090/chat/",
    "setups/from-readers/mac-mini-for-summaries/",
    "guide/",
    "guide/?hardware=rtx-3090&use_case=coding-agent&users=2",
    "guide/?hardware=no+such+card",
    "404.html",
)
LOOKS = {"dark": ("slate", 1280), "light": ("default", 1280), "phone": ("default", 390)}
"""The theme's name for its colours, and the width of the window in CSS pixels."""


@pytest.fixture(scope="session")
def seen(site, tmp_path_factory):
    return once(tmp_path_factory, "pages-in-browser", lambda folder: run(site, folder, ["axe"], {"pages": KINDS}))


def test_axe_finds_nothing_on_any_kind_of_page_in_either_theme_or_on_a_phone(seen):
    found = value(read(seen), "axe")
    assert {page: (state["scheme"], state["width"]) for page, state in found.items()} == {
        f"{kind} {name}": look for kind in KINDS for name, look in LOOKS.items()
    }
    assert {page: state["violations"] for page, state in found.items() if state["violations"]} == {}


def test_no_page_is_wider_than_its_window(seen):
    found = value(read(seen), "axe")
    assert {page: state["wide"] for page, state in found.items() if state["wide"] > 0} == {}


def test_nobody_else_is_asked_and_nothing_is_complained_about(seen):
    saw = read(seen)
    assert len(saw["origins"]) == 1
    assert saw["complaints"] == []
