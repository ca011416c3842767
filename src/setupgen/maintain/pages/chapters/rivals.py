"""Inputs that other planners stumbled over: what each answered, and what the engine answers now. `answers` is what a test holds.

What others answered was read off their own output (versions and days below) or stands in the thread that a row leads to. It is a record of that
day, not a judgement of what they do now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from setupgen.engine.cache import llama_cpp_bytes, paged_bytes
from setupgen.engine.estimate import site
from setupgen.engine.memory import Workload
from setupgen.maintain.pages.examples import backend_of, choice_of, estimated, host_of, model_link, planned
from setupgen.maintain.pages.text import GIB, gib, rate, span, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from setupgen.engine.plan import Choice
    from setupgen.knowledge import Pack

GITHUB = "https://github.com"
THREADS: Mapping[str, str] = {
    "llmfit": f"{GITHUB}/AlexsJones/llmfit",
    "whichllm": f"{GITHUB}/Andyyyy64/whichllm",
    "llm-checker": f"{GITHUB}/signerless/llm-checker",
    "aiconfigurator": f"{GITHUB}/ai-dynamo/aiconfigurator",
}
"""Where each of them lives."""

VERSIONS = {"llmfit": "1.1.17", "whichllm": "0.5.21", "llm-checker": "3.8.1", "aiconfigurator": "0.12.0"}
"""What was run on 21 November 2026, on a machine with two cores and no GPU; machines were simulated as each program allows."""


@dataclass(frozen=True, slots=True)
class Theirs:
    """What a program answered: `issue` is the number of a thread, or 0 for our own run of the version above."""

    who: str
    said: str
    issue: int = 0

    def text(self) -> str:
        """A cell with its source."""
        where = f"[{self.who} #{self.issue}]({THREADS[self.who]}/issues/{self.issue})" if self.issue else f"{self.who} {VERSIONS[self.who]}"
        return f"{where}: {self.said}"


@dataclass(frozen=True, slots=True)
class Ours:
    """What the engine answers: the words of the page, and the values that a test compares."""

    words: str
    values: Mapping[str, Any]


DEVICES: Mapping[str, tuple[str, str, tuple[Theirs, ...]]] = {
    "h100": ("NVIDIA H100 80GB HBM3", "as `nvidia-smi` prints it", (Theirs("llmfit", "2,039 GB/s, because its table wants the words “h100 sxm”"), Theirs("whichllm", "unknown"))),
    "a100": ("NVIDIA A100-SXM4-80GB", "as `nvidia-smi` prints it", (Theirs("llmfit", "1,555 GB/s, the smaller A100's"),)),
    "strix-halo": ("Radeon 8060S", "the GPU of a Ryzen AI Max+ 395", (Theirs("whichllm", "unknown"),)),
    "mi300x": ("MI300X", "", (Theirs("whichllm", "10,300 GB/s"),)),
    "laptop": ("RTX 4060 Laptop", "", (Theirs("whichllm", "the desktop card"),)),
    "two-4090": ("2x RTX 4090", "", (Theirs("llm-checker", "one card of 24 GB"),)),
    "gb10": ("NVIDIA GB10", "`nvidia-smi` prints no size of its memory", (Theirs("llmfit", "memory unknown, so every model was judged as on a CPU; mended since", 102),)),
}  # fmt: skip

SPEEDS: tuple[tuple[str, dict[str, Any], str, str, float, tuple[float, float, float], str], ...] = (
    ("RTX 3090", {"hardware": ["rtx-3090"], "ram": "64G"}, "meta/llama-3-8b", "Q4_K_M", 111.7, (128.2, 104.7, 59), "xiongjie"),
    ("RTX 3090", {"hardware": ["rtx-3090"], "ram": "64G"}, "meta/llama-3-8b", "F16", 46.5, (32.1, 23.3, 59), "xiongjie"),
    ("H100 PCIe", {"hardware": ["NVIDIA H100 PCIe"], "ram": "64G"}, "meta/llama-3-8b", "Q4_K_M", 144.5, (279.3, 228.2, 162), "xiongjie"),
    ("A100 SXM", {"hardware": ["NVIDIA A100-SXM4-80GB"], "ram": "64G"}, "meta/llama-3-8b", "Q4_K_M", 133.4, (213.0, 228.2, 124), "xiongjie"),
    ("Two RTX 3090", {"hardware": ["2x rtx-3090"], "ram": "64G"}, "meta/llama-3-70b", "Q4_K_M", 16.3, (14.6, 3.8, 12), "xiongjie"),
    ("Apple M1 Max", {"hardware": ["Apple M1 Max 64GB"]}, "meta/llama-3-8b", "Q4_K_M", 34.5, (54.8, 36.7, 46), "xiongjie"),
    ("Apple M2 Ultra", {"hardware": ["Apple M2 Ultra 192GB"]}, "qwen/qwen3-30b-a3b", "Q8_0", 76.3, (117.1, 58.2, 29), "llama-cpp"),
    ("Apple M3 Ultra", {"hardware": ["Apple M3 Ultra 256GB"]}, "openai/gpt-oss-20b", "MXFP4", 115.3, (206.0, 173.2, 42), "geerling"),
    ("NVIDIA GB10", {"hardware": ["NVIDIA GB10"]}, "openai/gpt-oss-20b", "MXFP4", 88.0, (78.9, 72.1, 29), "geerling"),
    ("Ryzen AI Max+ 395", {"hardware": ["AMD Ryzen AI Max+ 395 128GB"]}, "openai/gpt-oss-120b", "MXFP4", 47.4, (51.1, 34.7, 11), "strix"),
    ("RTX 4070 Ti, 12 GB", {"hardware": ["rtx-4070-ti"], "ram": "64G"}, "openai/gpt-oss-20b", "MXFP4", 163.1, (18.7, 59.9, 18), "geerling"),
    ("RTX 3060, 12 GB", {"hardware": ["rtx-3060"], "ram": "64G"}, "openai/gpt-oss-20b", "MXFP4", 84.0, (18.5, 42.8, 15), "geerling"),
)  # fmt: skip
"""Machine, answers, model, quantisation, published tokens per second, what llmfit, whichllm and llm-checker estimated, who published it."""

MEASURED = {
    "xiongjie": f"{GITHUB}/XiongjieDai/GPU-Benchmarks-on-LLM-Inference/blob/aa72e0ec86c3/README.md",
    "geerling": f"{GITHUB}/geerlingguy/ai-benchmarks/blob/bdf94413f5f273c985c164ac0abfafa312c4390f/README.md",
    "llama-cpp": f"{GITHUB}/ggml-org/llama.cpp/pull/15616",
    "strix": f"{GITHUB}/lhl/strix-halo-testing/issues/33",
}

CACHES: tuple[tuple[str, int, tuple[float, float, float]], ...] = (
    ("meta/llama-3.1-8b", 32_768, (0, -78, -51)),
    ("qwen/qwen3-8b", 32_768, (0, -80, -56)),
    ("openai/gpt-oss-20b", 131_072, (100, 5, 17)),
    ("google/gemma-3-27b", 131_072, (496, -80, 157)),
    ("qwen/qwen3.5-27b", 262_144, (0, 48, 230)),
    ("deepseek/deepseek-v3.1", 163_840, (2389, 655, 321)),
)
"""Model, context, and by how many percent llmfit, whichllm and llm-checker missed the 16-bit cache."""


def device(pack: Pack, name: str) -> Ours | None:
    """What the engine takes a name of hardware for."""
    try:
        host = host_of(pack, {"hardware": [name], **({"ram": "128G"} if "8060S" in name else {})})
    except ValueError:
        return None
    where = site(host, backend_of(host))
    group = host.group
    if group is None:
        return None
    count, size = len(where.machine.slots), sum(slot.capacity_bytes for slot in where.machine.slots)
    first = group.devices[0]
    words = f"{f'{count} x ' if count > 1 else ''}{first.name}, {size / GIB:.0f} GiB, {where.bandwidth_gb_s:,.0f} GB/s"
    return Ours(words, {"name": first.name, "count": count, "gib": size / GIB, "gb_s": where.bandwidth_gb_s})


def devices(pack: Pack) -> Iterator[str]:
    """Names of hardware that were taken for something else."""
    rows = []
    for name, note, theirs in DEVICES.values():
        found = device(pack, name)
        said = f"`{name}`{f', {note}' if note else ''}"
        rows.append([said, "; ".join(one.text() for one in theirs), found.words if found else "unknown here"])
    yield from table(["Hardware", "They took it for", "setupgen takes it for"], rows)


def owner(choice: Choice) -> str:
    """Whose model it is, and where its file is from."""
    return f"published by {choice.model.raw['publisher']}, {choice.model.license_id}, file from {choice.weights.repository}"


def setup(pack: Pack, answers: Mapping[str, Any]) -> Ours | None:
    """The plan in a cell."""
    choice = choice_of(pack, answers)
    if choice is None:
        result = planned(pack, answers)
        return Ours(f"Nothing fits. {_refusal(pack, answers)}", {"fits": False, "verdict": result.verdict}) if result else None
    model, weights = choice.model, choice.weights
    cards = [one.used_bytes > 0 for one in choice.memory.devices]
    where = f" on {sum(cards)} of {len(cards)} cards" if len(cards) > 1 else ""
    words = (
        f"{model_link(model)} `{weights.quant}` on {choice.server.name} ({choice.backend}), {gib(choice.memory.total_bytes)} GiB{where}, "
        f"{rate(choice.speed.decode_tps.value)} tokens/s; {owner(choice)}"
    )
    values = {
        "fits": True,
        "model": model.id,
        "parameters": model.total_parameters,
        "quant": weights.quant,
        "format": weights.format,
        "backend": choice.backend,
        "weights": choice.weights_bytes,
        "total": choice.memory.total_bytes,
        "placed": choice.memory.fits,
        "tps": choice.speed.decode_tps.value,
        "cards": sum(cards),
    }
    return Ours(words, values)


def _refusal(pack: Pack, answers: Mapping[str, Any]) -> str:
    result = planned(pack, answers)
    found = next((one for one in result.rejected if one.model == answers.get("model")), None) if result else None
    return found.because if found else ""


MAC = {"hardware": ["Apple M2 Max 64GB"], "use_case": "chat"}
CARD = {"hardware": ["rtx-3090"], "ram": "64G", "os": "linux", "use_case": "chat"}
CHOICES: Mapping[str, tuple[str, dict[str, Any], tuple[Theirs, ...]]] = {
    "card": ("RTX 3090, general use", CARD, (Theirs("llmfit", "CoreWorxLab/Qwen3.6-27B-Claude-Opus-Reasoning-Distill-v2-int4-AutoRound; none of its ten best was from a model's own publisher"),)),
    "mac": ("Apple M2 Max, 64 GB, general use", MAC, (Theirs("llmfit", "weights in NVFP4, a format of NVIDIA's newest cards, with the backend CUDA"), Theirs("llm-checker", "a processor of the kind x86_64"))),
    "mac-large": ("the same Mac, with gpt-oss-120b", {**MAC, "model": "openai/gpt-oss-120b"}, (Theirs("whichllm", "its first choice, wholly on the GPU: 59 GiB of weights where macOS lets the GPU have 48"),)),
    "two-6000": ("two RTX PRO 6000, 192 GB", {"hardware": ["2x rtx-pro-6000"], "ram": "128G", "os": "linux", "use_case": "chat"}, (Theirs("llm-checker", "`granite4:7b-a1b-h` as the best overall", 88),)),
    "small-laptop": ("RTX 5060 Laptop, 8 GB, with 16 GB", {"hardware": ["NVIDIA GeForce RTX 5060 Laptop GPU"], "ram": "16G", "os": "linux", "use_case": "chat"}, (Theirs("llm-checker", "TinyLlama 1.1B", 80),)),
    "two-4090": ("two RTX 4090, 48 GB", {"hardware": ["2x rtx-4090"], "ram": "128G", "os": "linux", "use_case": "chat", "experience": "quality"}, (Theirs("llm-checker", "the same 8B model as for one card"),)),
    "too-tight": ("RTX 3090 with gpt-oss-120b, 128 GB of main memory", {**CARD, "ram": "128G", "model": "openai/gpt-oss-120b"}, (Theirs("llmfit", "“Too Tight”, and 182.8 tokens/s"),)),
    "one-shard": ("RTX 3090, Qwen3 32B on vLLM", {**CARD, "model": "qwen/qwen3-32b", "server": "vllm"}, (Theirs("aiconfigurator", "files for one RTX 3090 that load 16-bit weights, nearly three times the card"),)),
    "oss-20b": ("RTX 3090 with gpt-oss-20b", {**CARD, "model": "openai/gpt-oss-20b"}, (Theirs("llmfit", "11.0 GB required, less than the 11.8 GB of its weights"),)),
    "halo-q8": ("Ryzen AI Max+ 395 with Qwen3 30B-A3B in `Q8_0`", {"hardware": ["AMD Ryzen AI Max+ 395 128GB"], "use_case": "chat", "model": "qwen/qwen3-30b-a3b", "quant": "Q8_0"}, (Theirs("llmfit", "32.1 GB on disk, 15.6 GB in memory"),)),
}  # fmt: skip
"""Input, the answers that mean it here, and what others answered."""


def choices(pack: Pack) -> Iterator[str]:
    """What to run where."""
    rows = []
    for words, answers, theirs in CHOICES.values():
        found = setup(pack, answers)
        rows.append([words, "; ".join(one.text() for one in theirs), found.words if found else "unknown here"])
    yield from table(["Input", "They answered", "setupgen answers"], rows)


def two_commands(pack: Pack) -> Iterator[str]:
    """One number under two commands."""
    plan_tps, estimate_tps = agreement(pack)
    yield (
        f"Qwen3 30B-A3B in `Q4_K_M` with 32,768 tokens on an RTX 3090: [llmfit #805]({THREADS['llmfit']}/issues/805) reports 33.7 tokens/s by one "
        f"command and about 160 by another, because each had a formula of its own. Here `setupgen plan` says {rate(plan_tps)} and "
        f"`setupgen estimate` {rate(estimate_tps)}: there is one function."
    )


def agreement(pack: Pack) -> tuple[float, float]:
    """Tokens per second of the same setup by plan and by estimate."""
    answers = {**CARD, "model": "qwen/qwen3-30b-a3b", "quant": "Q4_K_M", "context": 32_768, "server": "llama-cpp"}
    choice = choice_of(pack, answers)
    if choice is None:
        return 0.0, 0.0
    settings = choice.settings
    workload = Workload(settings["context"], settings["parallel"], settings["cache_type_k"], settings["cache_type_v"])
    prompt = pack.vocabulary("use-cases")["chat"]["prompt_tokens"]
    found = estimated(pack, answers, "qwen/qwen3-30b-a3b", "Q4_K_M", workload, prompt=prompt)
    return choice.speed.decode_tps.value, found.speed.decode_tps.value if found else 0.0


def speed_errors(pack: Pack) -> dict[tuple[str, str, str], tuple[float, tuple[float, ...], bool]]:
    """By machine, model and quantisation: our error, theirs, and whether the measurement lies in our range; errors as shares."""
    found: dict[tuple[str, str, str], tuple[float, tuple[float, ...], bool]] = {}
    for machine, answers, model, quant, measured, theirs, _ in SPEEDS:
        one = estimated(pack, answers, model, quant, Workload(2_048, 1))
        if one is None:
            continue
        value = one.speed.decode_tps
        errors = tuple(guess / measured - 1 for guess in theirs)
        found[machine, model, quant] = value.value / measured - 1, errors, value.low <= measured <= value.high
    return found


def speeds(pack: Pack) -> Iterator[str]:
    """Published speeds beside four estimates."""
    rows = []
    for machine, answers, model, quant, measured, theirs, source in SPEEDS:
        one = estimated(pack, answers, model, quant, Workload(2_048, 1))
        if one is None:
            continue
        guesses = [f"{guess:.0f} ({guess / measured - 1:+.0%})" for guess in theirs]
        ours = one.speed.decode_tps
        rows.append(
            [
                machine,
                f"{model_link(pack.model(model))} `{quant}`",
                f"[{measured:g}]({MEASURED[source]})",
                *guesses,
                f"{span(ours)}, {ours.value / measured - 1:+.0%}",
            ]
        )
    yield from table(["Machine", "Model", "Measured", "llmfit", "whichllm", "llm-checker", "setupgen"], rows, numbers=(2, 3, 4, 5, 6))


def cache_sizes(pack: Pack, model: str, context: int) -> tuple[int, int]:
    """Bytes of the 16-bit cache of one conversation on vLLM (whole tokens) and on llama.cpp (whole blocks and window plus batch)."""
    architecture, workload = pack.model(model).architecture, Workload(context, 1)
    return paged_bytes(architecture, workload), llama_cpp_bytes(architecture, workload)


def caches(pack: Pack) -> Iterator[str]:
    """Sizes of the cache by attention kind."""
    rows = []
    for id_, context, theirs in CACHES:
        if id_ not in pack.models:
            continue
        model = pack.model(id_)
        kinds = " + ".join(dict.fromkeys(group.kind for group in model.architecture.attention))
        sizes = [gib(size) for size in cache_sizes(pack, id_, context)]
        rows.append([model_link(model), kinds, f"{context:,}", *(f"{error:+,.0f} %" if error else "right" for error in theirs), *sizes])
    heads = ["Model", "Attention", "Context", "llmfit", "whichllm", "llm-checker", "setupgen, vLLM, GiB", "setupgen, llama.cpp, GiB"]
    yield from table(heads, rows, numbers=(2, 3, 4, 5, 6, 7))


PARTS = {"devices": devices, "choices": choices, "two-commands": two_commands, "speeds": speeds, "caches": caches}
