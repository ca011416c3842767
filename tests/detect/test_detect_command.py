"""`setupgen detect`: data on stdout, talk on stderr, ids from the knowledge base."""

from __future__ import annotations

import argparse
import json
from types import SimpleNamespace

import pytest
from detect_replay import CAPTURES, MACHINES, Replay

from setupgen.cli import detect as command
from setupgen.detect.machine import detect
from setupgen.errors import UsageError


@pytest.fixture
def on(monkeypatch):
    """Runs the command on a captured machine, with a knowledge base that knows NVIDIA's devices."""
    monkeypatch.setattr("setupgen.cli.pack.load_pack", lambda: "pack")

    def find(pack, name, memory_bytes):
        return SimpleNamespace(id="nvidia/known") if "NVIDIA" in name else None

    monkeypatch.setattr("setupgen.engine.hardware.identify", find)

    def go(machine: str, *flags: str) -> int:
        monkeypatch.setattr("setupgen.detect.detect", lambda *, raw=False: detect(Replay(CAPTURES / machine), raw=raw))
        parser = argparse.ArgumentParser()
        command.add_parser(parser.add_subparsers())
        return command.run(parser.parse_args(["detect", *flags]))

    return go


def test_json_is_one_document_with_ids(on, capsys):
    assert on("rtx-4060-laptop", "--json") == 0
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert [accelerator["id"] for accelerator in document["accelerators"]] == ["nvidia/known", None]
    assert captured.err.count("\n") == 1
    assert "Raptor Lake-P" in captured.err
    assert "raw" not in document


def test_raw_adds_what_tools_printed(on, capsys):
    assert on("nvml-mismatch", "--json", "--raw") == 0
    raw = json.loads(capsys.readouterr().out)["raw"]
    assert raw["nvidia-smi"]["exit"] == 18
    assert raw["nvidia-smi"]["stdout"].startswith("Failed to initialize NVML")
    assert raw["/proc/meminfo"]["stdout"].startswith("MemTotal")


@pytest.mark.parametrize("machine", MACHINES)
def test_table_for_people(on, capsys, machine):
    assert on(machine) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Machine")
    assert any(line.startswith("Accelerator") for line in lines)
    assert all(len(line) < 600 and line.isprintable() and line == line.rstrip() for line in lines)


def test_table_counts_equal_cards(on, capsys):
    on("h100-sxm-8x")
    assert "8x NVIDIA H100 80GB HBM3: 79.6 GiB, nvidia 570.172.08, compute capability 9.0 [nvidia/known]" in capsys.readouterr().out


def test_raw_in_the_table(on, capsys):
    on("nvidia-smi-hangs", "--raw")
    assert "--- nvidia-smi (exit: nvidia-smi: timed out after 15 s)" in capsys.readouterr().out


def test_without_a_knowledge_base_the_facts_are_still_told(on, capsys, monkeypatch):
    def fail():
        raise UsageError("it is not there.")

    monkeypatch.setattr("setupgen.cli.pack.load_pack", fail)
    assert on("rtx-3090-tower", "--json") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["accelerators"][0]["id"] is None
    assert "it is not there" in captured.err
