"""Context, slots and cache: what one request gets, and what all of them cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.doctor.catalogue import finding
from setupgen.doctor.records import ERROR, Launch, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setupgen.doctor.records import Case, Finding

CHAT, AGENTS = 8192, 65536
"""The floors of a context: the second is the one of the rule agents-need-64k."""
GIB = 1024**3
OLLAMA_STEPS = ((23.5, 4096), (47.5, 32768))
"""Memory of the cards in GiB below which Ollama's default context is this (ollama-context-docs); cards report a little less than is sold."""
LARGEST_OLLAMA_DEFAULT = 262144
LLAMA_SLOTS = 4
HARD_CACHES = ("q4", "q5", "iq4", "int4", "nvfp4")
EMBEDDERS = ("--embedding", "--rerank")
NO_TEXT = ("--embedding", "--rerank", "--pooling", "--is-embedding")


def number(value: Value | None) -> int | None:
    """A whole number, with ``k`` and ``m`` as people write them; nothing for anything else."""
    text = value.text.strip().lower().replace("_", "").replace(",", "") if value else ""
    factor = {"k": 1024, "m": 1024**2}.get(text[-1:], 1)
    digits = text.rstrip("km")
    return int(digits) * factor if digits.isascii() and digits.isdecimal() and len(digits) <= 12 else None  # noqa: PLR2004 - a context has fewer


def check(case: Case) -> Iterator[Finding]:
    """Findings about the size of contexts."""
    for launch in case.launches:
        if launch.server == "llama-cpp" and any(name in launch.flags for name in EMBEDDERS):
            yield from _embeddings(case, launch)
        if "rpc-server" in launch.name or any(name in launch.flags for name in NO_TEXT) or _pools(launch):
            continue
        if launch.server == "ollama":
            yield from _ollama(case, launch)
        elif launch.server == "llama-cpp":
            yield from _llama(case, launch)
        elif launch.server in {"vllm", "sglang"}:
            yield from _batching(case, launch)
        yield from _cache(case, launch)


def _ollama(case: Case, launch: Launch) -> Iterator[Finding]:
    if launch.origin == "modelfile":
        if (value := launch.flag("num_ctx")) is not None:
            yield from _small(case, launch, value, number(value), f"num_ctx {value.text}")
        return
    value = launch.environment.get("OLLAMA_CONTEXT_LENGTH")
    context = number(value)
    elsewhere = any(other.origin == "modelfile" and (number(other.flags.get("num_ctx")) or 0) >= CHAT for other in case.launches)
    if context:
        yield from _small(case, launch, value, context, f"OLLAMA_CONTEXT_LENGTH={context}")
    elif not elsewhere:
        default = _default_context(case)
        says = f"its default on this host is {default} tokens" if default else "its default is 4096 tokens below 24 GiB of card memory"
        fix = f"Set OLLAMA_CONTEXT_LENGTH={AGENTS if case.agents else 16384} in the server's environment."
        harmless = default is not None and default >= (AGENTS if case.agents else CHAT)
        what = f"{launch.name}: OLLAMA_CONTEXT_LENGTH is not set; {says}."
        yield finding(case.pack, "context-unset", what, launch.place, fix=fix, severity="" if harmless else ERROR)
    slots = number(launch.environment.get("OLLAMA_NUM_PARALLEL"))
    if slots and slots > 1 and slots != case.plan.get("choice", {}).get("settings", {}).get("parallel"):
        total = f", {slots * context} tokens in all" if context else ""
        what = f"{launch.name}: OLLAMA_NUM_PARALLEL={slots} reserves {slots} contexts{total}."
        yield finding(case.pack, "parallel-multiplies-context", what, launch.environment["OLLAMA_NUM_PARALLEL"].place)
    alive = launch.environment.get("OLLAMA_KEEP_ALIVE")
    if alive is None:
        what = f"{launch.name}: OLLAMA_KEEP_ALIVE is not set; models are unloaded after 5 minutes."
        yield finding(case.pack, "model-unloads", what, launch.place)
    elif alive.text.strip("\"'") in {"0", "0s", "0m"}:
        yield finding(case.pack, "model-unloads", f"{launch.name}: OLLAMA_KEEP_ALIVE={alive.text} unloads after every answer.", alive.place)


