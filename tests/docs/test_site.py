"""The built site, read as a browser reads it: the generator is not trusted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

from mkdocs.utils.yaml import yaml_load

# Tag -> the attribute that makes the browser load something.
LOADED = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src", "object": "data"}
LOADED_LINKS = {"stylesheet", "icon", "preload", "modulepreload", "preconnect", "dns-prefetch", "manifest"}
FEWEST_WORDS = 40
MOST_BYTES = 1_000_000


@dataclass
class Page:
    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    words: int = 0


class Reader(HTMLParser):
    """Collects links, anchors, what is loaded, and the words of the article."""

    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self._article = 0

    def handle_starttag(self, tag, attrs):
        values = {key: value or "" for key, value in attrs}
        if tag == "article":
            self._article += 1
        self.page.ids |= {values[key] for key in ("id", "name") if key in values}
        if tag == "a" and "href" in values:
            self.page.links.append(values["href"])
        if tag in LOADED and LOADED[tag] in values and (tag != "link" or set(values.get("rel", "").split()) & LOADED_LINKS):
            self.page.loaded.append(values[LOADED[tag]])

    def handle_endtag(self, tag):
        if tag == "article":
            self._article -= 1

    def handle_data(self, data):
        if self._article:
            self.page.words += len(data.split())


@cache
def read(path: Path) -> Page:
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader.page


def pages(site: Path) -> dict[Path, Page]:
    return {path: read(path) for path in sorted(site.rglob("*.html"))}


def target(site: Path, page: Path, address: str) -> Path:
    """The file that an internal address means."""
    path = unquote(urlsplit(address).path)
    found = page if not path else (site / path.lstrip("/") if path.startswith("/") else page.parent / path)
    return (found / "index.html" if found.is_dir() else found).resolve()


def is_external(address: str) -> bool:
    return bool(urlsplit(address).scheme or urlsplit(address).netloc)


def nav_files(entry) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    return [file for item in (entry.values() if isinstance(entry, dict) else entry) for file in nav_files(item)]


def test_every_entry_of_the_navigation_is_a_page(site, source):
    nav = nav_files(yaml_load((source / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])
    assert len(nav) == len(set(nav))
    for name in nav:
        assert (source / "docs" / name).is_file(), name
        path = Path(name)
        built = site / path.parent / "index.html" if path.stem == "index" else site / path.with_suffix("") / "index.html"
        assert built.is_file(), name


def test_every_page_is_in_the_navigation(source):
    config = yaml_load((source / "mkdocs.yml").read_text(encoding="utf-8"))
    nav = set(nav_files(config["nav"]))
    led_to = config["not_in_nav"].split()  # pages that come and go with files: tables lead to them
    assert all(pattern.startswith(("/reference/", "/setups/*/")) for pattern in led_to)
    written = {path.relative_to(source / "docs").as_posix() for path in (source / "docs").rglob("*.md") if "/." not in path.as_posix()}
    assert {name for name in written if not any(fnmatch(f"/{name}", pattern) for pattern in led_to)} == nav


def test_no_page_is_heavy(site):
    sizes = {path.relative_to(site).as_posix(): path.stat().st_size for path in pages(site)}
    assert {name: size for name, size in sizes.items() if size > MOST_BYTES} == {}


def test_links_inside_the_site_lead_somewhere(site):
    broken = []
    for path, page in pages(site).items():
        for link in page.links:
            if is_external(link) or path.name == "404.html":
                continue
            address, anchor = urldefrag(link)
            found = target(site, path, address)
            if not found.is_file():
                broken.append(f"{path.relative_to(site)}: {link}")
            elif anchor and found.suffix == ".html" and unquote(anchor) not in read(found).ids:
                broken.append(f"{path.relative_to(site)}: {link} has no such anchor")
    assert broken == []


def test_nothing_is_loaded_from_elsewhere(site):
    for path, page in pages(site).items():
        for address in page.loaded:
            if address.startswith("data:image/"):
                continue  # it is in the page already
            assert not is_external(address), f"{path.relative_to(site)} loads {address}"
            assert path.name == "404.html" or target(site, path, address).is_file(), f"{path.relative_to(site)}: {address}"
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert "url(http" not in text, style
        assert "url(//" not in text, style
        assert "@import" not in text, style


def test_no_page_has_what_the_theme_would_fetch_from_a_network(site):
    for path in pages(site):
        html = path.read_text(encoding="utf-8")
        assert 'class="mermaid"' not in html, f"{path.relative_to(site)}: the theme loads Mermaid from a CDN"
        assert 'data-md-component="source"' not in html, f"{path.relative_to(site)}: the theme asks GitHub for the repository's stars"


def test_no_page_is_empty(site):
    short = {str(path.relative_to(site)): page.words for path, page in pages(site).items() if path.name != "404.html"}
    assert {name: words for name, words in short.items() if words < FEWEST_WORDS} == {}


def test_chapters_hold_their_parts(site, source):
    for part in (source / "docs" / "reference" / ".tables").glob("*.md"):
        text = part.read_text(encoding="utf-8")
        if text.startswith("|"):
            assert text.count("\n") >= 4, f"{part.name} has hardly any rows"
        elif text.startswith("<figure"):
            assert text.count("<rect") + text.count("<polyline") >= 3, f"{part.name} shows hardly anything"
        else:
            assert text.strip() or part.name.startswith("sources-of-"), f"{part.name} is empty"
    for chapter in ("use-case", "response-experience", "hardware"):
        html = (site / "axes" / chapter / "index.html").read_text(encoding="utf-8")
        assert html.count("<table>") >= 3
    for path in pages(site):
        html = re.sub(r"<code>.*?</code>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert "--8&lt;--" not in html, path
        assert "--8<--" not in html, path


def test_the_search_index_knows_the_chapters(site):
    text = (site / "search" / "search_index.json").read_text(encoding="utf-8")
    assert "axes/hardware/" in text
    assert "reference/models/" in text
