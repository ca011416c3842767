"""Generated pages and captures: what they are made from, and that committed ones are up to date."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from html import escape
from pathlib import Path

import pytest

from setupgen.cli import reference
from setupgen.cli.main import COMMANDS, main, parser
from setupgen.errors import SetupgenError, UsageError
from setupgen.maintain.checks import all_checks
from setupgen.maintain.pages import tables_taken, write_pages
from setupgen.maintain.pages.captures import README_PLAN, with_capture
from setupgen.maintain.pages.tables import TABLES
from setupgen.maintain.pages.text import anchor, parameters, rate, seconds, table

ROOT = Path(__file__).parents[2]
DOCUMENTS = ["README.md", "CONTRIBUTING.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))]
MADE = re.compile(r"docs/(reference|setups/[^/]+)/")
DOCUMENTS = [name for name in DOCUMENTS if not MADE.match(name)]
QUICK = {"plan", "explain", "estimate", "kb", "detect"}
MADE_UP_FILES = {"setupgen.answers.yaml", "FILE", "config.json", "acme/talker-8b", "./some-model.gguf", "./some-model/config.json"}


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


def test_generated_pages_say_the_same_twice_and_the_page_of_something_gone_goes_too(source, tmp_path):
    for name in ("knowledge", "templates", "src"):
        (tmp_path / name).symlink_to(source / name)
    shutil.copytree(source / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("assets"))
    left = tmp_path / "docs" / "reference" / "models" / "no-such-lab.md"
    left.write_text("# Left over\n", encoding="utf-8")
    again = [path.relative_to(tmp_path) for path in write_pages(tmp_path)]
    assert {path for path in again if "reference" in path.parts} == {
        path.relative_to(source) for path in (source / "docs" / "reference").rglob("*") if path.is_file()
    }
    assert [path.as_posix() for path in again if (tmp_path / path).read_bytes() != (source / path).read_bytes()] == []
    assert not left.exists()


def reference_page(source: Path, name: str) -> str:
    return (source / "docs" / "reference" / f"{name}.md").read_text(encoding="utf-8")


def rows(text: str) -> list[str]:
    """The rows of listings."""
    return [line for line in text.splitlines() if line.startswith("<tr") and "<td" in line]


def test_every_model_has_a_row_and_details_with_sources_and_date(source, pack):
    table = reference_page(source, "models")
    assert len(rows(table)) == len(pack.models)
    for model in pack.models.values():
        lab = model.id.partition("/")[0]
        assert f'href="{lab}/#{anchor(model.id)}"' in table
        section = reference_page(source, f"models/{lab}").split(f"\n## {model.name} {{ #{anchor(model.id)} }}", 1)[1].split("\n## ", 1)[0]
        assert f"| Id | `{model.id}` |" in section
        assert f"| Reviewed | {model.reviewed} |" in section
        assert all(pack.url(id_) in section for id_ in model.sources)
        assert ("Superseded by" in section) == ("superseded_by" in model.raw)


def test_superseded_models_are_marked_and_last(source, pack):
    states = ["<td>superseded</td>" in row for row in rows(reference_page(source, "models"))]
    assert states == sorted(states)
    assert sum(states) == sum("superseded_by" in model.raw for model in pack.models.values())


def test_every_device_has_a_row_and_details_with_sources_and_date(source, pack):
    table = reference_page(source, "hardware")
    assert len(rows(table)) == len(pack.devices)
    pages = {vendor: rows(reference_page(source, f"hardware/{vendor}")) for vendor in {id_.partition("/")[0] for id_ in pack.devices}}
    details = {row.partition('id="')[2].partition('"')[0]: row for page in pages.values() for row in page}
    assert len(details) == len(pack.devices)
    for device in pack.devices.values():
        assert f'href="{device.vendor}/#{anchor(device.id)}"' in table
        row = details[anchor(device.id)]
        assert f"<code>{device.id}</code>" in row
        assert device.reviewed in row
        assert all(escape(pack.url(id_)) in row for id_ in device.sources)


def test_every_instance_server_client_setup_pairing_rule_and_offer_is_there(source, pack):
    instances = reference_page(source, "instances")
    assert all(f'id="{anchor(id_)}"' in instances for id_ in pack.instances)
    servers = reference_page(source, "servers")
    for server in pack.servers.values():
        assert f'href="{server.id}/"' in servers
        page = reference_page(source, f"servers/{server.id}")
        assert all(escape(flag) in page for flag in (*server.flags, *server.environment))
        assert all(weakness["id"] in page for weakness in server.raw.get("security", ()))
        assert ("!!! warning" in page) == ("instead" in server.raw)
        assert ("For who asks" in page) == bool(server.raw.get("on_request"))
        assert server.raw.get("unplanned", "") in page
    for name, entries in (("clients", pack.clients), ("setups", pack.setups), ("pairings", pack.pairings)):
        text = reference_page(source, name)
        assert len(rows(text)) == len(entries)
        for id_, entry in entries.items():
            section = text.split(f"{{ #{anchor(id_)} }}", 1)[1].split("\n## ", 1)[0]
            assert all(pack.url(source_id) in section for source_id in entry["sources"])
    for id_, setup in pack.setups.items():
        section = reference_page(source, "setups").split(f"{{ #{anchor(id_)} }}", 1)[1].split("\n## ", 1)[0]
        assert all(item["says"].strip() in section for item in setup["evidence"])
    assert len(rows(reference_page(source, "hosted"))) == sum(len(provider["offers"]) for provider in pack.hosted.values())
    rules = reference_page(source, "rules")
    assert all(f"\n### {id_}\n" in rules for id_ in pack.rules)
    sources = reference_page(source, "sources")
    assert all(f"<code>{id_}</code>" in sources for id_ in pack.sources)


def test_the_table_of_checks_has_every_check(source):
    table = reference_page(source, ".tables/checks")
    assert all(f"| `{check.name}` | {check.description} |" in table for check in all_checks())


def test_what_pages_say_that_checks_say_is_what_they_say():
    source = ROOT / "src" / "setupgen"
    code = "".join(path.read_text(encoding="utf-8") for path in (source / "strict_yaml.py", *(source / "maintain").rglob("*.py")))
    quoted = []
    for path in sorted((ROOT / "docs" / "contribute").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        for said in re.findall(r"^\| (?:The check|It) says \|.*?(?=\n\n)", text, re.DOTALL | re.MULTILINE):
            quoted += [(path.name, words) for line in said.splitlines()[2:] for words in re.findall(r"`([^`]+)`", line.split(" | ")[0])]
    assert len(quoted) > 40
    assert [(name, words) for name, words in quoted if words not in code] == []


def test_every_kind_of_file_has_a_page_that_says_how_to_check_and_send_it():
    for path in sorted((ROOT / "docs" / "contribute" / "examples").glob("*.yaml")):
        shown = [
            page.read_text(encoding="utf-8")
            for page in (ROOT / "docs" / "contribute").glob("*.md")
            if f'--8<-- "{path.name}"' in page.read_text(encoding="utf-8")
        ]
        assert len(shown) == 1, path.name
        for part in ("## What the checks say", "## Proof", "setupgen kb lint", "index.md#send-it", f"examples/{path.name}"):
            assert part in shown[0], f"{path.name}: {part}"


def test_words_for_numbers():
    assert [rate(value) for value in (2.34, 41.6, 2349.0)] == ["2.3", "42", "2,300"]
    assert [seconds(value) for value in (0.31, 12.2, 300.0)] == ["0.3 s", "12 s", "5 min"]
    assert parameters(1_027_000_000_000, 32_000_000_000) == "1,030 B, 32 B active"
    assert list(table(["a", "b"], [["x|y", 1]], numbers=(1,))) == ["| a | b |", "| --- | ---: |", "| x\\|y | 1 |"]


def test_the_reference_of_commands_is_a_program():
    result = subprocess.run([sys.executable, "-m", "setupgen.cli.reference"], capture_output=True, text=True, encoding="utf-8", check=False)
    assert result.stdout == reference.page()
