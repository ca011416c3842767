"""The pages of what is around a model: servers, proxies, clusters, clients and hosted providers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from setupgen.maintain.pages.facts import disputes, notes
from setupgen.maintain.pages.listing import Column, Html, Row, code, link, listing
from setupgen.maintain.pages.models import lab
from setupgen.maintain.pages.text import anchor, cited, escape, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from setupgen.knowledge import Pack, Server

SERVERS = (
    Column("Server"),
    Column("Kind", choose=True),
    Column("State", choose=True),
    Column("Formats", choose=True),
    Column("Backends", choose=True),
    Column("APIs", choose=True),
    Column("Runs as", choose=True),
    Column("Pinned"),
    Column("Safe from"),
    Column("Port", digits=True),
    Column("Licence"),
    Column("Reviewed", digits=True),
)

CLIENTS = (
    Column("Client"),
    Column("Kind", choose=True),
    Column("State", choose=True),
    Column("Use cases", choose=True),
    Column("APIs", choose=True),
    Column("Least context", digits=True),
    Column("Licence"),
    Column("Reviewed", digits=True),
)

OFFERS = (
    Column("Model"),
    Column("Provider", choose=True),
    Column("Tier", choose=True),
    Column("In, USD per million", digits=True),
    Column("Cached", digits=True),
    Column("Out, USD per million", digits=True),
    Column("Context", digits=True),
    Column("As of", digits=True),
)

TIERS = {"same": "same", "frontier": "stronger", "small": "small"}


def servers(pack: Pack) -> Iterator[str]:
    """The lines of the page of all servers."""
    yield "“Pinned” is the version that generated files name, “safe from” the oldest one that plans accept. A name leads to the rest: known weaknesses,"
    yield "how it treats several users, and every known option with the versions that it came in and went away in."
    yield ""
    rows = [_server(server) for server in pack.servers.values()]
    yield from listing("servers, proxies and cluster engines", "All servers, proxies and cluster engines", SERVERS, rows)


def _server(server: Server) -> Row:
    cells = (
        link("servers", f"servers/{server.id}", server.name, sort=server.name),
        server.kind,
        server.status,
        ", ".join(server.formats),
        ", ".join(server.backends),
        ", ".join(server.apis),
        ", ".join(server.runtimes),
        _short(server.version),
        _short(server.minimum_version),
        server.port,
        server.license_id,
        server.reviewed,
    )
    return Row(cells, more=[server.id, *server.raw.get("aliases", ())])


def _short(version: str) -> str:
    """A version; of a commit the beginning."""
    return version[:10] if re.fullmatch(r"[0-9a-f]{40}", version) else version


def server_pages(pack: Pack) -> dict[str, str]:
    """Name to text of the page of each server."""
    return {f"servers/{server.id}": "\n".join(_server_page(pack, server)).rstrip() + "\n" for server in pack.servers.values()}


def _server_page(pack: Pack, server: Server) -> Iterator[str]:
    raw = server.raw
    yield from (f"# {server.name}", "", "[All servers](../servers.md)", "", *_instead(pack.raw["servers"], raw, server.status, ".md"))
    facts: list[list[Any]] = [
        ["Id", f"`{server.id}`"],
        ["Kind", f"{server.kind}, {server.status}"],
        ["Licence", server.license_id],
        ["Version that files pin", f"`{server.version}`" + (f" of {raw['version']['released']}" if "released" in raw["version"] else "")],
        ["Oldest version that is safe", f"`{server.minimum_version}`"],
        ["Why", raw["version"].get("minimum_because", "")],
        ["Port", server.port],
        ["Platforms", ", ".join(server.platforms)],
        ["Runs as", ", ".join(server.runtimes)],
        ["Formats", ", ".join(server.formats)],
        ["Backends", ", ".join(server.backends)],
        ["APIs", ", ".join(server.apis)],
        ["Several users", _concurrency(server.concurrency)],
        ["Setups", _setups(server)],
        ["Parsers of tool calls", ", ".join(raw.get("tool_parsers", ()))],
        ["Parsers of thoughts", ", ".join(raw.get("reasoning_parsers", ()))],
        ["Reviewed", server.reviewed],
    ]
    yield from table(["", ""], [row for row in facts if row[1]])
    yield from notes(raw)
    yield from disputes(pack, raw)
    yield from ("", cited(pack, server.sources))
    if raw.get("security"):
        rows = [
            [item["id"], item["fixed_in"] or "open", f"{item.get('note', '')} [source]({pack.url(item['source'])})".strip()]
            for item in raw["security"]
        ]
        yield from ("", "## Weaknesses", "", *table(["Id", "Fixed in", ""], rows))
    yield from _options("Options", server.flags)
    yield from _options("Variables", server.environment)


def _setups(server: Server) -> str:
    """Why there are none, or that they are made for who asks by name; empty for a server that is offered like any other."""
    if why := server.raw.get("unplanned"):
        return f"None: {why.rstrip('.')}."
    return f"For who asks: `--server {server.id}`" if server.raw.get("on_request") else ""


def _concurrency(raw: Mapping[str, Any]) -> str:
    if not raw:
        return ""
    parts = [str(raw["kind"]).replace("-", " ")]
    parts += [f"{raw['default_parallel']} at once by default"] if "default_parallel" in raw else []
    parts += [f"comfortable up to {raw['comfortable_users']}"] if "comfortable_users" in raw else []
    return ", ".join(parts) + (f". {raw['note']}" if "note" in raw else "")


def _options(title: str, options: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    if not options:
        return
    columns = [Column(title.removesuffix("s")), Column("Takes"), Column("Default"), Column("Since"), Column("Gone in"), Column("Meaning")]
    rows = [
        Row((
            Html("<br>".join(code(word) for word in (name, *flag.get("aliases", ()))), name),
            flag.get("takes", ""),
            str(flag.get("default", "")),
            flag.get("since", ""),
            flag.get("until", ""),
            ". ".join(_meaning(flag)),
        ))
        for name, flag in options.items()
    ]  # fmt: skip
    yield from ("", f"## {title}", "", *listing(title.lower(), title, columns, rows))


def _meaning(flag: Mapping[str, Any]) -> Iterator[str]:
    parts = [flag.get("meaning", ""), f"Instead: {flag['instead']}" if "instead" in flag else "", flag.get("note", "")]
    parts += [f"Never generated: {flag['never']}" if "never" in flag else "", "Deprecated" if flag.get("deprecated") else ""]
    yield from (part.rstrip(".") for part in parts if part)


def _instead(known: Mapping[str, Any], raw: Mapping[str, Any], status: str, link_end: str) -> Iterator[str]:
    """The warning that something is no longer worked on, and what to use."""
    if "instead" in raw:
        uses = ", ".join(
            f"[{known[id_]['name']}]({id_ if link_end == '.md' else '#' + id_}{link_end})" for id_ in raw["instead"]["use"] if id_ in known
        )
        yield from (f'!!! warning "{status.capitalize()}"', f"    {raw['instead']['because']}" + (f" Use {uses}." if uses else ""), "")


def clients(pack: Pack) -> Iterator[str]:
    """The lines of the page of clients."""
    rows = [
        Row(
            (
                link("clients", f"clients#{anchor(id_)}", raw["name"], sort=raw["name"]),
                raw.get("runs_as", ""),
                raw.get("status", ""),
                ", ".join(raw.get("use_cases", ())),
                ", ".join(raw["apis"]),
                f"{raw['minimum_context']:,}" if "minimum_context" in raw else "",
                raw.get("license", ""),
                raw["reviewed"],
            ),
            more=[id_, *raw.get("aliases", ())],
        )
        for id_, raw in sorted(pack.clients.items())
    ]
    yield from listing("clients", "All clients", CLIENTS, rows)
    for id_, raw in sorted(pack.clients.items()):
        yield from ("", f"## {raw['name']} {{ #{anchor(id_)} }}", "", *_instead(pack.clients, raw, raw.get("status", ""), ""))
        facts = [
            ["Id", f"`{id_}`"],
            ["Version", raw.get("version", {}).get("pinned", "")],
            ["Settings file", ", ".join(f"`{path}`" for path in raw.get("file", {}).get("places", ()))],
            ["Variables", ", ".join(f"`{item['name']}`" for item in raw.get("environment", ()))],
            ["Port", raw.get("port", "")],
            ["Reviewed", raw["reviewed"]],
        ]
        yield from table(["", ""], [row for row in facts if row[1]])
        yield from notes(raw, "facts", "notes")
        yield from disputes(pack, raw)
        yield from ("", cited(pack, raw["sources"]))


def hosted(pack: Pack) -> Iterator[str]:
    """The lines of the page of hosted providers."""
    yield "Prices change without notice: each date is that of the page that the price was read on. Tiers: “same” is a model that you can also run"
    yield "yourself, “stronger” one that is better than any of those, “small” a cheap one."
    yield ""
    rows = [_offer(pack, provider, offer) for _, provider in sorted(pack.hosted.items()) for offer in provider["offers"]]
    rows.sort(key=lambda row: float(row.cells[3]) + float(row.cells[5]))
    yield from listing("offers", "All offers, cheapest first", OFFERS, rows)
    for id_, provider in sorted(pack.hosted.items()):
        yield from ("", f"## {provider['name']} {{ #{anchor(id_)} }}", "")
        if provider.get("privacy"):
            yield from (provider["privacy"], "")
        base = f" API at `{provider['base_url']}`." if provider.get("base_url") else ""
        yield f"Id `{id_}`.{base} {len(provider['offers'])} offers known. Reviewed {provider['reviewed']}. {cited(pack, provider['sources'])}"
        yield from notes(provider)


def _offer(pack: Pack, provider: Mapping[str, Any], offer: Mapping[str, Any]) -> Row:
    model = offer.get("model", "")
    known = model in pack.models
    name = link("hosted", f"models/{lab(model)}#{anchor(model)}", pack.models[model].name, sort=offer["name"]) if known else offer["name"]
    source = pack.sources[offer["source"]]
    cells = (
        name,
        provider["name"],
        TIERS.get(offer.get("tier", ""), ""),
        f"{offer['input_per_mtok_usd']:.2f}",
        f"{offer['cached_input_per_mtok_usd']:.3g}" if "cached_input_per_mtok_usd" in offer else "",
        f"{offer['output_per_mtok_usd']:.2f}",
        f"{offer['context']:,}" if "context" in offer else "",
        Html(f'<a href="{escape(source["url"])}">{offer["date"]}</a>', offer["date"]),
    )
    return Row(cells, more=[offer["name"], model])
