"""Tables that chapters take in by name: `--8<-- "use-cases.md"`. Every number comes from the knowledge base or the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from setupgen.engine.cache import growing_bytes_per_token, llama_cpp_bytes
from setupgen.engine.estimate import site
from setupgen.engine.memory import Workload
from setupgen.engine.weights import weight_bytes
from setupgen.maintain.checks import all_checks
from setupgen.maintain.overlay import CHECKS as OVER_OWN_FILES
from setupgen.maintain.pages.examples import (
    CARD,
    MACHINES,
    SMALL_MODEL,
    WHOLE,
    backend_of,
    choice_of,
    host_of,
    model_link,
    planned,
    setup_cells,
    small_estimate,
)
from setupgen.maintain.pages.text import gib, rate, seconds, span, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from setupgen.knowledge import Pack


def use_cases(pack: Pack) -> Iterator[str]:
    """What each use case asks of a setup."""
    rows = [
        [
            f"{entry['label']}<br>`{id_}`",
            f"{entry['prompt_tokens']:,}",
            f"{entry['answer_tokens']:,}" if entry["answer_tokens"] else "none",
            f"{entry['default_context']:,}",
            f"{entry['minimum_context']:,}",
            entry["comfortable_tps"] or "any",
            f"{entry['patience_s']:g}",
            ", ".join(entry["capabilities"]),
        ]
        for id_, entry in pack.vocabulary("use-cases").items()
    ]
    heads = [
        "Use case",
        "Prompt, tokens",
        "Answer, tokens",
        "Usual context",
        "Least context",
        "Pleasant, tokens/s",
        "Patience, s",
        "Must have",
    ]
    yield from table(heads, rows, numbers=(1, 2, 3, 4, 5, 6))


def use_case_models(pack: Pack) -> Iterator[str]:
    """The models that each use case is usually done with, smallest first."""
    rows = []
    for id_, entry in pack.vocabulary("use-cases").items():
        fit = [model for model in pack.models.values() if str(model.use_cases.get(id_)) == "3"]
        usable = sum(1 for model in pack.models.values() if id_ in model.use_cases)
        fit.sort(key=lambda model: (model.total_parameters, model.id))
        rows.append([entry["label"], ", ".join(model_link(model) for model in fit) or "none yet", usable])
    yield from table(["Use case", "Made for it, or a usual pick (smallest first)", "Usable in all"], rows, numbers=(2,))


def use_cases_on_one_card(pack: Pack) -> Iterator[str]:
    """The plan of every use case on the running example."""
    rows = []
    for id_, entry in pack.vocabulary("use-cases").items():
        choice = choice_of(pack, {**CARD, "use_case": id_})
        rows.append([entry["label"], *(setup_cells(choice) if choice else ["nothing fits", "", "", "", ""])])
    yield from table(["Use case", "Model", "Quantisation", "Server", "Tokens/s", "GiB"], rows, numbers=(4, 5))


def experiences(pack: Pack) -> Iterator[str]:
    """What each experience weighs."""
    parts = ("quality", "precision", "speed", "latency", "throughput")
    rows = [
        [
            f"{entry['label']}<br>`{id_}`",
            entry["description"],
            *(f"{entry['weights'].get(part, 0):g}" for part in parts),
            f"{entry['pace']:g}",
        ]
        for id_, entry in pack.vocabulary("experiences").items()
    ]
    yield from table(["Experience", "Meaning", *(part.capitalize() for part in parts), "Pace"], rows, numbers=(2, 3, 4, 5, 6, 7))


def experiences_compared(pack: Pack) -> Iterator[str]:
    """The same need on the running example, once for each experience."""
    rows = []
    for id_, entry in pack.vocabulary("experiences").items():
        choice = choice_of(pack, {**CARD, "use_case": "chat", "experience": id_})
        if choice:
            rows.append([entry["label"], *setup_cells(choice), seconds(choice.speed.ttft_s.value)])
    yield from table(["Experience", "Model", "Quantisation", "Server", "Tokens/s", "GiB", "First words"], rows, numbers=(4, 5, 6))


def waiting(pack: Pack) -> Iterator[str]:
    """Time to the first word, by length of the prompt and by hardware."""
    prompts = (1_500, 8_000, 30_000)
    rows = []
    for name, answers in MACHINES:
        found = [small_estimate(pack, answers, context=prompt + 1_000, prompt=prompt) for prompt in prompts]
        if found[0]:
            waits = [_wait(one.speed.ttft_s) if one and one.memory.fits in WHOLE else "does not fit" for one in found]
            rows.append([name, span(found[0].speed.prefill_tps), *waits])
    heads = ["Hardware", "Reading, tokens/s", *(f"{prompt:,} tokens" for prompt in prompts)]
    yield from table(heads, rows, numbers=(1, 2, 3, 4))


def _wait(found: Any) -> str:
    low, high = seconds(found.low), seconds(found.high)
    return low if low == high else f"{low.removesuffix(' ' + high.split()[-1])} to {high}"


def many_users(pack: Pack) -> Iterator[str]:
    """What each user sees, and what all get together, as users are added on one card."""
    rows = []
    for users in (1, 2, 4, 8, 16, 32):
        found = small_estimate(
            pack, {"hardware": ["rtx-4090"], "ram": "64G"}, context=4096, parallel=users, quant="AWQ-INT4", server="vllm"
        )
        if found and found.memory.fits == "full":
            speed = found.speed
            rows.append([users, span(speed.decode_tps), span(speed.aggregate_tps), gib(found.memory.kv_cache_bytes)])
    yield from table(["Users", "Each, tokens/s", "Together, tokens/s", "Cache, GiB"], rows, numbers=(0, 1, 2, 3))


def quantisations(pack: Pack) -> Iterator[str]:
    """Bits, loss and bytes of each GGUF quantisation."""
    model = pack.models.get(SMALL_MODEL[0])
    rows = []
    native = {other.raw.get("native_quant") for other in pack.models.values()}
    for id_, entry in pack.vocabulary("quantisations").items():
        if "gguf" not in entry["formats"] or model is None or id_ in native:  # native ones are no choice for other models
            continue
        size = weight_bytes(model.architecture, id_, "gguf").total
        loss = f"{entry['kl_divergence']:.4f}" if "kl_divergence" in entry else ""
        rows.append([f"`{id_}`", f"{size * 8 / model.total_parameters:.2f}", gib(size), loss, entry["description"]])
    yield from table(["Quantisation", "Bits per weight", "Qwen3 8B, GiB", "Loss", "What it is"], rows, numbers=(1, 2, 3))


def cache(pack: Pack) -> Iterator[str]:
    """How much the context costs, by kind of attention."""
    rows = []
    for id_ in (
        "qwen/qwen3-8b",
        "google/gemma-3-12b",
        "qwen/qwen3.6-27b",
        "zai/glm-4.7-flash",
        "qwen/qwen3.6-35b-a3b",
        "openai/gpt-oss-20b",
    ):
        model = pack.models.get(id_)
        if model is None:
            continue
        kinds = ", ".join(f"{group.layers} {group.kind}" for group in model.architecture.attention)
        sizes = [gib(llama_cpp_bytes(model.architecture, Workload(context, 1))) for context in (8_192, 32_768, 131_072)]
        rows.append([model_link(model), kinds, f"{growing_bytes_per_token(model.architecture):,}", *sizes])
    heads = ["Model", "Layers", "Bytes per further token", "8k, GiB", "32k, GiB", "128k, GiB"]
    yield from table(heads, rows, numbers=(2, 3, 4, 5))


def memory_example(pack: Pack) -> Iterator[str]:
    """Where the memory of the running example's plan goes."""
    choice = choice_of(pack, {**CARD, "use_case": "coding-agent"})
    if choice is None:
        return
    memory = choice.memory
    device = memory.devices[0]
    context = f"{choice.settings['context']:,} tokens"
    rows = [
        ["Weights", gib(memory.weights_bytes), f"{choice.model.name} in {choice.weights.quant}"],
        ["Cache", gib(memory.kv_cache_bytes), f"{context} of context for one request"],
        ["Buffers", gib(memory.compute_bytes), "results between layers while it computes"],
        ["Overhead", gib(memory.overhead_bytes), "what the driver and the server take for themselves"],
        ["In main memory, at most", gib(memory.host_bytes), "such as a cache of earlier prompts"],
        ["On the card", f"{gib(device.used_bytes)} of {gib(device.capacity_bytes)}", device.name],
    ]
    yield from table(["Part", "GiB", "What it is"], rows, numbers=(1,))


