"""Texts in messages: short enough to read, without what a terminal would obey, and with the part that says what is meant."""

import pytest

from setupgen.errors import shorten_path, visible


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("fleet.yaml", "fleet.yaml"),
        ("/home/someone/models/fleet.yaml", "…/models/fleet.yaml"),
        ("/home/someone/inventories/of-the-house.yaml", "…/of-the-house.yaml"),
        ("/home/someone/a-name-that-is-longer-than-the-limit.yaml", "…nger-than-the-limit.yaml"),
        ("/home/someone/a-folder-that-is-longer-than-the-limit/", "…nger-than-the-limit/"),
        ("\0", "\N{SYMBOL FOR NULL}"),
    ],
)
def test_a_long_path_keeps_its_end(path, shown):
    found = shorten_path(path, 25)
    assert found.endswith(shown.removeprefix("…"))
    assert len(found) <= 25
    assert found.startswith("…") == shown.startswith("…")


def test_what_cannot_be_seen_is_spelled_out():
    assert visible("a\x1b[31m\n") == "a\\x1b[31m\\n"
    assert visible("x" * 201) == "x" * 199 + "…"
    assert len(visible("\x00" * 300)) == 200
