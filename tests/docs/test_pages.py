"""Generated pages and captures: what they are made from, and that committed ones are up to date."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from setupgen.cli import reference
from setupgen.cli.main import COMMANDS, main, parser
from setupgen.errors import SetupgenError, UsageError
from setupgen.knowledge import Pack
from setupgen.maintain.compile import compile_pack
from setupgen.maintain.pages import tables_taken, write_pages
from setupgen.maintain.pages.captures import README_PLAN, with_capture
from setupgen.maintain.pages.tables import TABLES
from setupgen.maintain.pages.text import parameters, rate, seconds, table

ROOT = Path(__file__).parents[2]
DOCUMENTS = ["README.md", "CONTRIBUTING.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))]
DOCUMENTS = [name for name in DOCUMENTS if not name.startswith("docs/reference/")]
QUICK = {"plan", "explain", "estimate", "kb", "detect"}
MADE_UP_FILES = {"setupgen.answers.yaml", "FILE"}


@pytest.fixture(scope="module")
def pack() -> Pack:
    return Pack(compile_pack(ROOT))


def blocks(name: str, *languages: str) -> list[str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return [body for language, body in re.findall(r"^```(\w+)\n(.*?)^```", text, re.DOTALL | re.MULTILINE) if language in languages]


def commands() -> list[tuple[str, str]]:
    """Every line of a shell block that calls setupgen, with the document that has it."""
    found = []
    for name in DOCUMENTS:
        for block in blocks(name, "sh", "console"):
            for line in block.splitlines():
                words = line.removeprefix("$ ").split(" #")[0].strip()
                if words.startswith("setupgen"):
                    found.append((name, words))
    return found


def test_the_page_of_commands_is_what_the_parsers_say():
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == reference.page(), "run `python -m setupgen.maintain captures`"


def test_the_page_of_commands_has_every_command_and_option():
    page = reference.page()
    for name in COMMANDS:
        assert f"## setupgen {name}\n" in page
    options = set(re.findall(r"--[a-z][a-z-]+", "".join(_help(name) for name in COMMANDS)))
    assert options - {"--help"} <= set(re.findall(r"--[a-z][a-z-]+", page))


def _help(name: str) -> str:
    top = parser((name,))
    return top.format_help() + next(iter(top._subparsers._group_actions)).choices[name].format_help()


def test_documents_have_commands():
    assert len({command for _, command in commands()}) >= 10
    assert "README.md" in {name for name, _ in commands()}


@pytest.mark.parametrize(("name", "command"), commands())
def test_commands_in_documents_are_understood(name, command):
    words = shlex.split(command)[1:]
    parsed = parser().parse_args(words)
    assert parsed.command == words[0], name


def quick() -> list[str]:
    """The commands that need no files of the reader and write nothing."""
    found = {command: set(shlex.split(command)) for _, command in commands()}
    slow = MADE_UP_FILES | {"lint"}
    return sorted(command for command, words in found.items() if not words & slow and (words & QUICK or "--dry-run" in words))


@pytest.mark.parametrize("command", quick())
def test_quick_commands_in_documents_run(command, capsys, tmp_path, monkeypatch):
    words = shlex.split(command)[1:]
    monkeypatch.chdir(tmp_path)
    assert main(words) == 0
    output = capsys.readouterr().out
    assert output.strip()
    if "--json" in words:
        json.loads(output)


def test_make_targets_in_documents_exist():
    targets = set(re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for name in DOCUMENTS:
        text = (ROOT / name).read_text(encoding="utf-8")
        named = set(re.findall(r"^\$ make ([a-z0-9]+)", text, re.MULTILINE)) | set(re.findall(r"`make ([a-z0-9]+)`", text))
        assert named <= targets, name


def test_files_named_in_documents_exist():
    for name in DOCUMENTS:
        for path in re.findall(
            r"`((?:src|knowledge|templates|tests|docs|benchmarks)/[\w./-]+)`", (ROOT / name).read_text(encoding="utf-8")
        ):
            generated = path.startswith(("docs/reference/", "src/setupgen/_data/"))
            later = name == "docs/decisions/0002-sources-by-area.md"  # names the file that it decides against
            assert generated or later or (ROOT / path).exists(), f"{name}: {path}"


def test_documents_promise_no_command_that_is_not_there():
    for name in DOCUMENTS:
        for command in re.findall(r"`setupgen ([a-z]+)", (ROOT / name).read_text(encoding="utf-8")):
            assert command in COMMANDS, f"{name}: setupgen {command}"


def test_generated_run_books_name_no_command_that_is_not_there():
    books = [*(ROOT / "templates").rglob("*.j2"), *(ROOT / "tests" / "golden").rglob("README.md")]
    assert books
    for book in books:
        for command in re.findall(r"(?:^|[`\"])setupgen ([a-z]+)", book.read_text(encoding="utf-8"), re.MULTILINE):
            assert command in COMMANDS, f"{book.relative_to(ROOT)}: setupgen {command}"


def test_the_readme_shows_a_plan_of_what_exists(pack):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"<!-- captured: setupgen {' '.join(README_PLAN)} -->" in text
    shown = "".join(blocks("README.md", "text"))
    setup = re.search(r"│ (.+?) in (\S+) on (.+?) (\S+), (\w+), (\w+) ", shown)
    assert setup, "the first line names model, quantisation and server"
    assert setup[1] in {model.name for model in pack.models.values()}
    assert setup[2] in pack.vocabulary("quantisations")
    assert setup[3] in {server.name for server in pack.servers.values()}
    for part in ("Memory", "Speed", "Alternatives", "Why", "Assumed"):
        assert f"{part}\n" in shown
    assert text.index("make run") < text.index("make test") < text.index("╭")
    assert text[: text.index("╭")].count("\n") < 25, "the plan belongs on the first screen"


def test_a_capture_replaces_what_was_there():
    before = "a\n<!-- captured: setupgen plan -->\n```text\nold\n```\n\nmore\n\n```text\nolder\n```\n</details>\n<!-- end -->\nb\n"
    after = with_capture(before, "Memory  \n  1\n\nWhy\n  because\n")
    assert after == before.replace("older\n", "Why\n  because\n").replace("old\n", "Memory\n  1\n")
    with pytest.raises(SetupgenError, match="no block"):
        with_capture("nothing", "x")


def test_a_chapter_cannot_take_in_what_is_not_there(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text('# A\n\n--8<-- "no-such-table.md"\n', encoding="utf-8")
    with pytest.raises(UsageError, match=r"docs/page\.md: there is no table 'no-such-table'"):
        tables_taken(tmp_path)


def test_every_table_is_taken_in_by_a_chapter():
    assert set(tables_taken(ROOT)) >= set(TABLES)


def test_generated_pages_say_the_same_twice(source):
    first = {path: path.read_bytes() for path in (source / "docs" / "reference").rglob("*") if path.is_file()}
    assert first == {path: path.read_bytes() for path in write_pages(source)}


def test_the_reference_has_every_model_and_device_with_sources_and_date(source, pack):
    models = (source / "docs/reference/models.md").read_text(encoding="utf-8")
    for model in pack.models.values():
        section = models.split(f"\n## {model.name} {{", 1)[1].split("\n## ", 1)[0]
        assert f"| Reviewed | {model.reviewed} |" in section
        assert all(pack.url(id_) in section for id_ in model.sources)
    hardware = (source / "docs/reference/hardware.md").read_text(encoding="utf-8")
    for device in pack.devices.values():
        row = next(line for line in hardware.splitlines() if f"`{device.id}`" in line)
        assert device.reviewed in row
        assert all(pack.url(id_) in row for id_ in device.sources)


def test_words_for_numbers():
    assert [rate(value) for value in (2.34, 41.6, 2349.0)] == ["2.3", "42", "2,300"]
    assert [seconds(value) for value in (0.31, 12.2, 300.0)] == ["0.3 s", "12 s", "5 min"]
    assert parameters(1_027_000_000_000, 32_000_000_000) == "1,030 B, 32 B active"
    assert list(table(["a", "b"], [["x|y", 1]], numbers=(1,))) == ["| a | b |", "| --- | ---: |", "| x\\|y | 1 |"]


def test_the_reference_of_commands_is_a_program():
    result = subprocess.run([sys.executable, "-m", "setupgen.cli.reference"], capture_output=True, text=True, encoding="utf-8", check=False)
    assert result.stdout == reference.page()
