"""The guide without a network, in a real browser: reloaded and planned with the server gone, and never an old release where a new one is."""

from __future__ import annotations

import re

import pytest
from browser_session import read, run, value

from setupgen.maintain.offline import files_of, keep_offline
from shared_work import once
from site_tools import UNDER

HEADING = "A release that came later"


@pytest.fixture(scope="session")
def later(site, tmp_path_factory):
    """The guide's page and the list of a release that came later."""
    folder = tmp_path_factory.mktemp("later")
    for path in (*files_of(site), "offline.js", "guide/index.html"):
        if path.endswith("/"):
            continue
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes((site / path).read_bytes())
    page = folder / "guide/index.html"
    page.write_text(re.sub(r"(<h1[^>]*>)[^<]*", rf"\1{HEADING}", page.read_text("utf-8")), encoding="utf-8")
    return {"page": page.read_text("utf-8"), "list": keep_offline(folder).read_text("utf-8")}


@pytest.fixture
def saw(site, later, tmp_path_factory):
    given = {"reload": {"site": str(site), "under": UNDER, **later}}
    return read(once(tmp_path_factory, "guide-reloaded", lambda folder: run(site, folder, list(given), given)))


def test_the_guide_is_reloaded_and_plans_with_the_server_gone(saw):
    found = value(saw, "reload")
    assert found["third"]["title"] == found["first"]["title"]
    assert found["third"]["files"] == found["first"]["files"] > 4
    assert found["other"]["title"] != found["third"]["title"]
    assert found["elsewhere"] == "nobody there"
    assert found["problems"] == []


def test_a_new_release_is_never_shadowed_by_an_old_one(saw):
    found = value(saw, "reload")
    assert found["first"]["heading"] != HEADING
    assert found["second"]["heading"] == HEADING
    assert found["third"]["heading"] == HEADING
    assert len(found["before"]) == len(found["after"]) == 1
    assert found["before"] != found["after"], "the old release is gone"


def test_what_has_not_changed_is_not_fetched_again(saw):
    fetched = value(saw, "reload")["fetched"]
    assert [path for path in fetched if path.endswith((".wasm", ".jsonl", ".zip"))] == []
    assert "guide/index.html" in fetched


def test_no_other_page_passes_through_it(saw):
    assert value(saw, "reload")["scopes"] == [f"/{UNDER}/assets/guide/", f"/{UNDER}/guide/"]
