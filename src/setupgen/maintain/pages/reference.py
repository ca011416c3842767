"""The reference: what the knowledge base holds, one page per kind of file."""

from __future__ import annotations

from collections import Counter
from html import escape as html
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from setupgen.engine.speed_constants import SPREAD
from setupgen.maintain.checks.sources_resolve import cited as cited_ids
from setupgen.maintain.pages.advice import pairings, rules, setups
from setupgen.maintain.pages.documents import documents
from setupgen.maintain.pages.hardware import hardware, instances, vendors
from setupgen.maintain.pages.listing import WIDE, WIDE_UNSEARCHED, Column, Html, Row, code, listing
from setupgen.maintain.pages.models import labs, models
from setupgen.maintain.pages.pitfalls import pitfalls
from setupgen.maintain.pages.stack import clients, hosted, server_pages, servers
from setupgen.maintain.pages.targets import targets
from setupgen.maintain.pages.text import table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from setupgen.knowledge import Pack


def page(pack: Pack, name: str) -> str:
    """The text of one page."""
    title, lead, body = PAGES[name]
    return FRONT.get(name, "") + "\n".join([f"# {title}", "", lead, "", *body(pack)]).rstrip() + "\n"


def _index(pack: Pack) -> Iterator[str]:
    yield "These pages are written by `make site` from the files in `knowledge/`, and by nobody else."
    yield ""
    for name, (title, lead, _) in PAGES.items():
        if name != "index":
            yield f"- [{title}]({name}.md): {lead}"
    yield ""
    counts = {
        "models": pack.models,
        "kinds of hardware": pack.devices,
        "rented instances": pack.instances,
        "servers, proxies and cluster engines": pack.servers,
        "clients": pack.clients,
        "hosted providers": pack.hosted,
        "blessed setups": pack.setups,
        "pairings": pack.pairings,
        "rules": pack.rules,
        "sources": pack.sources,
    }
    words = ", ".join(f"{len(entries)} {name}" for name, entries in counts.items())
    yield f"Knowledge base {pack.version} with {words}. Its oldest review is of {pack.oldest_review}."
    yield ""
    yield f"Digest: `{pack.digest}`"


def _vocabulary(pack: Pack) -> Iterator[str]:
    for name in sorted(pack.raw["vocabulary"]):
        yield from (f"## {name.replace('-', ' ').capitalize()} {{ #{name} }}", "")
        entries = pack.vocabulary(name).items()
        yield from table(["Id", "", "Meaning"], [[f"`{id_}`", entry.get("label", ""), entry["description"]] for id_, entry in entries])
        yield ""


def _accuracy(_: Pack) -> Iterator[str]:
    yield from (
        "Every speed that setupgen prints is an estimate with a range. The ranges below were set so that about four of five published",
        "measurements fall inside, and each device family was left out of the fit while its own rows were judged. “Times” is the factor",
        "between the estimate and either end of its range: with 1.2, an estimate of 100 tokens/s stands for 83 to 120.",
        "",
    )
    kinds = {"decode": "Writing (decode)", "prefill": "Reading (prefill)", "aggregate": "All users together"}
    for kind, title in kinds.items():
        rows = [
            (SPREAD_WORDS.get(name, name.replace("_", " ")), f"{1 + width:.2f}")
            for (group, name), width in ((key.split(".", 1), width) for key, width in sorted(SPREAD.items()))
            if group == kind
        ]
        yield from (f"## {title}", "", *table(["Class", "Times"], rows, numbers=(1,)), "")
    yield from (
        "The measurements, each with its source, are in `benchmarks/accuracy/data/speed.csv`; [how far estimates are off](../decide/accuracy.md) shows the error of every class,",
        "also for hardware and sources that the fit has not seen. Memory is not fitted: it is counted tensor by tensor from the model's own",
        "configuration, the way the server lays it out.",
    )


