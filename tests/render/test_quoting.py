import configparser
import csv
import io
import json
import plistlib
import re
import subprocess
import tomllib

import pytest
import yaml
from dotenv import dotenv_values
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from setupgen.errors import SetupgenError
from setupgen.render import quoting

HOSTILE = [
    "plain",
    "",
    "two words",
    'it\'s "quoted"',
    "back\\slash\\",
    "$HOME ${HOME} $(touch /tmp/owned) `id`",
    "$$ %h %% %n",
    "{{ 7 * 7 }} {% raw %}",
    "!!python/object:os.system",
    "&anchor *alias <<: merge",
    "- item",
    "1. item",
    "0.40.2",
    "key: value # comment",
    "no",
    "0o17",
    "1e3",
    "2026-11-21",
    "~",
    "null",
    "---",
    "...",
    "]]></string><key>x</key>",
    "--> <script>alert(1)</script>",
    "| cell | `code` ``` *bold* [link](http://x) ![i](j)",
    "\u2018typographic\u2019 \u201aquotes\u201b",
    "שלום emoji 🙂 ö",
    "x" * 10_000,
    "\ttab",
    "line\nbreak",
]
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=60)


@pytest.mark.parametrize("text", HOSTILE)
def test_yaml_gives_back_the_text(text):
    assert yaml.safe_load(f"key: {quoting.yaml(text)}\n") == {"key": text}
    assert yaml.safe_load(f"- {quoting.yaml([text, {'k': text}])}\n") == [[text, {"k": text}]]


@given(TEXT)
def test_yaml_gives_back_any_text(text):
    assert yaml.safe_load(f"key: {quoting.yaml(text)}\n") == {"key": text}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=8,
    )
)
def test_yaml_gives_back_any_value(value):
    loaded = yaml.safe_load(f"key: {quoting.yaml(value)}\n")["key"]
    assert loaded == value or yaml_float(loaded) == value


def yaml_float(value):
    """PyYAML reads `1e+16` as text where YAML 1.2 reads a number."""
    if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?e[+-]?\d+", value):
        return float(value)
    if isinstance(value, list):
        return [yaml_float(item) for item in value]
    if isinstance(value, dict):
        return {key: yaml_float(item) for key, item in value.items()}
    return value


@pytest.mark.parametrize("text", HOSTILE)
def test_compose_doubles_every_dollar(text):
    loaded = yaml.safe_load(f"key: {quoting.compose(text)}\n")["key"]
    assert "$" not in loaded.replace("$$", "")
    assert loaded.replace("$$", "$") == text


@pytest.mark.parametrize("text", HOSTILE)
def test_a_shell_reads_the_word_back(text):
    done = subprocess.run(["/bin/sh", "-c", f"printf %s {quoting.shell(text)}"], capture_output=True, check=True)
    assert done.stdout.decode() == text


def env_or_refused(text):
    try:
        return quoting.env(text)
    except SetupgenError:
        return None


@pytest.mark.parametrize("text", [text for text in HOSTILE if env_or_refused(text) is not None])
def test_env_is_read_alike_by_a_shell_and_by_dotenv(text, tmp_path):
    file = tmp_path / ".env"
    file.write_text(f"VALUE={quoting.env(text)}\nNEXT=1\n", "utf-8")
    done = subprocess.run(["/bin/sh", "-c", 'set -a; . ./.env; printf %s "$VALUE"'], cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout.decode() == text
    assert dotenv_values(file) == {"VALUE": text, "NEXT": "1"}


@pytest.mark.parametrize("text", ["line\nbreak", "nul\x00", "both ' and \\", "${HOME}", "' and $ and \""])
def test_env_refuses_what_its_readers_read_differently(text):
    with pytest.raises(SetupgenError, match=re.escape(".env file")):
        quoting.env(text)


@given(TEXT)
@settings(max_examples=60)
def test_env_carries_or_refuses_any_text(text):
    quoted = env_or_refused(text)
    if quoted is not None:
        assert dotenv_values(stream=io.StringIO(f"A={quoted}\n")) == {"A": text}


@pytest.mark.parametrize("name", ["1A", "A-B", "A B", "", "A=B", "A\nB", "Ä"])
def test_the_name_of_a_variable_is_a_name(name):
    with pytest.raises(SetupgenError):
        quoting.name(name)
    with pytest.raises(SetupgenError):
        quoting.reference(name)


def test_systemd_words_double_percent_and_dollar():
    assert quoting.systemd('a "b" \\ %h $X') == '"a \\"b\\" \\\\ %%h $$X"'
    with pytest.raises(SetupgenError):
        quoting.systemd("a\nb")


@pytest.mark.parametrize("text", [text for text in HOSTILE if "\n" not in text])
def test_powershell_sees_one_string(text):
    quoted = quoting.powershell(text)
    assert powershell_string(quoted) == text


def powershell_string(quoted):
    """What PowerShell's tokenizer makes of a string in single quotes: any of five quotes closes it, two of them stand for the first."""
    quotes = "'\u2018\u2019\u201a\u201b"
    assert quoted[0] in quotes
    inner, index = [], 1
    while index < len(quoted):
        if quoted[index] in quotes:
            if index + 1 < len(quoted) and quoted[index + 1] in quotes:
                inner.append(quoted[index])
                index += 2
                continue
            assert index == len(quoted) - 1
            return "".join(inner)
        inner.append(quoted[index])
        index += 1
    raise AssertionError


@pytest.mark.parametrize("text", HOSTILE)
def test_a_property_list_gives_back_the_text(text):
    document = f'<?xml version="1.0"?><plist version="1.0"><dict><key>k</key><string>{quoting.xml(text)}</string></dict></plist>'
    assert plistlib.loads(document.encode()) == {"k": text}


def test_xml_refuses_characters_that_it_does_not_have():
    with pytest.raises(SetupgenError):
        quoting.xml("a\x01b")


@given(TEXT)
def test_json_and_toml_give_back_any_text(text):
    assert json.loads(quoting.json(text)) == text
    assert tomllib.loads(f"key = {quoting.toml(text)}\n") == {"key": text}


@pytest.mark.parametrize("text", HOSTILE)
def test_ini_carries_or_refuses(text):
    try:
        quoted = quoting.ini(text)
    except SetupgenError:
        return
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(";", "#"))
    parser.read_string(f"[s]\nkey = {quoted}\n")
    assert parser["s"]["key"] == text


