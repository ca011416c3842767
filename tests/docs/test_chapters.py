"""The chapters of the booklet: order, length, answers, sources, parts that exist, and no number that was typed by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mkdocs.utils.yaml import yaml_load

from setupgen.cli.main import main
from setupgen.errors import UsageError
from setupgen.maintain.pages import tables_taken, write_pages
from setupgen.maintain.pages.chapters import chapter_parts
from setupgen.maintain.pages.cited_sources import name_of, sources_cited
from setupgen.maintain.pages.diagram import Bar, Box, bars, curves, flow

ROOT = Path(__file__).parents[2]
LEARN = ROOT / "docs" / "learn"
CHAPTERS = sorted(path.stem for path in LEARN.glob("*.md") if path.stem != "index")
FEWEST_WORDS, MOST_WORDS = 250, 1_000
LOOKED_UP = {"glossary", "faq"}
"""Pages that nobody reads in one go."""

TYPED = re.compile(r"\d[\d,.]* (?:tokens/s|tokens (?:per|a) second|GiB|GB/s|USD|US dollars)|[$€]\d")
"""What only the engine may say."""

MEASURED = re.compile(r"measured|[Mm]easurement|reported|report ", re.IGNORECASE)
"""A sentence that retells somebody's measurement has his number and his source."""


def text_of(chapter: str) -> str:
    return (LEARN / f"{chapter}.md").read_text(encoding="utf-8")


def problems(chapter: str, text: str) -> list[str]:
    """What a chapter lacks."""
    lines = text.splitlines()
    headings = [line for line in lines if line.startswith("#")]
    found = []
    if not lines[0].startswith("# ") or sum(line.startswith("# ") for line in headings) != 1:
        found.append("one title, in the first line")
    if "{ .answer }" not in lines[:8]:
        found.append("the answer in a sentence or two before anything else")
    if headings[-1] != "## Sources":
        found.append("sources at the end")
        return found
    end = text.partition("\n## Sources\n")[2]
    if not sources_cited(end) and not re.search(r"\]\((?:https://|\.\./reference/)", end):
        found.append("a source")
    if sources_cited(text) and f'--8<-- "sources-of-learn-{chapter}.md"' not in end:
        found.append("the part that lists what it cites")
    return found


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_answers_first_and_ends_with_its_sources(chapter):
    assert problems(chapter, text_of(chapter)) == []


def test_a_chapter_without_sources_is_found():
    text = text_of("memory")
    assert problems("memory", text.partition("\n## Sources\n")[0]) == ["sources at the end"]
    assert problems("memory", text.partition("\n## Sources\n")[0] + "\n## Sources\n\nNone.\n") == ["a source"]
    assert problems("memory", text.replace('--8<-- "sources-of-learn-memory.md"', "")) == ["the part that lists what it cites"]
    assert problems("memory", text.replace("{ .answer }", "")) == ["the answer in a sentence or two before anything else"]


