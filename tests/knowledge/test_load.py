"""The loader refuses what YAML 1.1 would change quietly, and says where."""

from __future__ import annotations

import pytest
import yaml

from setupgen import strict_yaml
from setupgen.errors import UsageError
from setupgen.maintain.load import dotted, parse, read


@pytest.fixture(params=["CSafeLoader", "SafeLoader"], autouse=True)
def loader(request, monkeypatch):
    """Both parsers that PyYAML may bring give the same events."""
    monkeypatch.setattr(strict_yaml, "_LOADER", getattr(yaml, request.param))


def test_plain_values_are_what_they_look_like():
    document = parse("day: 2026-11-21\ni: 3\nx: -2.5\nyes_: true\nnone: ~\nlist: [a, 'no', \"010\", 1.10.2]\n", "a.yaml")
    assert document.data == {"day": "2026-11-21", "i": 3, "x": -2.5, "yes_": True, "none": None, "list": ["a", "no", "010", "1.10.2"]}


def test_lines_of_keys_and_items_are_kept():
    document = parse("a:\n  - b: 1\n  - c:\n      d: 2\n", "a.yaml")
    assert document.line(("a", 1, "c", "d")) == 4
    assert document.place(("a", 0, "b")) == "a.yaml, line 2, a[0].b"
    assert document.line(("a", 1, "missing")) == 3, "a key that is not written is at the nearest one around it"


def test_dotted_path():
    assert dotted(("weights", 0, "bytes", "Q8_0")) == "weights[0].bytes.Q8_0"


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ("a: 1\nb: no\n", 2, "b", "true or false"),
        ("a: {on: 1}\n", 1, "a.on", "true or false"),
        ("a: Off\n", 1, "a", "true or false"),
        ("a: y\n", 1, "a", "true or false"),
        ("a: TRUE\n", 1, "a", "small letters"),
        ("a:\n  - 1\n  - 010\n", 3, "a[1]", "octal"),
        ("a: 0o17\n", 1, "a", "decimal"),
        ("a: 0x1f\n", 1, "a", "decimal"),
        ("a: 12:30\n", 1, "a", "base 60"),
        ("a: 1_000\n", 1, "a", "underscores"),
        ("a: 1e5\n", 1, "a", "disagree"),
        ("a: .5\n", 1, "a", "digits before and after"),
        ("a: .inf\n", 1, "a", "infinity"),
        ("a: &x 1\nb: 2\n", 1, "a", "anchors"),
        ("a: [1]\nb: *x\n", 2, "", "undefined alias|anchors"),
        ("a: !!str 1\n", 1, "a", "tags"),
        ("a: !secret x\n", 1, "a", "tags"),
        ("<<: {a: 1}\n", 1, "<<", "merge"),
        ("a: 1\nb: 2\na: 3\n", 3, "a", "twice; first on line 1"),
        ("a:\n  b: 1\n  b: 2\n", 3, "a.b", "twice"),
        ("36: x\n", 1, "36", "not text"),
        ("? [a]\n: b\n", 1, "", "plain text"),
        ("a: 1\n---\nb: 2\n", 2, "", "second document"),
        ("a:\n\t- b\n", 2, "", "tabs"),
        ("a: [1\n", 2, "", "not readable"),
        ("a: " + "[" * 60 + "]" * 60, 1, "", "deeply"),
        ("a: " + "9" * 400, 1, "a", "too long"),
    ],
)
def test_traps_are_refused_with_place(text, line, key, words):
    with pytest.raises(UsageError, match=words) as caught:
        parse(text, "dir/a.yaml")
    assert caught.value.place.startswith(f"dir/a.yaml, line {line}")
    if key:
        assert caught.value.place == f"dir/a.yaml, line {line}, {key}"
    assert caught.value.hint, "every refusal says what to do"


@pytest.mark.parametrize("content", [b"a: \xff\n", b"a: \x00\n", b"a: 1\n" * 300_000])
def test_unreadable_files_are_refused(tmp_path, content):
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"UTF-8|control character|larger than") as caught:
        read(path, tmp_path)
    assert "a.yaml" in caught.value.place


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path / "none.yaml")


def test_empty_text_is_nothing():
    assert parse("", "a.yaml").data is None
    assert parse("# only a comment\n", "a.yaml").data is None
