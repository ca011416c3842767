"""`--facts FILE`: what `detect --json` printed plans the same anywhere, and a broken document is told by file, line and key."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from cli_result import GPU

GIB = 1024**3
CAPTURES = sorted((Path(__file__).parents[1] / "detect" / "captures").glob("*/expected.json"))
FACTS = {
    "schema": 1,
    "os": {"family": "linux", "name": "Debian GNU/Linux 12", "version": "12", "wsl": False, "container": False},
    "cpu": {"name": "AMD Ryzen 9 7950X", "vendor": "amd", "cores": 16, "threads": 32, "features": ["avx2"], "architecture": "x86_64"},
    "memory": {"total_bytes": 64 * GIB, "available_bytes": 60 * GIB, "bandwidth_gb_s": {"unknown": "needs root"}},
    "accelerators": [
        {
            "id": "nvidia/rtx-3090",
            "name": "NVIDIA GeForce RTX 3090",
            "vendor": "nvidia",
            "memory_bytes": 24 * GIB,
            "unified": False,
            "driver": "570.86.15",
            "compute_capability": "8.6",
        }
    ],
    "tools": {"docker": "28.2.2", "compose": {"unknown": "not installed"}, "nvidia_container_toolkit": {"unknown": "not installed"}},
    "disk": {"free_bytes": 10**12},
}
NOT_JSON = {
    "cut off": ('{"schema": 1,', ["line 1", "not JSON"]),
    "a comment": ('{"schema": 1,\n  // here\n}', ["line 2", "not JSON"]),
    "not a number": ('{"schema": NaN}', ["not JSON", "NaN"]),
    "endless": ('{"schema": -Infinity}', ["not JSON"]),
    "too many digits": ('{"schema": ' + "9" * 5000 + "}", ["not JSON"]),
    "deep nesting": ("[" * 100_000, ["not JSON"]),
    "a list": ("[]", ["object"]),
    "nothing": ("", ["not JSON"]),
}
WRONG = {
    "another schema": (("schema",), 2),
    "no schema": (("schema",), None),
    "text for memory": (("memory", "total_bytes"), "64G"),
    "negative memory": (("memory", "total_bytes"), -1),
    "half a byte": (("memory", "total_bytes"), 0.5),
    "true for memory": (("memory", "total_bytes"), True),
    "memory without end": (("memory", "total_bytes"), 10**400),
    "a list for memory": (("memory",), []),
    "text for threads": (("cpu", "threads"), "many"),
    "a number for a name": (("cpu", "name"), 5),
    "text for accelerators": (("accelerators",), "rtx-3090"),
    "a name for an accelerator": (("accelerators", 0), "rtx-3090"),
    "no name": (("accelerators", 0, "name"), None),
    "text for video memory": (("accelerators", 0, "memory_bytes"), "24G"),
    "text for unified": (("accelerators", 0, "unified"), "no"),
    "a list of tools": (("tools",), []),
    "a number for a tool": (("tools", "docker"), 28),
    "text for disk": (("disk", "free_bytes"), "1T"),
    "unknown without words": (("memory", "bandwidth_gb_s"), {"unknown": 1}),
    "numbers for features": (("cpu", "features"), [1]),
}


def changed(path, value):
    document = copy.deepcopy(FACTS)
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return document


@pytest.fixture
def planned(run, tmp_path):
    def with_facts(document, *options):
        text = document if isinstance(document, str) else json.dumps(document, indent=1)
        (tmp_path / "facts.json").write_text(text, encoding="utf-8")
        return run("plan", "--json", "--use-case", "embeddings", "--facts", "facts.json", *options)

    return with_facts


@pytest.mark.parametrize(("text", "words"), NOT_JSON.values(), ids=NOT_JSON)
def test_not_json(planned, text, words):
    planned(text).refused("facts.json", *words)


@pytest.mark.parametrize(("path", "value"), WRONG.values(), ids=WRONG)
def test_wrong_values(planned, path, value):
    key = str(path[-1]) if isinstance(path[-1], str) else "accelerators[0]"
    planned(changed(path, value)).refused("facts.json", key, "expected")


def test_the_line_is_told(planned):
    message = planned(changed(("disk", "free_bytes"), "1T")).refused("disk.free_bytes")
    text = json.dumps(changed(("disk", "free_bytes"), "1T"), indent=1).splitlines()
    number = next(index for index, line in enumerate(text, 1) if "free_bytes" in line)
    assert f"line {number}," in message


def test_the_plan_is_of_that_machine(planned):
    found = planned(FACTS).json
    hardware = found["facts"]["hardware"]
    assert hardware["devices"] == [{"id": "nvidia/rtx-3090", "name": "NVIDIA GeForce RTX 3090", "count": 1, "memory_bytes": 24 * GIB}]
    assert hardware["ram_bytes"] == 64 * GIB
    assert hardware["cpu"] == "AMD Ryzen 9 7950X"
    assert found["facts"]["origins"]["hardware.ram_bytes"] == "detected"
    assert found["facts"]["needs"]["os"] == "linux"


def test_what_is_unknown_stays_unknown(planned):
    document = changed(("memory", "total_bytes"), {"unknown": "nobody told"})
    found = planned(document).json
    assert found["facts"]["origins"]["hardware.ram_bytes"] == "assumed"
    assert "hardware.ram_bytes" in {item["fact"] for item in found["assumptions"]}


def test_a_device_that_nobody_knows_is_named(planned):
    document = changed(("accelerators", 0), FACTS["accelerators"][0] | {"id": None, "name": "Frobnicator 9000", "vendor": "frob"})
    found = planned(document).json
    assert any("Frobnicator 9000" in question for question in found["open_questions"])


def test_two_descriptions_of_one_machine(planned):
    planned(FACTS, *GPU).refused("--facts", "--hardware")


def test_an_option_overrides_the_answers_file(planned, tmp_path):
    (tmp_path / "answers.yaml").write_text("hardware: cpu\n")
    assert planned(FACTS, "--answers", "answers.yaml").json["facts"]["hardware"]["devices"]


@pytest.mark.parametrize("option", ["--facts", "--answers"])
def test_files_that_cannot_be_read(run, tmp_path, option):
    binary = tmp_path / "binary"
    binary.write_bytes(b"\x7fELF\x02\xff\xfe\x00")
    large = tmp_path / "large"
    large.write_bytes(b" " * 5_000_001)
    stated = [] if option == "--facts" else GPU
    for path, word in (("nowhere", "no such file"), (str(tmp_path), "is a directory"), ("binary", "not text"), ("large", "larger than")):
        run("plan", "--json", *stated, option, path).refused(path, word)
    if Path("/dev/zero").exists():
        run("plan", "--json", *stated, option, "/dev/zero").refused("larger than")
    run("plan", "--json", *stated, option, "a\0b").refused("null byte")


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.parent.name)
def test_what_machines_said_is_valid_and_plans(path, valid, planned):
    document = valid("detect", json.loads(path.read_text("utf-8")))
    result = planned(document)
    assert result.code in {0, 1}, result.err
    valid("plan", result.json)


def test_this_machine(run, valid):
    result = run("detect", "--json")
    assert result.code == 0
    valid("detect", result.json)
    valid("detect", run("detect", "--json", "--raw").json)
