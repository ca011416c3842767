"""The gallery: every class of hardware with every use case, files as they are written, and what readers sent."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import yaml

from setupgen.cli.main import parser
from setupgen.engine.intake import facts_of
from setupgen.errors import UsageError
from setupgen.maintain.pages import gallery
from setupgen.maintain.pages.examples import answers_of, plan_of
from setupgen.render.files import render_setup

ROOT = Path(__file__).parents[2]
FILE = re.compile(r'^\?\?\? note "([^"]+)"\n\n    (`{3,})\w+\n(.*?)\n    \2\n', re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def all_entries(pack):
    return gallery.entries(pack)


def page(source: Path, entry) -> str:
    return (source / gallery.FOLDER / f"{entry.path}.md").read_text(encoding="utf-8")


def test_every_hardware_has_every_use_case(all_entries):
    assert len({entry.path for entry in all_entries}) == len(all_entries) == len(gallery.CLASSES) * len(gallery.USES) >= 40
    assert len({entry.title for entry in all_entries}) == len(all_entries)


def test_titles_read_well(all_entries):
    titles = {entry.title for entry in all_entries if entry.path.endswith("/coding-agent")}
    assert {
        "Coding agent on a Raspberry Pi 5, 8 GB",
        "Coding agent on a desktop without a card, 16 GB",
        "Coding agent on a laptop with an RTX 4060, 8 GB",
        "Coding agent on an RTX 3090, 24 GB",
        "Coding agent on two RTX 4090, 48 GB",
        "Coding agent on an Apple M2 Max, 64 GB",
        "Coding agent on a Ryzen AI Max+ 395, 128 GB",
        "Coding agent on an H100 SXM, 80 GB",
    } <= titles


def test_commands_and_links_mean_the_answers(all_entries):
    for entry in all_entries:
        words = shlex.split(gallery.command(entry.answers))
        parsed = parser().parse_args(words[1:])
        assert parsed.hardware == entry.answers["hardware"]
        assert parsed.use_case == entry.answers["use_case"]
        query = parse_qs(gallery.link(entry.answers).removeprefix("?"), strict_parsing=True)
        assert query == {key: value if isinstance(value, list) else [str(value)] for key, value in entry.answers.items()}


def test_a_link_holds_what_would_end_it():
    assert gallery.link({"hardware": ["a&b", "c=d"], "use_case": "chat"}) == "?hardware=a%26b&hardware=c%3Dd&use_case=chat"


def test_pages_have_a_plan_in_words_and_all_files(pack, all_entries, source):
    for entry in all_entries:
        text = page(source, entry)
        assert text.startswith(f"# {entry.title}\n")
        assert "\n{ .answer }\n" in text
        assert "\n## Sources\n" in text
        choice = plan_of(pack, entry.answers).choice
        if choice is None:
            assert "Nothing that is known does this well here." in text
            continue
        for part in ("## Numbers", "## Why", "## Files", choice.model.name, choice.weights.quant, choice.server.name):
            assert part in text, f"{entry.path}: {part}"


@pytest.mark.parametrize("path", ["rtx-3090/chat", "m2-max/coding-agent", "two-rtx-4090/documents"])
def test_files_on_a_page_are_those_that_are_written(pack, all_entries, source, path):
    entry = next(entry for entry in all_entries if entry.path == path)
    rendered = render_setup(plan_of(pack, entry.answers).to_json(), pack.templates, command=gallery.command(entry.answers))
    shown = {name: "\n".join(line.removeprefix("    ") for line in body.split("\n")) for name, _, body in FILE.findall(page(source, entry))}
    assert set(shown) == set(rendered.files) - gallery.HIDDEN
    assert ".env" not in shown
    for name, body in shown.items():
        assert body == "\n".join(line.rstrip() for line in rendered.files[name].rstrip("\n").split("\n")), name
    if "compose.yaml" in shown:
        assert yaml.safe_load(shown["compose.yaml"])["services"]


def test_a_fence_is_longer_than_those_inside():
    text = "\n".join(gallery._folded("README.md", "a\n\n````sh\nb\n````\n"))
    assert FILE.findall(f"{text}\n") == [("README.md", "`````", "    a\n\n    ````sh\n    b\n    ````")]


def test_contributed_files_are_answers(pack):
    found = gallery.contributed(ROOT)
    assert found
    for entry in found:
        facts_of(pack, answers_of(entry.answers))
        model, quant, server = entry.was.split(" ")
        assert model in pack.models
        assert quant in pack.vocabulary("quantisations")
        assert server in pack.servers


def sent(tmp_path: Path, text: str) -> Path:
    folder = tmp_path / gallery.CONTRIBUTED
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a-small-box.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def test_what_changed_is_told(tmp_path, pack):
    head = "# by: Ada\n# date: 2025-01-02\n# was: qwen/qwen3-8b Q4_K_M ollama\n"
    root = sent(tmp_path, f"{head}hardware: [rtx-3060]\nram: 32G\nuse_case: chat\n")
    (entry,) = gallery.contributed(root)
    assert (entry.title, entry.by, entry.date, entry.answers["hardware"]) == ("A small box", "Ada", "2025-01-02", ["rtx-3060"])
    text = "\n".join(gallery._page(pack, entry, guide=False))
    assert "Sent by Ada on 2025-01-02. Then it was Qwen3 8B `Q4_K_M` on Ollama; now it is " in text
    now = gallery._named(plan_of(pack, entry.answers).choice)
    root = sent(tmp_path, f"{head.replace('qwen/qwen3-8b Q4_K_M ollama', now)}hardware: [rtx-3060]\nram: 32G\nuse_case: chat\n")
    (entry,) = gallery.contributed(root)
    assert "The plan is still the same." in "\n".join(gallery._page(pack, entry, guide=False))
    assert list(gallery.sent(root, pack))[-1].endswith("| the same |")


def test_the_guide_is_linked_where_there_is_one(pack, all_entries):
    entry = next(entry for entry in all_entries if entry.path == "rtx-3090/chat")
    button = 'href="../../../guide/?hardware=rtx-3090&amp;os=linux'.replace("&amp;os=linux", "&amp;ram=64G&amp;use_case=chat")
    assert button in "\n".join(gallery._page(pack, entry, guide=True))
    assert "guide/" not in "\n".join(gallery._page(pack, entry, guide=False))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hardware: [rtx-3060]\n", "expected three comments"),
        ("# by: A\n# date: 2025-01-02\nhardware: [rtx-3060]\n", "expected three comments"),
        ("# by: A\n# date: 2025-01-02\n# was: x y z\n- rtx-3060\n", "expected answers"),
    ],
)
def test_a_contributed_file_that_is_none_is_refused(tmp_path, text, message):
    with pytest.raises(UsageError) as found:
        gallery.contributed(sent(tmp_path, text))
    assert message in str(found.value)
    assert found.value.place == f"{gallery.CONTRIBUTED}/a-small-box.yaml"