def bandwidth(pack: Pack) -> Iterator[str]:
    """Speed of one model by the bandwidth of what it lies in."""
    rows = []
    for name, answers in MACHINES:
        found = small_estimate(pack, answers, context=8_192)
        if found and found.memory.fits in WHOLE:
            host = host_of(pack, answers)
            where = site(host, backend_of(host))
            rows.append([name, f"{where.bandwidth_gb_s:,.0f}", span(found.speed.decode_tps), span(found.speed.prefill_tps)])
    rows.sort(key=lambda row: float(row[1].replace(",", "")))
    yield from table(["Hardware", "GB/s", "Writing, tokens/s", "Reading, tokens/s"], rows, numbers=(1, 2, 3))


def machines(pack: Pack) -> Iterator[str]:
    """What usual machines run for chat and for a coding agent."""
    rows = []
    for name, answers in MACHINES:
        cells = []
        for use_case in ("chat", "coding-agent"):
            result = planned(pack, {**answers, "use_case": use_case})
            if result is None:
                break
            choice = result.choice
            buy = " (buying is advised)" if result.verdict == "hosted" else ""
            text = (
                f"{model_link(choice.model)} `{choice.weights.quant}`, {rate(choice.speed.decode_tps.value)} tokens/s"
                if choice
                else "nothing fits"
            )
            cells.append(f"{text}{buy}")
        else:
            rows.append([name, *cells])
    yield from table(["Machine", "Chat", "Coding agent"], rows)


