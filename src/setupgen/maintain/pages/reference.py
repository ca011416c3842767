"""The reference: what the knowledge base holds, one page per kind of file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from setupgen.engine.speed_constants import SPREAD
from setupgen.maintain.pages.documents import documents
from setupgen.maintain.pages.tables import price_rows
from setupgen.maintain.pages.text import (
    anchor,
    cited,
    condition_text,
    effects_text,
    escape,
    numbered,
    parameters,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from setupgen.knowledge import Device, Model, Pack


def page(pack: Pack, name: str) -> str:
    """The text of one page."""
    title, lead, body = PAGES[name]
    return "\n".join([f"# {title}", "", lead, "", *body(pack)]).rstrip() + "\n"


def _index(pack: Pack) -> Iterator[str]:
    yield "These pages are written by `make site` from the files in `knowledge/`, and by nobody else."
    yield ""
    for name, (title, lead, _) in PAGES.items():
        if name != "index":
            yield f"- [{title}]({name}.md): {lead}"
    yield ""
    counts = f"{len(pack.models)} models, {len(pack.devices)} kinds of hardware, {len(pack.servers)} servers, {len(pack.rules)} rules"
    yield f"Knowledge base {pack.version} with {counts}, {len(pack.sources)} sources. Its oldest review is of {pack.oldest_review}."
    yield ""
    yield f"Digest: `{pack.digest}`"


def _models(pack: Pack) -> Iterator[str]:
    rows = [
        [
            f"[{model.name}](#{anchor(model.id)})",
            parameters(model.total_parameters, model.active_parameters),
            f"{model.native_context // 1024}k" if model.native_context >= 1024 else model.native_context,  # noqa: PLR2004  1k
            ", ".join(group.kind for group in model.architecture.attention),
            model.license_id,
            model.released,
            model.reviewed,
        ]
        for model in pack.models.values()
    ]
    yield from table(["Model", "Parameters", "Context", "Attention", "Licence", "Released", "Reviewed"], rows, numbers=(5, 6))
    for model in pack.models.values():
        yield from _model(pack, model)


def _model(pack: Pack, model: Model) -> Iterator[str]:
    yield from ("", f"## {model.name} {{ #{anchor(model.id)} }}", "")
    facts = [
        ("Id", f"`{model.id}`"),
        ("Publisher", f"{model.publisher}, {model.released}"),
        ("Parameters", parameters(model.total_parameters, model.active_parameters)),
        ("Layers", "; ".join(f"{group.layers} {group.kind}" for group in model.architecture.attention)),
        ("Context", _context(model)),
        ("Good for", ", ".join(f"{id_} ({GRADES[str(grade)]})" for id_, grade in model.use_cases.items())),
        ("Can", ", ".join(model.capabilities)),
        ("Licence", f"{model.license_id} ({model.license_class})"),
        ("Reviewed", model.reviewed),
    ]
    yield from table(["", ""], [row for row in facts if row[1]])
    yield ""
    rows = [[item.format, item.quant, f"`{item.repository}`", f"`{item.ollama}`" if item.ollama else ""] for item in model.weights]
    yield from table(["Format", "Quantisation", "Repository", "Ollama"], rows)
    if model.scores:
        scores = [[score["benchmark"], score["value"], score.get("harness", ""), score.get("date", "")] for score in model.scores]
        yield from ("", *table(["Benchmark", "Value", "By", "Date"], scores, numbers=(1,)))
    for fault in model.raw.get("faults", ()):
        yield from ("", f"Known fault: {fault}")
    yield from ("", cited(pack, model.sources))


GRADES = {"3": "made for it or a usual pick", "2": "good", "1": "usable"}


def _context(model: Model) -> str:
    native = f"{model.native_context:,} tokens"
    return f"{native}, documented up to {model.maximum_context:,}" if model.maximum_context > model.native_context else native


def _hardware(pack: Pack) -> Iterator[str]:
    yield "Rates are dense ones; an empty cell means that no source was found. “Reviewed” is the day of the last comparison with the sources."
    for segment, entry in pack.vocabulary("segments").items():
        devices = [device for device in pack.devices.values() if device.segment == segment]
        if not devices:
            continue
        yield from ("", f"## {entry['label']} {{ #{segment} }}", "", entry["description"], "")
        heads = ["Hardware", "GiB", "GB/s", "FP16 TFLOPS", "Target", "Backends", "Reviewed", "Sources"]
        yield from table(heads, [_device(pack, device) for device in devices], numbers=(1, 2, 3, 6))


def _device(pack: Pack, device: Device) -> list[Any]:
    return [
        f"{device.name}<br>`{device.id}`",
        ", ".join(f"{size / 1024**3:g}" for size in device.memory_options),
        f"{device.bandwidth_gb_s:g}",
        f"{device.compute['fp16']:g}" if device.compute.get("fp16") else "",
        device.capability,
        ", ".join(device.backends),
        device.reviewed,
        numbered(pack, device.sources),
    ]


def _servers(pack: Pack) -> Iterator[str]:
    for server in pack.servers.values():
        yield from (f"## {server.name} {{ #{anchor(server.id)} }}", "")
        facts: list[list[Any]] = [
            ["Id", f"`{server.id}`"],
            ["Kind", server.kind],
            ["Licence", server.license_id],
            ["Version that files pin", f"`{server.version}`"],
            ["Oldest version that is safe", f"`{server.minimum_version}`"],
            ["Why", server.raw["version"].get("minimum_because", "")],
            ["Port", server.port],
            ["Platforms", ", ".join(server.platforms)],
            ["Runs as", ", ".join(server.runtimes)],
            ["Formats", ", ".join(server.formats)],
            ["Backends", ", ".join(server.backends)],
            ["APIs", ", ".join(server.apis)],
            ["Options known", len(server.flags) or ""],
            ["Reviewed", server.reviewed],
        ]
        yield from table(["", ""], [row for row in facts if row[1]])
        yield from ("", cited(pack, server.sources), "")


def _rules(pack: Pack) -> Iterator[str]:
    topics: dict[str, list[str]] = {}
    for id_, rule in sorted(pack.rules.items()):
        topics.setdefault(rule["topic"], []).append(id_)
    for topic, ids in topics.items():
        yield from (f"## {topic.replace('-', ' ').capitalize()}", "")
        for id_ in ids:
            rule = pack.rules[id_]
            yield from (f"### {id_}", "", rule["because"], "", f"When {condition_text(rule['when'])}: {effects_text(rule['then'])}.", "")
            yield from (f"{cited(pack, rule['sources'])} Reviewed {rule['reviewed']}.", "")


def _vocabulary(pack: Pack) -> Iterator[str]:
    for name in sorted(pack.raw["vocabulary"]):
        yield from (f"## {name.replace('-', ' ').capitalize()} {{ #{name} }}", "")
        entries = pack.vocabulary(name).items()
        yield from table(["Id", "", "Meaning"], [[f"`{id_}`", entry.get("label", ""), entry["description"]] for id_, entry in entries])
        yield ""


def _hosted(pack: Pack) -> Iterator[str]:
    yield "Prices change without notice: each date is that of the page that the price was read on."
    yield ""
    yield from table(*price_rows(pack, "models.md"), numbers=(2, 3, 4))
    for provider in (pack.hosted[key] for key in sorted(pack.hosted)):
        yield from ("", f"## {provider['name']}", "")
        if provider.get("privacy"):
            yield from (provider["privacy"], "")
        yield f"{len(provider['offers'])} offers known. Reviewed {provider['reviewed']}. {cited(pack, provider['sources'])}"


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
        "The measurements, each with its source, are in `benchmarks/accuracy/data/speed.csv`; `make bench` prints the error of every class,",
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


def _sources(pack: Pack) -> Iterator[str]:
    rows = [
        [f"`{id_}`", f"[{escape(source['title'])}]({source['url']})", source["retrieved"]] for id_, source in sorted(pack.sources.items())
    ]
    yield from table(["Id", "Page", "Read on"], rows)


PAGES: dict[str, tuple[str, str, Callable[[Pack], Iterator[str]]]] = {
    "index": ("Reference", "What the knowledge base holds, as the program reads it.", _index),
    "models": ("Models", "Every model that a setup can have, with its published weights.", _models),
    "hardware": ("Hardware", "Every kind of hardware that is known, with the numbers that estimates rest on.", _hardware),
    "servers": ("Servers", "Every server and proxy, with the version that generated files pin.", _servers),
    "rules": ("Rules", "Every rule that a plan can name, with its reason and its sources.", _rules),
    "hosted": ("Hosted prices", "What the same models, and stronger ones, cost at a provider.", _hosted),
    "accuracy": ("Accuracy", "How far estimates may be off, by class of hardware.", _accuracy),
    "vocabulary": ("Vocabulary", "The words that facts, models and rules are written with.", _vocabulary),
    "documents": ("JSON documents", "What commands print and take as JSON or YAML, for scripts.", documents),
    "sources": ("Sources", "Every page that a claim rests on.", _sources),
}
