"""Long tables: their HTML, and the script that sorts and filters them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from setupgen.maintain.pages.listing import Column, Html, Row, address, listing
from site_tools import Quiet, served

SCRIPT = Path(__file__).parents[2] / "docs" / "assets" / "tables.js"
BROWSER = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), "")

DRIVER = """
const listing = document.querySelector(".listing");
const find = (what) => listing.querySelector(what);
const lines = () => [...listing.querySelectorAll("tbody tr")].filter((line) => line.getClientRects().length);
const names = () => lines().map((line) => line.cells[0].textContent);
const status = () => find("[role=status]").textContent;
const input = find("input");
const type = (text) => { input.value = text; input.dispatchEvent(new Event("input")); return { names: names(), status: status() }; };
const seen = { asked: input.value, at_first: { count: names().length, status: status() } };
seen.all = type("").names.length;
seen.words = type("  3090   rtx ");
seen.alias = type("GA102 [GeForce RTX 3090]");
seen.nothing = type("no such thing");
input.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
seen.cleared = names().length;
const heads = [...listing.querySelectorAll("thead th")];
const column = heads.findIndex((head) => head.textContent.startsWith("GB/s"));
const speeds = () => lines().map((line) => Number(line.cells[column].textContent));
const button = heads[column].querySelector("button");
button.click();
seen.rising = { sort: heads.map((head) => head.getAttribute("aria-sort")), speeds: speeds(), status: status() };
button.click();
seen.falling = { sort: heads.map((head) => head.getAttribute("aria-sort")), speeds: speeds() };
const target = heads.findIndex((head) => head.textContent.startsWith("Target"));
heads[target].querySelector("button").click();
heads[target].querySelector("button").click();
seen.empty_last = lines().map((line) => line.cells[target].textContent);
const kind = [...listing.querySelectorAll("select")].find((select) => select.labels[0].textContent.startsWith("Kind"));
kind.value = "Apple silicon";
kind.dispatchEvent(new Event("change"));
seen.chosen = names();
seen.unlabelled = [...listing.querySelectorAll("input, select")].filter((field) => !field.labels.length).length;
seen.buttons = heads.filter((head) => head.querySelector("button")?.type === "button").length === heads.length;
const region = find("[role=region]");
seen.region = [region.tabIndex, region.getAttribute("aria-label"), find("table").caption.textContent];
seen.requests = performance.getEntriesByType("resource").map((entry) => new URL(entry.name).origin).filter((from) => from !== location.origin);
seen.wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
document.body.append(Object.assign(document.createElement("pre"), { id: "seen", textContent: JSON.stringify(seen) }));
"""


def test_a_listing_is_a_plain_table():
    columns = [Column("Name", choose=True), Column("Size", digits=True)]
    html = list(
        listing("things", "All <things>", columns, [Row(("a & b", 2), id="x", more=["other", '"name"']), Row((Html("<b>c</b>", "c"), ""))])
    )
    assert html[0] == '<div class="listing" data-listing="things">'
    assert "<caption>All &lt;things&gt;</caption>" in html
    assert '<th scope="col" data-choose>Name</th>' in html
    assert '<tr id="x" data-more="other &quot;name&quot;"><td>a &amp; b</td><td class="n">2</td></tr>' in html
    assert '<tr><td data-sort="c"><b>c</b></td><td class="n"></td></tr>' in html


def test_a_row_has_a_cell_for_each_column():
    with pytest.raises(ValueError, match="argument 2"):
        list(listing("things", "All", [Column("a"), Column("b")], [Row(("1",))]))


def test_addresses_between_pages():
    assert address("models", "models/qwen#x") == "qwen/#x"
    assert address("hardware/nvidia", "models/qwen") == "../../models/qwen/"
    assert address("rules", "rules#x") == "#x"


def test_words_values_and_order(tmp_path):
    module = tmp_path / "tables.mjs"
    shutil.copy(SCRIPT, module)
    program = """
    import { compare, keeps, wordsOf } from "./tables.mjs";
    const row = { text: "nvidia geforce rtx 3090 24", values: [["NVIDIA"], ["cuda", "vulkan"]] };
    const sorted = (list, way) => [...list].sort((a, b) => compare(a, b, way));
    console.log(JSON.stringify({
      words: wordsOf("  Café  RTX "),
      keeps: [["3090", "rtx"], ["4090"]].map((words) => keeps(row, words, [])),
      chosen: [[1, "vulkan"], [1, "rocm"]].map((choice) => keeps(row, [], [choice])),
      rising: sorted(["1,008", "", "24", "936.2"], 1),
      falling: sorted(["1,008", "", "24", "936.2"], -1),
      names: sorted(["RTX 10", "rtx 9", "Arc"], 1),
      dates: sorted(["2026-04", "2025-11-30"], 1),
    }));
    """
    node = shutil.which("node")
    if not node:
        pytest.fail("node is missing: sudo apt install nodejs npm")
    (tmp_path / "run.mjs").write_text(program, encoding="utf-8")
    result = subprocess.run([node, "run.mjs"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == {
        "words": ["cafe", "rtx"],
        "keeps": [True, False],
        "chosen": [True, False],
        "rising": ["24", "936.2", "1,008", ""],
        "falling": ["1,008", "936.2", "24", ""],
        "names": ["Arc", "rtx 9", "RTX 10"],
        "dates": ["2025-11-30", "2026-04"],
    }


class Handler(Quiet):
    """Serves the site, and at `probe.html` a page of it with the driver behind its scripts."""

    def do_GET(self):  # noqa: N802 - the name that http.server calls
        folder, _, name = self.path.split("?")[0].rpartition("/")
        if name == "probe.js":
            self._answer("text/javascript", DRIVER)
        elif name == "probe.html":
            html = Path(self.directory, folder.strip("/"), "index.html").read_text(encoding="utf-8")
            self._answer("text/html", html.replace("</body>", '<script type="module" src="probe.js"></script></body>'))
        else:
            super().do_GET()

    def _answer(self, kind, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def seen(site, tmp_path_factory):
    """What a browser sees as the driver filters and sorts the table of hardware, at the width of a phone."""
    if not BROWSER:
        pytest.fail("chromium is missing: sudo apt install chromium")
    profile = tmp_path_factory.mktemp("profile")
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=500,900", "--virtual-time-budget=20000", "--dump-dom"]
    with served(site, Handler) as address:
        command = [BROWSER, *flags, f"--user-data-dir={profile}", f"{address}/reference/hardware/probe.html?filter=laptop"]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
    found = re.search(r'<pre id="seen">(.*?)</pre>', result.stdout, re.DOTALL)
    assert found, result.stderr[-2000:]
    return json.loads(unescape(found[1]))


def test_the_filter_keeps_rows_with_all_words(seen):
    assert seen["words"]["names"]
    assert all("3090" in name and "RTX" in name for name in seen["words"]["names"])
    assert seen["words"]["status"] == f"{len(seen['words']['names'])} of {seen['all']} kinds of hardware."
    assert "NVIDIA GeForce RTX 3090" in seen["alias"]["names"], "names that tools print are found too"
    assert seen["nothing"]["names"] == []
    assert seen["nothing"]["status"].startswith("0 of ")
    assert seen["cleared"] == seen["all"], "Escape clears the filter"


def test_an_address_may_bring_a_filter(seen):
    assert seen["asked"] == "laptop"
    assert 0 < seen["at_first"]["count"] < seen["all"]


def test_headings_sort_and_say_so(seen):
    for way, name in (("rising", "ascending"), ("falling", "descending")):
        speeds = seen[way]["speeds"]
        assert len(speeds) == seen["all"]
        assert speeds == sorted(speeds, reverse=way == "falling")
        assert [value for value in seen[way]["sort"] if value] == [name]
    assert "Sorted by GB/s, rising." in seen["rising"]["status"]
    empty = [not text for text in seen["empty_last"]]
    assert empty == sorted(empty), "empty cells come last, falling too"


def test_a_list_of_values_filters(seen):
    assert seen["chosen"]
    assert all(name.startswith("Apple") for name in seen["chosen"])


def test_controls_are_accessible(seen):
    assert seen["unlabelled"] == 0
    assert seen["buttons"]
    tab, label, caption = seen["region"]
    assert tab == 0, "the keyboard can scroll the table"
    assert label == caption
    assert label


def test_the_script_asks_nobody(seen):
    assert seen["requests"] == []


def test_a_page_is_no_wider_than_a_phone(seen):
    assert seen["wide"] <= 0