def servers(pack: Pack) -> Iterator[str]:
    """Which server the rules prefer when."""
    rows = []
    for id_, rule in sorted(pack.rules.items()):
        for effect in rule["then"]:
            preferred = effect.get("prefer", {}).get("server")
            if preferred and effect["weight"] > 0:
                names = [preferred] if isinstance(preferred, str) else preferred
                label = ", ".join(pack.servers[name].name for name in names if name in pack.servers)
                rows.append([label, rule["because"], f"[{id_}](../reference/rules.md#{id_})"])
    rows.sort()
    yield from table(["Server", "Speaks for it", "Rule"], rows)


def hosted(pack: Pack) -> Iterator[str]:
    """The cheapest dated offer of each of the strongest models."""
    yield from table(*price_rows(pack, only="frontier"), numbers=(2, 3, 4))


def price_rows(pack: Pack, *, only: str = "") -> tuple[list[str], list[list[str]]]:
    """Titles and rows: each model at its cheapest provider, cheapest first.

    Args:
        pack: the knowledge base.
        only: take offers of this tier alone.
    """
    offers: dict[str, list[tuple[float, str, Mapping[str, Any]]]] = {}
    for _, provider in sorted(pack.hosted.items()):
        for offer in provider["offers"]:
            if only and offer.get("tier") != only:
                continue
            price = offer["input_per_mtok_usd"] + offer["output_per_mtok_usd"]
            offers.setdefault(offer.get("model") or offer["name"], []).append((price, provider["name"], offer))
    rows = []
    for model, found in sorted(offers.items(), key=lambda item: (min(item[1], key=_price)[0], item[0])):
        _, seller, offer = min(found, key=_price)
        name = model_link(pack.models[model]) if model in pack.models else str(offer["name"])
        prices = [f"{offer['input_per_mtok_usd']:.2f}", f"{offer['output_per_mtok_usd']:.2f}"]
        rows.append([name, seller, *prices, f"[{offer['date']}]({pack.url(offer['source'])})"])
    return ["Model", "Cheapest at", "In, USD per million", "Out, USD per million", "As of"], rows


def _price(item: tuple[float, str, Mapping[str, Any]]) -> tuple[float, str]:
    return item[0], item[1]


def checks(_: Pack) -> Iterator[str]:
    """Every check of the knowledge base, with what it holds."""
    rows = [
        [f"`{check.name}`", check.description, "yes" if check.name in OVER_OWN_FILES else "", len(check.exceptions) or ""]
        for check in all_checks()
    ]
    yield from table(["Check", "What it holds", "Own folder", "Exceptions"], rows, numbers=(3,))


TABLES: Mapping[str, Callable[[Pack], Iterator[str]]] = {
    "bandwidth": bandwidth,
    "cache": cache,
    "checks": checks,
    "experiences": experiences,
    "experiences-compared": experiences_compared,
    "hosted": hosted,
    "machines": machines,
    "memory-example": memory_example,
    "many-users": many_users,
    "quantisations": quantisations,
    "servers": servers,
    "use-case-models": use_case_models,
    "use-cases": use_cases,
    "use-cases-on-one-card": use_cases_on_one_card,
    "waiting": waiting,
}
