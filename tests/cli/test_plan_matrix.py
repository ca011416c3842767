"""Plans for nine machines and three uses, as the contract has them."""

from __future__ import annotations

import contextlib
import io
import json
from functools import cache

import pytest

from setupgen.cli.main import main

MACHINES = {
    "rtx-3090": (),
    "2x rtx-4090": (),
    "Apple M2 Max 64GB": (),
    "NVIDIA H100 80GB HBM3": (),
    "AMD Ryzen AI Max+ 395 128GB": (),
    "NVIDIA GB10": (),
    "Raspberry Pi 5 8GB": (),
    "cpu": ("--ram", "16G"),
    "NVIDIA GeForce RTX 4060 Laptop GPU": (),
}
USES = ("coding-agent", "chat", "embeddings")
AGENT_CONTEXT = 65536
GIB = 1024**3

every_plan = pytest.mark.parametrize(("machine", "use"), [(machine, use) for machine in MACHINES for use in USES])


@cache
def plan(machine, use) -> tuple[int, str]:
    """Exit code and output; each plan is made once for all tests of this file."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main(["plan", "--json", "--hardware", machine, *MACHINES[machine], "--use-case", use])
    return code, out.getvalue()


def document(machine, use):
    return json.loads(plan(machine, use)[1])


def setups(found):
    return [*([found["choice"]] if found["choice"] else []), *found["alternatives"]]


@every_plan
def test_it_is_what_the_schema_says(machine, use, valid):
    found = valid("plan", document(machine, use))
    assert found["facts"]["needs"]["use_case"] == use


@every_plan
def test_the_exit_code_says_whether_something_fits(machine, use):
    code, _ = plan(machine, use)
    found = document(machine, use)
    assert code == (1 if found["choice"] is None else 0)
    assert (found["verdict"] == "nothing-fits") == (found["choice"] is None)


@every_plan
def test_no_device_holds_more_than_it_has(machine, use):
    for setup in setups(document(machine, use)):
        assert any(device["used_bytes"] for device in setup["memory"]["devices"])
        for device in setup["memory"]["devices"]:
            assert 0 <= device["used_bytes"] <= device["capacity_bytes"]


@every_plan
def test_main_memory_holds_what_lies_in_it(machine, use):
    found = document(machine, use)
    for setup in setups(found):
        assert setup["memory"]["host_bytes"] <= found["facts"]["hardware"]["ram_bytes"]


@every_plan
def test_the_parts_of_memory_add_up(machine, use):
    for setup in setups(document(machine, use)):
        memory = setup["memory"]
        parts = ("weights_bytes", "kv_cache_bytes", "compute_bytes", "overhead_bytes")
        assert sum(memory[part] for part in parts) == memory["total_bytes"]
        assert memory["weights_bytes"] == setup["weights"]["bytes"]


@pytest.mark.parametrize("machine", MACHINES)
def test_agents_have_room_or_are_refused(machine):
    found = document(machine, "coding-agent")
    for setup in setups(found):
        assert setup["settings"]["context"] >= AGENT_CONTEXT
        assert setup["settings"]["tool_calls"] is True
    if found["choice"] is None:
        assert found["would_fit"]
        assert found["rejected"]


@every_plan
def test_ranges_hold_their_value(machine, use):
    for setup in setups(document(machine, use)):
        for name, value in setup["speed"].items():
            assert 0 <= value["low"] <= value["value"] <= value["high"], name


@every_plan
def test_every_number_of_the_choice_is_explained(machine, use):
    found = document(machine, use)
    explained = {decision["what"] for decision in found["decisions"]}
    if found["choice"]:
        assert {"model", "weights.quant", "server", "settings.context", "settings.bind", "runtime"} <= explained
    assert all(decision["because"].endswith((".", "!", ":")) for decision in found["decisions"])


@every_plan
def test_alternatives_differ_from_the_choice(machine, use):
    found = document(machine, use)
    seen = [
        json.dumps([setup["model"]["id"], setup["weights"]["quant"], setup["server"]["id"], setup["settings"]]) for setup in setups(found)
    ]
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("use", USES)
def test_it_listens_on_this_host_alone(machine, use):
    for setup in setups(document(machine, use)):
        assert setup["settings"]["bind"] == "127.0.0.1"
        assert setup["settings"]["auth"] == {"kind": "none"}
        assert setup["proxy"] is None


def test_macs_run_natively():
    choice = document("Apple M2 Max 64GB", "chat")["choice"]
    assert choice["runtime"] == "native"
    assert choice["backend"] == "metal"


def test_a_laptop_gpu_is_not_its_desktop_namesake():
    (device,) = document("NVIDIA GeForce RTX 4060 Laptop GPU", "chat")["facts"]["hardware"]["devices"]
    assert "laptop" in device["name"].lower()
    assert device["memory_bytes"] == 8 * GIB


def test_two_cards_are_two_devices():
    found = document("2x rtx-4090", "chat")
    assert [device["count"] for device in found["facts"]["hardware"]["devices"]] == [2]


def test_what_needs_both_cards_lies_on_both(run, valid):
    need = ("--hardware", "2x rtx-4090", "--model", "qwen3-32b", "--quant", "Q8_0", "--context", "8k")
    choice = valid("plan", run("plan", "--json", *need).json)["choice"]
    devices = choice["memory"]["devices"]
    assert len(devices) == 2
    assert all(0 < device["used_bytes"] <= device["capacity_bytes"] for device in devices)
    assert sum(device["used_bytes"] for device in devices) >= choice["weights"]["bytes"]


def test_what_shares_main_memory_has_no_second_one():
    for machine in ("Apple M2 Max 64GB", "AMD Ryzen AI Max+ 395 128GB", "NVIDIA GB10"):
        hardware = document(machine, "chat")["facts"]["hardware"]
        assert hardware["unified"] is True
        assert hardware["ram_bytes"] == hardware["devices"][0]["memory_bytes"]