def _pools(launch: Launch) -> bool:
    """Whether vLLM makes vectors or scores, not text."""
    runner = launch.flag("--runner", "--task")
    return runner is not None and runner.text in {"pooling", "embed", "embedding", "score", "classify", "reward"}


def _embeddings(case: Case, launch: Launch) -> Iterator[Finding]:
    """Embedders whose micro-batch is left as it is."""
    default = case.pack.servers["llama-cpp"].settings.get("ubatch")
    if launch.flag("--ubatch-size") is None:
        what = f"{launch.name}: no --ubatch-size, so a text may have {default} tokens where the model is of the BERT family."
        yield finding(case.pack, "embeddings-cut", what, launch.place)


def _default_context(case: Case) -> int | None:
    """Ollama's default on this host, where its memory is known."""
    if not case.facts:
        return None
    sizes = [accelerator.get("memory_bytes") for accelerator in case.accelerators]
    known = [size for size in sizes if isinstance(size, int)]
    if len(known) != len(sizes):
        return None
    total = sum(known) / GIB
    return next((context for below, context in OLLAMA_STEPS if total < below), LARGEST_OLLAMA_DEFAULT)


def _llama(case: Case, launch: Launch) -> Iterator[Finding]:
    if launch.flag("--models-preset"):
        return  # a router: each model's section of that file has its own options
    value, slots_value = launch.flag("--ctx-size"), launch.flag("--parallel")
    context, slots = number(value), number(slots_value)
    shared = "--kv-unified" in launch.flags and not any(word.text in {"--no-kv-unified", "-no-kvu"} for word in launch.words)
    if not context:
        if slots == 1:
            return
        many = f"{slots} slots" if slots else f"its automatic {LLAMA_SLOTS} slots"
        fix = f"Give --ctx-size (slots times the context of one) and --parallel, such as --ctx-size {AGENTS if case.agents else 16384} --parallel 1."
        what = f"{launch.name}: no --ctx-size; {many} share whatever the model asks for and the memory allows."
        yield finding(case.pack, "context-unset", what, launch.place, fix=fix)
        return
    each = context if shared else context // max(slots or 1, 1)
    said = f"--ctx-size {context}" + (f" shared by {slots} slots is {each} tokens for each" if slots and slots > 1 and not shared else "")
    yield from _small(case, launch, value, each, said)


def _batching(case: Case, launch: Launch) -> Iterator[Finding]:
    value = launch.flag("--max-model-len", "--context-length")
    name = "--max-model-len" if launch.server == "vllm" else "--context-length"
    if value is None:
        fix = f"Give {name} with the tokens that one request needs, so that memory is left for more of them."
        what = f"{launch.name}: no {name}; the model's own context must fit into the cache, or the server does not start."
        yield finding(case.pack, "context-unset", what, launch.place, fix=fix)
        return
    yield from _small(case, launch, value, number(value), f"{name} {value.text}")


def _writes_nothing(case: Case, launch: Launch) -> bool:
    """Whether the model is one for speech or vectors, by its name: no conversation is held with it."""
    said = " ".join(value.text.lower() for value in (*launch.flags.values(), *launch.arguments))
    names = (head.id.rsplit("/", maxsplit=1)[-1] for head in case.pack.heads.values() if "text-generation" not in head.tasks)
    return any(name in said for name in names)


def _small(case: Case, launch: Launch, value: Value | None, each: int | None, said: str) -> Iterator[Finding]:
    planned = case.plan.get("choice", {}).get("settings", {}).get("context")
    floor = AGENTS if case.agents else CHAT
    if isinstance(planned, int):
        floor = min(floor, planned)
    if each is None or value is None or not 0 < each < floor or _writes_nothing(case, launch):
        return
    for_whom = "coding agents need 65536 or more" if floor == AGENTS else f"below {floor} conversations are cut"
    yield finding(case.pack, "context-small", f"{launch.name}: {said}; {for_whom}.", value.place)


def _cache(case: Case, launch: Launch) -> Iterator[Finding]:
    for name in ("--cache-type-k", "--cache-type-v", "--kv-cache-dtype", "OLLAMA_KV_CACHE_TYPE"):
        value = launch.environment.get(name) if name.isupper() and not name.startswith("-") else launch.flags.get(name)
        if value is not None and value.text.lower().startswith(HARD_CACHES):
            severity = ERROR if case.agents else ""
            yield finding(case.pack, "cache-quantised-hard", f"{launch.name}: {name} {value.text}.", value.place, severity=severity)
