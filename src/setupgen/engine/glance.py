"""The numbers of a plan as a page shows them: memory by device, speeds with ranges, and the few figures that are seen first. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from setupgen.words import duration, gib, page_words, people, prompt_words, rounded, span, speed_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from setupgen.knowledge import Pack

    Json = Mapping[str, Any]

COMFORTABLE, BRIM = 0.85, 0.97
"""How full a device may be and still be comfortable, and from where on it is full to the brim."""

MIB = 1024**2


def figures_of(document: Json, speed: list[dict[str, str]]) -> Iterator[dict[str, str]]:
    """What is seen first: the first two speeds, memory, and what must be downloaded."""
    for row in speed[:2]:
        yield {"label": row["label"], "value": row["value"], "words": row["words"]}
    choice = document["choice"]
    devices, weights = choice["memory"]["devices"], choice["weights"]
    used, capacity = (sum(item[key] for item in devices) for key in ("used_bytes", "capacity_bytes"))
    free = min(max(item["capacity_bytes"] - item["used_bytes"], 0) for item in devices)
    where = f"on {len(devices)} devices; " if len(devices) > 1 else ""
    least = " on the fullest" if len(devices) > 1 else ""
    yield {"label": "Memory", "value": f"{gib(used).removesuffix(' GiB')} of {gib(capacity)}", "words": f"{where}{gib(free)} free{least}"}
    yield {
        "label": "Download",
        "value": f"{weights['download_bytes'] / 1e9:.1f} GB",
        "words": f"{duration(weights['download_seconds_at_100mbit'])} at 100 Mbit/s",
    }


def memory_of(document: Json) -> dict[str, Any]:
    """How full each device is, of what the model's whole is made in shares of 100, and what main memory holds beside."""
    choice = document["choice"]
    memory = choice["memory"]
    total = max(memory["total_bytes"], 1)
    parts = [
        {"label": label, "about": about, "percent": round(memory[key] / total * 100, 1), "text": gib(memory[key])}
        for key, label, about in (
            ("weights_bytes", "weights", "the model itself"),
            ("kv_cache_bytes", "cache", "what it remembers of the conversation"),
            ("compute_bytes", "buffers", "room to compute in"),
            ("overhead_bytes", "overhead", "driver and server"),
        )
    ]
    devices = [_device(item["name"], item["used_bytes"], item["capacity_bytes"]) for item in memory["devices"]]
    return {"devices": devices, "parts": parts, **_beside(document)}


def _beside(document: Json) -> dict[str, Any]:
    """Main memory beside accelerators that have memory of their own, and what the server may keep of earlier prompts."""
    choice, hardware = document["choice"], document["facts"]["hardware"]
    host = choice["memory"]["host_bytes"]
    prompts = (choice["settings"].get("prompt_cache_mib") or 0) * MIB
    kept = f"up to {gib(prompts)} of it for earlier prompts, so that they need not be read again" if prompts else ""
    own = bool(hardware["devices"]) and not hardware["unified"] and choice["settings"].get("backend") != "cpu"
    if not own or not host:
        return {"host": None, "note": f"Counted as used: {kept}." if kept else ""}
    return {"host": _device("Main memory", host, hardware["ram_bytes"]), "note": f"Main memory: {kept}." if kept else ""}


def _device(name: str, used: float, capacity: float) -> dict[str, Any]:
    share = used / max(capacity, 1)
    return {
        "name": name,
        "percent": round(min(share, 1) * 100, 1),
        "level": "comfortable" if share < COMFORTABLE else "full" if share < BRIM else "brim",
        "text": f"{gib(used)} of {gib(capacity)} used, {gib(max(capacity - used, 0))} free",
    }


def speed_of(pack: Pack, document: Json) -> Iterator[dict[str, str]]:
    """Speeds with their ranges, in words that people feel."""
    choice, needs = document["choice"], document["facts"]["needs"]
    speed, settings = choice["speed"], choice["settings"]
    reading = _speed("Reading", speed["prefill_tps"], "tokens/s", page_words(speed["prefill_tps"]["value"]))
    if settings["embeddings"] or settings["rerank"]:
        yield reading
        return
    prompt = pack.vocabulary("use-cases")[needs["use_case"]]["prompt_tokens"]
    yield _speed("Writing", speed["decode_tps"], "tokens/s", speed_words(speed["decode_tps"]["value"]))
    yield _speed("First words", speed["ttft_s"], "s", f"after a usual prompt of {prompt_words(prompt)}")
    yield reading
    if settings["parallel"] > 1:
        yield _speed("All together", speed["aggregate_tps"], "tokens/s", f"written for {people(settings['parallel'])} at once")


def _speed(label: str, found: Json, unit: str, words: str) -> dict[str, str]:
    return {
        "label": label,
        "value": f"{rounded(found['value'])} {unit}",
        "range": f"{span(found['low'], found['high'])} {unit}",
        "words": words,
        "basis": found["basis"],
    }