SPREAD_WORDS = {
    "geforce": "NVIDIA cards with GDDR memory since Turing",
    "pascal": "NVIDIA Pascal and older",
    "hbm": "NVIDIA data-centre cards with stacked memory",
    "radeon": "AMD Radeon",
    "instinct": "AMD Instinct",
    "arc": "Intel Arc",
    "apple": "Apple silicon",
    "unified": "other unified memory (Strix Halo, GB10, Jetson)",
    "cpu": "plain CPUs",
    "mixture": "mixtures of experts",
    "offload": "models that partly lie in main memory",
    "few": "a few users",
    "many": "many users",
}


SOURCES = (Column("Page"), Column("Site", choose=True), Column("Cited by", digits=True), Column("Read on", digits=True), Column("Id"))


def _sources(pack: Pack) -> Iterator[str]:
    yield "“Cited by” is the number of files and rules that rest on a page."
    yield ""
    sections = {section: pack.raw[section] for section in sorted(CITING) if section in pack.raw}
    counts = Counter(id_ for entries in sections.values() for entry in entries.values() for id_ in {id_ for _, id_ in cited_ids(entry)})
    rows = [
        Row((
            Html(f'<a href="{html(source["url"])}">{html(source["title"])}</a>', source["title"]),
            urlsplit(source["url"]).netloc.removeprefix("www."),
            counts[id_],
            source["retrieved"],
            Html(code(id_), id_),
        ))
        for id_, source in sorted(pack.sources.items())
    ]  # fmt: skip
    yield from listing("sources", "All sources, by id", SOURCES, rows)


CITING = frozenset({
    "models", "hardware", "instances", "servers", "clients", "hosted", "pairings", "setups", "measurements", "questions", "rules", "templates",
})  # fmt: skip
"""Sections whose entries cite sources."""


PAGES: dict[str, tuple[str, str, Callable[[Pack], Iterator[str]]]] = {
    "index": ("Reference", "What the knowledge base holds, as the program reads it.", _index),
    "models": ("Models", "Every model that is known, with the weights that are published of it.", models),
    "hardware": ("Hardware", "Every kind of hardware that is known, with the numbers that estimates rest on.", hardware),
    "instances": ("Rented instances", "Machines by the hour, with their accelerators and dated prices.", instances),
    "servers": ("Servers", "Every server, proxy and cluster engine, with the version that generated files pin.", servers),
    "targets": ("Targets", "Every kind of files that is written, which program judged it, and for which versions.", targets),
    "clients": ("Clients", "Programs that talk to a server, and how they are told where it is.", clients),
    "setups": ("Blessed setups", "Whole setups with evidence that they work.", setups),
    "pairings": (
        "Pairings",
        "Where a server and a model together need something special, or do not work, although their two files do not say so.",
        pairings,
    ),
    "rules": ("Rules", "Every rule that a plan can name, with its reason and its sources.", rules),
    "pitfalls": ("Pitfalls", "Forty ways in which self-hosted setups go wrong, and what is done about each.", pitfalls),
    "hosted": ("Hosted prices", "What the same models, and stronger ones, cost at a provider.", hosted),
    "accuracy": ("Accuracy", "How far estimates may be off, by class of hardware.", _accuracy),
    "vocabulary": ("Vocabulary", "The words that facts, models and rules are written with.", _vocabulary),
    "documents": ("JSON documents", "What commands print and take as JSON or YAML, for scripts.", documents),
    "sources": ("Sources", "Every page that a claim rests on.", _sources),
}


FRONT = {
    **dict.fromkeys(("models", "hardware", "instances", "servers", "setups", "targets", "pairings", "pitfalls", "hosted"), WIDE),
    "sources": WIDE_UNSEARCHED,
}
"""Front matter of pages that have some."""


def details(pack: Pack) -> dict[str, str]:
    """Name to text of the pages that no navigation lists, because they come and go with the files: tables lead to them."""
    return labs(pack) | vendors(pack) | server_pages(pack)