@pytest.mark.parametrize("text", [text for text in HOSTILE if text.strip() and len(text) < 1000])
def test_markdown_shows_the_text_and_nothing_else(text):
    shown = " ".join(text.split())
    tokens = MarkdownIt().parse(f"Before {quoting.md(text)} after")
    assert "".join(plain(tokens)) == f"Before {shown} after"
    tokens = MarkdownIt().parse(f"{quoting.md(text)}")
    assert "".join(plain(tokens)) == shown
    tokens = MarkdownIt().parse(f"Before {quoting.code(text)} after")
    [code] = [child.content for token in tokens for child in token.children or () if child.type == "code_inline"]
    assert " ".join(code.split()) == shown


def plain(tokens):
    for token in tokens:
        for child in token.children or ():
            assert child.type in {"text", "text_special", "softbreak", "code_inline"}, child
            yield f"`{child.content}`" if child.type == "code_inline" else child.content
        assert token.type in {"paragraph_open", "inline", "paragraph_close"}, token


def test_a_table_cell_keeps_its_bars():
    tokens = MarkdownIt().enable("table").parse(f"| a |\n| --- |\n| {quoting.cell('x | y')} |\n")
    assert [child.content for token in tokens for child in token.children or () if child.type == "code_inline"] == ["x | y"]


@pytest.mark.parametrize("text", ["a b", "a;b", "$(id)", "a\nb", '"', "-rf", ""])
def test_names_and_addresses_hold_no_syntax(text):
    with pytest.raises(SetupgenError):
        quoting.plain_name(text)
    if text != "-rf":
        with pytest.raises(SetupgenError):
            quoting.address(text)


def test_direction_marks_are_found_and_spelled_out():
    assert quoting.find_forbidden("safe\u202egnp.exe", prose=True) == "U+202E"
    assert quoting.find_forbidden("a\x00", prose=True) == "U+0000"
    assert quoting.find_forbidden("a\nb", prose=False) == "U+000A"
    assert quoting.find_forbidden("a\nb", prose=True) == ""
    assert "U+202E" in quoting.md("safe\u202egnp.exe")
    assert "\n" not in quoting.comment("a\nb")
    assert "-->" not in quoting.comment("a --> b")


def test_plain_words_in_backticks_stay_code_and_nothing_else_becomes_it():
    assert quoting.md("`ollama ps` must say 100% GPU") == "`ollama ps` must say 100% GPU"
    assert quoting.md("a ` b `c` d") == "a \\` b `c` d"
    assert quoting.md("`<b>`") == "\\`\\<b\\>\\`"


@given(TEXT)
def test_csv_fields_give_back_the_text(text):
    try:
        field = quoting.csv_field(text)
    except SetupgenError:
        return
    assert next(csv.reader([f"type=bind,{field}"]), None) == ["type=bind", text]


@pytest.mark.parametrize("word", ["no", "ON", "y", "null", "True", "PLAIN_NAME"])
def test_names_stay_names_as_keys_in_yaml(word):
    assert yaml.safe_load(f"{quoting.key(word)}: x") == {word: "x"}


@pytest.mark.parametrize("text", [text for text in HOSTILE if "\x00" not in text])
def test_nix_gives_back_the_text(text):
    assert quoting.nix([text, True, 7]).endswith("true 7 ]")
    literal = str(quoting.nix(text))
    assert "${" not in literal.replace("\\$", "")
    assert json.loads(re.sub(r"\\\$", "$", literal)) == text


def test_quadlets_take_no_empty_word():
    with pytest.raises(SetupgenError, match="empty"):
        quoting.quadlet("")
    assert quoting.unit_line("100% of $HOME") == "100%% of $$HOME"