def copied(tmp_path: Path, name: str, text: str) -> Path:
    """A tree with this one page and the real knowledge base."""
    for folder in ("knowledge", "templates", "tests", "src"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    page = tmp_path / "docs" / "learn" / f"{name}.md"
    page.parent.mkdir(parents=True)
    page.write_text(text, encoding="utf-8")
    return tmp_path


def test_the_inventory_in_the_chapter_is_one(tmp_path, capsys):
    blocks = re.findall(r"^```yaml\n(.*?)^```", text_of("boxes"), re.DOTALL | re.MULTILINE)
    (block,) = [block for block in blocks if "hosts:" in block and "needs:" in block]
    inventory = tmp_path / "inventory.yaml"
    inventory.write_text(block, encoding="utf-8")
    assert main(["fleet", str(inventory), "--dry-run", "-o", str(tmp_path / "my-fleet")]) == 0
    shown = capsys.readouterr().out
    assert all(host in shown for host in ("tower", "laptop", "shelf"))


def test_a_part_that_does_not_exist_is_refused(tmp_path):
    root = copied(tmp_path, "memory", text_of("memory").replace("memory-sum.md", "memory-total.md"))
    with pytest.raises(UsageError) as found:
        tables_taken(root)
    assert "there is no table 'memory-total'" in str(found.value)
    assert found.value.place == "docs/learn/memory.md"


def test_a_source_that_is_not_listed_is_refused(tmp_path):
    root = copied(tmp_path, "pitfalls", '# A\n\nText[^no-such-page].\n\n## Sources\n\n--8<-- "sources-of-learn-pitfalls.md"\n')
    with pytest.raises(UsageError, match="no-such-page"):
        write_pages(root)


def test_every_part_is_shown_somewhere():
    assert set(chapter_parts()) - set(tables_taken(ROOT)) == set()


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_is_short(chapter):
    words = len(re.findall(r"\w+", re.sub(r"```.*?```", "", text_of(chapter), flags=re.DOTALL)))
    assert words >= FEWEST_WORDS
    assert words <= MOST_WORDS or chapter in LOOKED_UP


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_numbers_come_from_the_engine(chapter):
    prose = re.sub(r"```.*?```", "", text_of(chapter), flags=re.DOTALL)
    for sentence in re.split(r"(?<=[.!?:|])\s+", prose):
        if TYPED.search(sentence):
            assert MEASURED.search(sentence), f"{chapter}: {sentence}"


def test_the_order_is_one():
    nav = yaml_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    learn = next(entry["Learn"] for entry in nav if isinstance(entry, dict) and "Learn" in entry)
    in_nav = [Path(page).stem for section in learn[1:] for entries in section.values() for entry in entries for page in entry.values()]
    numbered = re.findall(r"^(\d+)\. \[[^\]]+\]\(([\w-]+)\.md\)", text_of("index"), re.MULTILINE)
    assert [name for _, name in numbered] == in_nav
    assert [int(number) for number, _ in numbered] == list(range(1, len(numbered) + 1))
    assert sorted(in_nav) == CHAPTERS
    assert len(CHAPTERS) >= 30


def test_chapters_are_rendered_whole(site):
    for chapter in CHAPTERS:
        html = (site / "learn" / chapter / "index.html").read_text(encoding="utf-8")
        assert "[^" not in html, f"{chapter}: a footnote was not found"
        assert 'class="answer"' in html, chapter
        cited = sources_cited(text_of(chapter))
        assert html.count('<li id="fn:') == len(cited), chapter
        ids = re.findall(r'\sid="([^"]+)"', html)
        assert len(ids) == len(set(ids)), f"{chapter}: {sorted({id_ for id_ in ids if ids.count(id_) > 1})}"
        for picture in re.findall(r'<figure class="diagram">.*?</figure>', html, re.DOTALL):
            names = re.search(r'<svg [^>]*role="img" aria-labelledby="(\S+) (\S+)">', picture)
            assert names, chapter
            assert f'<title id="{names[1]}">' in picture
            words = re.search(rf'<desc id="{names[2]}">(.+?)</desc>', picture)
            assert words, f"{chapter}: a picture without words"
            assert len(words[1]) > 20


def test_the_name_of_a_part_with_sources():
    assert name_of(ROOT, LEARN / "memory.md") == "sources-of-learn-memory"


def test_bars_are_on_one_scale():
    (figure,) = bars("x", "Things <1>", [Bar("a", "one", (1.0, 1.0), 4.0), Bar("b & c", "two", (2.0,))], key=("p", "q"), caption="Note.")
    assert "Things &lt;1&gt;" in figure
    assert "b &amp; c" in figure
    assert re.findall(r'width="([\d.]+)%" height="16"', figure) == ["100.00", "25.00", "25.00", "50.00"]
    assert '<desc id="x-desc">a: one. b &amp; c: two</desc>' in figure
    assert figure.count("\n") == 0


def test_words_that_are_too_long_for_a_phone_stand_below():
    (short,) = bars("x", "Things", [Bar("a", "b", (1.0,)), Bar("c", "d", (1.0,))])
    (long,) = bars("x", "Things", [Bar("a" * 30, "b" * 30, (1.0,)), Bar("c", "d", (1.0,))])
    heights = [int(found) for figure in (short, long) for found in re.findall(r'<svg width="100%" height="(\d+)"', figure)]
    assert heights == [92, 107]
    assert f'<text x="0" y="29">{"b" * 30}</text>' in long
    assert '<text class="n" x="100%" y="14">b</text>' in short


def test_curves_say_their_values():
    (figure,) = curves("x", "Growth", [(0, "0"), (5, ""), (10, "10")], [("one", (0, 2, 4))], y=[(0, "0"), (4, "4")], axes=("tokens", "GiB"))
    assert 'points="0,1000 500,500 1000,0"' in figure
    assert '<desc id="x-desc">one: 0 at 0, 4 at 10</desc>' in figure


def test_a_flow_has_its_boxes_inside():
    (figure,) = flow("x", "Way", [[Box("a", ("line",)), Box("b")], [Box("c")]], arrows=("then",))
    box = re.search(r'viewBox="0 0 (\d+) (\d+)"', figure)
    assert box
    for x, y, width, height in re.findall(r'<rect class="box[^"]*" x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"', figure):
        assert int(x) + int(width) <= int(box[1])
        assert int(y) + int(height) <= int(box[2])
    assert ">then<" in figure
