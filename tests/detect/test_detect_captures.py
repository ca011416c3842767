"""Each captured machine gives the document beside it, and every document keeps the promises of the public contract."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from detect_replay import CAPTURES, MACHINES, Replay, manifest_of

from setupgen.detect import detect

WANTED_MACHINES = 22


def documents() -> dict[str, dict[str, Any]]:
    return {name: json.loads((CAPTURES / name / "expected.json").read_text(encoding="utf-8")) for name in MACHINES}


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for item in items for text in strings(item)]


def is_known_or_reasoned(value: Any, kind: type | tuple[type, ...]) -> bool:
    return isinstance(value, kind) or (isinstance(value, dict) and list(value) == ["unknown"] and bool(value["unknown"]))


def test_there_are_enough_machines():
    assert len(MACHINES) >= WANTED_MACHINES


@pytest.mark.parametrize("name", MACHINES)
def test_machine(name: str):
    expected = json.loads((CAPTURES / name / "expected.json").read_text(encoding="utf-8"))
    assert detect(Replay(CAPTURES / name)) == expected


@pytest.mark.parametrize("name", MACHINES)
def test_manifest_says_what_it_is(name: str):
    manifest = json.loads((CAPTURES / name / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["about"]
    used = {
        value["file"]
        for value in [*manifest["files"].values(), *(c.get("stdout", "") for c in manifest["commands"])]
        if isinstance(value, dict)
    }
    lying_about = {path.name for path in (CAPTURES / name).iterdir()} - used - {"manifest.json", "expected.json"}
    assert not lying_about


@pytest.mark.parametrize("name", MACHINES)
def test_document_has_the_contract_s_shape(name: str):
    document = documents()[name]
    assert document["schema"] == 1
    assert document["os"]["family"] in ("linux", "macos", "windows")
    assert isinstance(document["os"]["wsl"], bool)
    assert isinstance(document["os"]["container"], bool)
    for key in ("name", "vendor", "architecture"):
        assert is_known_or_reasoned(document["cpu"][key], str)
    for key in ("cores", "threads"):
        assert is_known_or_reasoned(document["cpu"][key], int)
    assert is_known_or_reasoned(document["cpu"]["features"], list)
    for key in ("total_bytes", "available_bytes"):
        assert is_known_or_reasoned(document["memory"][key], int)
    assert is_known_or_reasoned(document["memory"]["bandwidth_gb_s"], (int, float))
    for accelerator in document["accelerators"]:
        assert accelerator["id"] is None
        assert accelerator["name"]
        assert accelerator["vendor"] in ("nvidia", "amd", "intel", "apple", "qualcomm")
        assert is_known_or_reasoned(accelerator["memory_bytes"], int)
        assert is_known_or_reasoned(accelerator["driver"], str)
        assert is_known_or_reasoned(accelerator["compute_capability"], str)
        assert isinstance(accelerator["unified"], bool)
    for value in [*document["tools"].values()]:
        assert is_known_or_reasoned(value, str)
    assert is_known_or_reasoned(document["disk"]["free_bytes"], int)


@pytest.mark.parametrize("name", MACHINES)
def test_nothing_hostile_gets_out(name: str):
    for raw in (False, True):
        document = detect(Replay(CAPTURES / name), raw=raw)
        tools_output = {id(text) for output in document.pop("raw", {}).values() for text in strings(output)}
        for text in strings(document):
            assert len(text) <= 160
            assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for character in text), repr(text)
        assert raw == bool(tools_output)


@pytest.mark.parametrize("name", MACHINES)
def test_raw_output_is_clean_and_without_serial_numbers(name: str):
    for tool, output in detect(Replay(CAPTURES / name), raw=True)["raw"].items():
        assert set(output) == {"command", "exit", "stdout", "stderr"}, tool
        for text in (output["stdout"], output["stderr"]):
            assert len(text) < 70_000
            assert not any(unicodedata.category(character) in ("Cc", "Cf") and character not in "\t\n" for character in text)
            for secret in ("GPU-5d5ba0d6", "MIG-c7384736", "1A2B3C4D", "0x6F1F0A2B3C4D5E6F"):
                assert secret not in text


@pytest.mark.parametrize("name", MACHINES)
def test_accelerators_appear_once_and_cards_come_first(name: str):
    accelerators = documents()[name]["accelerators"]
    keys = [(entry.get("pci_address", entry["name"]), entry.get("mig_device")) for entry in accelerators]
    assert len(set(keys)) == len(keys)
    assert [entry["unified"] for entry in accelerators] == sorted(entry["unified"] for entry in accelerators)


@pytest.mark.parametrize("name", ["rtx-3090-tower", "strix-halo", "m2-max-64gb", "nvidia-smi-hangs"])
def test_a_bug_report_becomes_a_capture(name: str, tmp_path):
    report = detect(Replay(CAPTURES / name), raw=True)
    (tmp_path / "manifest.json").write_text(json.dumps(manifest_of(report)), encoding="utf-8")
    report.pop("raw")
    again = detect(Replay(tmp_path))
    for document in (report, again):  # names come from a list that is too long for a report
        for accelerator in document["accelerators"]:
            accelerator["name"] = accelerator["name"] if accelerator["vendor"] != "amd" else ""
    assert again == report


def test_one_device_s_values_never_become_another_s():
    nvidia, amd, intel = documents()["three-vendors"]["accelerators"]
    assert (nvidia["memory_bytes"], amd["memory_bytes"], intel["memory_bytes"]) == (12 * 1024**3, 17_163_091_968, 17_079_205_888)
    assert (nvidia["driver"], amd["driver_name"], intel["driver_name"]) == ("580.95.05", "amdgpu", "i915")
    assert "gfx_target" not in nvidia
    assert "gfx_target" not in intel
    assert intel["compute_capability"] == {"unknown": "only NVIDIA devices have one"}


def test_every_detector_starts_no_tool_of_another_system():
    for name in MACHINES:
        machine = Replay(CAPTURES / name)
        detect(machine)
        asked = {command[0] for command in machine.asked}
        assert ("powershell" in asked) == (machine.platform == "win32")
        assert ("system_profiler" in asked) == (machine.platform == "darwin")
        assert ("dmidecode" in asked) <= (machine.platform == "linux")
