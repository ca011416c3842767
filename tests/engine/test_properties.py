"""What must hold for every need on every machine: random ones of the knowledge base, each with a random part of the models.

`SETUPGEN_EXAMPLES` says how many examples each property gets (150 by default; `make e2e` asks for 6,000, which makes 20,000 over all properties).
"""

import json
import os
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from planner import answered, facts, only, pack, setups, spec, tradeoffs

from setupgen.engine.estimation import RowEstimator
from setupgen.engine.host import Host
from setupgen.engine.intake import facts_of
from setupgen.engine.planning import plan
from setupgen.engine.suitability import LICENSES
from setupgen.errors import UsageError
from setupgen.knowledge import GIB

EXAMPLES = int(os.environ.get("SETUPGEN_EXAMPLES", "150"))
MODELS = sorted(pack().models)
DEVICES = list(pack().devices.values())
USE_CASES = pack().vocabulary("use-cases")

many = settings(
    deadline=None,
    max_examples=EXAMPLES,
    derandomize="SETUPGEN_RANDOM" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
some = settings(many, max_examples=max(EXAMPLES // 3, 1))


class Pair(tuple):
    """A device and one of its sizes, printed as `--hardware` takes it."""

    __slots__ = ()

    def __repr__(self):
        return spec(*self)


def with_sizes(device):
    return [Pair((device, size)) for size in device.memory_options or (0,)]


ACCELERATORS = [pair for device in DEVICES if device.kind == "gpu" for pair in with_sizes(device)]
UNIFIED = [pair for device in DEVICES if device.kind == "unified" for pair in with_sizes(device)]
PROCESSORS = [pair for device in DEVICES if device.kind == "cpu" for pair in with_sizes(device)]

ram = st.sampled_from([16, 32, 64, 128, 512]).map(lambda gib: f"{gib}G")
cards = st.builds(
    lambda pair, count, main: {"hardware": [spec(*pair, count)], "ram": main},
    st.sampled_from(ACCELERATORS),
    st.sampled_from([1, 1, 1, 2, 3, 4, 8]),
    ram,
)
shared = st.sampled_from(UNIFIED).map(lambda pair: {"hardware": [spec(*pair)]})
processors = st.builds(
    lambda pair, main: {"hardware": [spec(*pair)], **({} if pair[1] else {"ram": main})}, st.sampled_from(PROCESSORS), ram
)
mixed = st.builds(
    lambda pairs, main: {"hardware": [spec(*pair) for pair in pairs], "ram": main},
    st.lists(st.sampled_from(ACCELERATORS), min_size=2, max_size=3),
    ram,
)
machines = st.one_of(cards, cards, shared, processors, mixed)

needs = st.fixed_dictionaries(
    {"use_case": st.sampled_from(sorted(USE_CASES)), "experience": st.sampled_from(sorted(pack().vocabulary("experiences")))},
    optional={
        "users": st.sampled_from([1, 2, 3, 5, 8, 20, 100]),
        "context": st.sampled_from([2048, "8k", "32k", "64k", "128k", "max"]),
        "exposure": st.sampled_from(["local", "lan", "internet"]),
        "privacy": st.sampled_from(["local", "any"]),
        "license": st.sampled_from(["any", "commercial", "open"]),
        "offline": st.booleans(),
        "runtime": st.sampled_from(["docker", "podman", "native", "kubernetes"]),
        "server": st.sampled_from(["llama-cpp", "ollama", "vllm"]),
    },
).filter(lambda need: not (need.get("offline") and need.get("runtime") == "kubernetes"))  # refused before anything is planned
models = st.lists(st.sampled_from(MODELS), min_size=4, max_size=8, unique=True)


def made(stated, chosen):
    """The plan for answers, from these models alone."""
    return plan(only(*chosen), facts_of(pack(), answered(stated)))


@many
@given(machine=machines, need=needs, chosen=models)
def test_every_setup_keeps_what_was_asked_and_what_the_machine_has(machine, need, chosen):
    found = made(machine | need, chosen).to_json()
    json.dumps(found, allow_nan=False)
    assert (found["choice"] is None) == (found["verdict"] == "nothing-fits") == bool(found["would_fit"])
    assert all(item["because"] and item["by"] for item in found["rejected"])
    assert not found["hosted"]["recommended"] or (need.get("privacy") != "local" and not need.get("offline"))
    host = Host(pack(), facts(**machine | need))
    for setup in setups(found):
        keeps_to_memory(setup, host)
        speeds_are_ranges(setup)
        keeps_to_the_need(setup, host)
    is_worth_telling(found, host)


def keeps_to_memory(setup, host):
    memory = setup["memory"]
    for device in memory["devices"]:
        assert 0 <= device["used_bytes"] <= device["capacity_bytes"]
    assert memory["host_bytes"] <= host.hardware.ram_bytes
    parts = sum(memory[key] for key in ("weights_bytes", "kv_cache_bytes", "compute_bytes", "overhead_bytes"))
    assert parts == pytest.approx(memory["total_bytes"], rel=0.01)
    if host.hardware.unified:
        assert memory["total_bytes"] <= host.hardware.ram_bytes
    assert all(value >= 0 for key, value in memory.items() if key != "devices")


def speeds_are_ranges(setup):
    for name in ("decode_tps", "prefill_tps", "ttft_s", "aggregate_tps"):
        speed = setup["speed"][name]
        assert 0 < speed["low"] <= speed["value"] <= speed["high"], name


def keeps_to_the_need(setup, host):
    asked, model = host.needs, pack().models[setup["model"]["id"]]
    assert model.license_class in LICENSES[asked.license]
    assert setup["runtime"] == asked.runtime
    assert not asked.server or setup["server"]["id"] == asked.server
    assert setup["settings"]["offline"] == asked.offline
    assert (asked.exposure == "local") == (setup["proxy"] is None)
    if setup["settings"]["auth"]["kind"] == "none":
        assert asked.exposure == "local"
    else:  # everything in a cluster can reach a service of it
        assert asked.exposure != "local" or asked.runtime == "kubernetes"
    assert setup["settings"]["bind"] == "127.0.0.1"
    assert set(host.use_case["capabilities"]) <= set(model.capabilities)
    assert host.use_case["task"] in model.tasks
    context = setup["settings"]["context"]
    assert context <= model.maximum_context
    assert context == asked.context or host.facts.origins["needs.context"] == "assumed" or asked.context == -1
    assert setup["settings"]["context_total"] == context * setup["settings"]["parallel"]
    if host.use_case["task"] != "embedding":
        assert setup["settings"]["parallel"] * setup["settings"]["replicas"] >= asked.users


def is_worth_telling(found, host):
    choice = found["choice"]
    seen = [(item["model"]["id"], item["weights"]["quant"], item["server"]["id"], item["backend"]) for item in setups(found)]
    assert len(set(seen)) == len(seen), "an alternative that is no other setup"
    for other in found["alternatives"]:
        assert other["score"]["total"] <= choice["score"]["total"]
        numbers = {
            "tokens/s": [item["speed"]["decode_tps"]["value"] for item in (other, choice)],
            "GiB": [sum(device["used_bytes"] for device in item["memory"]["devices"]) / GIB for item in (other, choice)],
        }
        for unit, new, old, loss in tradeoffs(other["tradeoff"]):
            for text, number in zip((new, old), numbers[unit], strict=True):
                assert float(text) == pytest.approx(number, abs=0.051 if "." in text else 0.51)
            assert new != old, other["tradeoff"]
            worse = float(new) < float(old) if unit == "tokens/s" else float(new) > float(old)
            assert loss is None or worse == loss, other["tradeoff"]
        if "answers expected, but" in other["tradeoff"]:
            assert other["tradeoff"].startswith("Better") or "better answers" in other["tradeoff"].split(", but ")[0]


@some
@given(
    pairs=st.lists(st.sampled_from(ACCELERATORS + UNIFIED), min_size=2, max_size=3, unique=True), need=needs, chosen=models, data=st.data()
)
def test_the_order_of_the_hardware_does_not_matter(pairs, need, chosen, data):
    specs = [spec(*pair) for pair in pairs]
    other = data.draw(st.permutations(specs))
    results = []
    for order in (specs, other):
        try:
            found = made(need | {"hardware": order}, chosen).to_json()
        except UsageError as error:
            results.append(("refused", "no single machine" in error.message))
            continue
        found["facts"]["hardware"]["devices"].sort(key=lambda device: (device["id"], device["memory_bytes"]))
        found["warnings"].sort(key=lambda warning: warning["text"])
        found["assumptions"].sort(key=lambda assumption: (assumption["fact"], assumption["because"]))
        results.append(found)
    assert results[0] == results[1]


@cache
def rows():
    return RowEstimator(pack())


@some
@given(machine=st.one_of(cards, shared, processors), need=needs, chosen=models)
def test_plan_and_estimate_give_the_same_numbers(machine, need, chosen):
    assume("vision" not in USE_CASES[need["use_case"]]["capabilities"])
    assume(not machine["hardware"][0].partition("x ")[0].isdecimal())
    found = made(machine | need, chosen)
    assume(found.choice is not None)
    use_case, choice = USE_CASES[need["use_case"]], found.choice
    context = choice.settings["context"]
    prompt = int(use_case["prompt_tokens"])
    row = {
        "model": choice.model.id, "quant": choice.weights.quant, "server": choice.server.id, "backend": choice.backend, "context": context,
        "parallel": choice.settings["parallel"], "cache_type": choice.settings["cache_type_k"], "depth": min(prompt, context // 2),
        "prompt": min(prompt, max(context - 1, 1)), "hardware": machine["hardware"], "ram": machine.get("ram"), "os": found.facts.needs.os,
    }  # fmt: skip
    if row["cache_type"] not in {"f16", "q8_0", "fp8"}:
        row["cache_type"] = "f16"
    number = rows().row(row)
    shown = choice.to_json()
    planned_memory = without_prompt_cache(shown, shared=found.facts.hardware.unified or choice.backend == "cpu")
    if choice.settings["memory_share"]:  # what such a server claims is set by the plan; what it needs is the same
        planned_memory["devices"] = number["memory"]["devices"]
    assert number["memory"] == planned_memory
    assert number["speed"] == shown["speed"]
    assert number["placement"]["kind"] == shown["settings"]["offload"]["kind"]


def without_prompt_cache(shown, *, shared):
    """The memory of a plan without what only the plan knows: the prompt cache that it allows in main memory."""
    memory, size = dict(shown["memory"]), shown["settings"]["prompt_cache_mib"] * 1024**2
    memory["host_bytes"] -= size
    if shared:
        first, *others = memory["devices"]
        memory["devices"] = [{**first, "used_bytes": first["used_bytes"] - size}, *others]
    return memory


POINT = 0.05
"""What differs by less is as good: more memory is spent on an unquantised cache or a longer context, which the score does not see."""


def best_score(stated, chosen):
    found = made(stated, chosen)
    return found.choice.score["total"] if found.choice else None


def sizes_alike(device):
    """Sizes of a device that differ in nothing but memory, smallest first; the largest such group."""
    alike = {}
    for size in device.memory_options:
        alike.setdefault((device.at_memory(size)[0], device.gpu_share_at(size)), []).append(size)
    return max(alike.values(), key=len, default=[])


GROWING = [device for device in DEVICES if device.kind != "cpu" and len(sizes_alike(device)) > 1]


# Where the context is assumed, more memory buys a longer one, and longer prompts are then waited for: that costs score, rightly or not.
exact = needs.map(
    lambda need: need | {"context": need.get("context", "32k").replace("max", "32k") if isinstance(need.get("context", ""), str) else 2048}
)


@some
@given(device=st.sampled_from(GROWING).map(lambda device: device.id), need=exact, chosen=models)
def test_more_memory_of_the_same_kind_never_makes_the_best_setup_worse(device, need, chosen):
    record = pack().devices[device]
    beside = {"ram": "64G"} if record.kind == "gpu" else {}
    scores = [best_score(need | beside | {"hardware": spec(record, size)}, chosen) for size in sizes_alike(record)]
    known = [score for score in scores if score is not None]
    assert scores == [None] * (len(scores) - len(known)) + known, "what fits a small one fits a large one"
    assert all(larger >= smaller - POINT for smaller, larger in pairwise(known)), known


@some
@given(pair=st.sampled_from(ACCELERATORS), need=needs, chosen=models)
def test_a_second_card_never_makes_the_best_setup_worse(pair, need, chosen):
    one, two = (best_score(need | {"hardware": spec(*pair, count), "ram": "64G"}, chosen) for count in (1, 2))
    assert one is None or two >= one - POINT


@many
@given(
    machine=st.one_of(cards, shared, processors),  # of unequal cards a larger load may bring in a faster one
    model=st.sampled_from(sorted(id_ for id_, model in pack().models.items() if "text-generation" in model.tasks)),
    pick=st.integers(0, 99),
    server=st.sampled_from(["llama-cpp", "ollama", "vllm"]),
    context=st.sampled_from([2048, 16384, 131072]),
    depth=st.sampled_from([0, 1000]),
)
def test_more_users_never_make_a_held_setup_faster_for_each(machine, model, pick, server, context, depth):
    fitting = [weights.quant for weights in pack().models[model].weights if weights.format in pack().servers[server].formats]
    assume(fitting)
    row = machine | {"model": model, "quant": fitting[pick % len(fitting)], "server": server, "context": context, "depth": depth}
    numbers = [rows().row(row | {"parallel": users}) for users in (1, 2, 4, 8, 32)]
    speeds = [number["speed"]["decode_tps"]["value"] for number in numbers if number["fits"] != "no"]
    assert speeds == sorted(speeds, reverse=True)
    needed = [number["memory"]["kv_cache_bytes"] for number in numbers]
    assert needed == sorted(needed)
