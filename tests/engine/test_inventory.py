"""Hardware as it is named or detected, and what is assumed about the host around it."""

import pytest
from planner import card, document, facts, pack, planned

from setupgen.engine.host import Host
from setupgen.errors import UsageError
from setupgen.facts import Unknown
from setupgen.knowledge import GIB


def found(*accelerators, **changes):
    return facts(detected=document(*accelerators, **changes), use_case="chat")


def parts(facts_):
    return [(part.id, part.count, part.memory_bytes / GIB) for part in facts_.hardware.parts]


def said(facts_):
    return {assumption.fact: assumption for assumption in facts_.assumptions}


@pytest.mark.parametrize(
    ("name", "ram_gib", "cpu"),
    [
        ("rtx-4090", 32, "generic/dual-channel-ddr4"),
        ("rtx-4060 laptop", 16, "generic/dual-channel-ddr5"),
        ("rtx-6000-ada", 64, "generic/dual-channel-ddr4"),
        ("NVIDIA H100 80GB HBM3", 160, "generic/server-ddr5"),
        ("cpu", 16, "generic/dual-channel-ddr4"),
    ],
)
def test_what_stands_beside_a_named_device_is_assumed_by_its_kind_and_said(name, ram_gib, cpu):
    facts_ = facts(hardware=name)
    assert (facts_.hardware.ram_bytes, facts_.hardware.cpu) == (ram_gib * GIB, cpu)
    assert facts_.origins["hardware.ram_bytes"] == "assumed"
    assert said(facts_)["hardware.ram_bytes"].value == ram_gib * GIB
    if name != "cpu":
        assert said(facts_)["hardware.cpu"].value == facts_.hardware.cpu_name


def test_beside_data_centre_cards_there_is_twice_their_memory():
    assert facts(hardware="8x NVIDIA H100 80GB HBM3").hardware.ram_bytes == 2 * 8 * 80 * GIB


def test_what_is_stated_beside_a_device_is_taken_and_nothing_is_assumed_about_it():
    facts_ = facts(hardware="rtx-4090", ram="96G", cpu="ryzen-9-9950x")
    assert (facts_.hardware.ram_bytes, facts_.hardware.cpu) == (96 * GIB, "amd/ryzen-9-9950x")
    assert not {fact for fact in said(facts_) if fact.startswith("hardware.")}


def test_the_smallest_size_is_taken_where_several_are_sold_and_said():
    facts_ = facts(hardware="Apple M2 Max")
    assert parts(facts_) == [("apple/m2-max", 1, 32)]
    assert "is sold with 32, 64, 96 GiB" in said(facts_)["hardware.devices.memory_bytes"].because
    assert "hardware.devices.memory_bytes" not in said(facts(hardware="Apple M2 Max 64GB"))


def test_unified_memory_is_main_memory_and_is_not_added_to():
    facts_ = facts(hardware="Apple M2 Max 64GB")
    assert facts_.hardware.unified
    assert facts_.hardware.ram_bytes == 64 * GIB
    assert facts_.hardware.cpu == "apple/m2-max"
    assert not facts_.clashes
    with_ram = facts(hardware="Apple M2 Max 64GB", ram="32G")
    assert with_ram.hardware.ram_bytes == 64 * GIB
    assert "was not added" in with_ram.clashes[0]
    assert facts(hardware="Apple M2 Max 64GB", ram="64G").clashes == ()


def test_a_board_brings_its_own_memory():
    facts_ = facts(hardware="Raspberry Pi 5 8GB")
    assert (facts_.hardware.parts, facts_.hardware.ram_bytes, facts_.hardware.cpu) == ((), 8 * GIB, "raspberry-pi/pi-5")
    assert facts_.origins["hardware.ram_bytes"] == "declared"


@pytest.mark.parametrize("specs", [["2x rtx-3090"], ["rtx-3090", "NVIDIA GeForce RTX 3090"], "2x rtx-3090"])
def test_two_equal_cards_are_one_entry_however_they_are_named(specs):
    assert parts(facts(hardware=specs)) == [("nvidia/rtx-3090", 2, 24)]


def test_different_cards_stay_apart_and_their_order_changes_nothing_but_the_list():
    one, other = facts(hardware=["rtx-4060 laptop", "h100-sxm"]), facts(hardware=["h100-sxm", "rtx-4060 laptop"])
    assert sorted(parts(one)) == sorted(parts(other))
    assert (one.hardware.ram_bytes, one.hardware.cpu) == (other.hardware.ram_bytes, other.hardware.cpu)
    assert Host(pack(), one).lookup == Host(pack(), other).lookup


def test_a_detected_machine_is_taken_as_it_is():
    facts_ = found(card())
    assert parts(facts_) == [("nvidia/rtx-3090", 1, 24)]
    assert facts_.hardware.ram_bytes == 64 * GIB
    assert (facts_.hardware.cpu, facts_.hardware.threads, facts_.hardware.disk_free_bytes) == ("amd/ryzen-9-7950x", 32, 500 * 10**9)
    assert dict(facts_.hardware.tools)["docker"] == "28.2.2"
    assert facts_.origins["hardware.devices"] == facts_.origins["hardware.ram_bytes"] == "detected"
    assert facts_.origins["needs.os"] == "detected"
    assert facts_.hardware.parts[0].driver == "580.95.05"


def test_detected_cards_that_are_equal_are_counted():
    assert parts(found(card(), card())) == [("nvidia/rtx-3090", 2, 24)]
    assert parts(found(card(), card("NVIDIA GeForce RTX 4090"))) == [("nvidia/rtx-3090", 1, 24), ("nvidia/rtx-4090", 1, 24)]


def test_a_name_that_two_cards_share_is_told_apart_by_memory():
    assert parts(found(card("NVIDIA GeForce RTX 3060", 12))) == [("nvidia/rtx-3060", 1, 12)]
    assert parts(found(card("NVIDIA GeForce RTX 3060", 8))) == [("nvidia/rtx-3060-8gb", 1, 8)]


def test_what_the_driver_reports_counts_not_what_the_box_says():
    assert parts(found(card(gib=23.5)))[0][2] == 23.5


def test_unified_memory_without_a_size_is_the_main_memory():
    spark = card("NVIDIA GB10", memory_bytes={"unknown": "[N/A]"}, unified=True, compute_capability="12.1")
    facts_ = found(spark, memory={"total_bytes": 119 * GIB})
    assert parts(facts_) == [("nvidia/gb10", 1, 119)]
    assert facts_.hardware.unified


def test_a_limit_of_the_gpu_is_kept():
    mac = card("Apple M2 Max", 64, vendor="apple", unified=True, gpu_limit_bytes=48 * GIB, compute_capability=None, driver=None)
    facts_ = found(mac, os={"family": "macos"}, tools={})
    assert facts_.hardware.parts[0].gpu_limit_bytes == 48 * GIB
    assert (facts_.needs.os, facts_.needs.runtime) == ("macos", "native")


def test_memory_that_nobody_told_is_assumed_and_said():
    facts_ = found(card(memory_bytes={"unknown": "nvidia-smi: not installed"}))
    assert parts(facts_) == [("nvidia/rtx-3090", 1, 24)]
    assert facts_.origins["hardware.devices.memory_bytes"] == "assumed"
    assert said(facts_)["hardware.devices.memory_bytes"].value == 24 * GIB
    assert "hardware.devices.memory_bytes" not in said(found(card()))


def test_main_memory_that_nobody_told_is_assumed_and_said():
    facts_ = found(card(), memory={"total_bytes": {"unknown": "no /proc"}})
    assert facts_.hardware.ram_bytes == 16 * GIB
    assert said(facts_)["hardware.ram_bytes"].value == 16 * GIB


def test_a_processor_that_nobody_knows_is_taken_as_a_plain_one_and_said():
    facts_ = found(card(), cpu={"name": "Zhaoxin KX-7000", "threads": 8})
    assert (facts_.hardware.cpu, facts_.hardware.cpu_name) == ("generic/dual-channel-ddr4", "Zhaoxin KX-7000")
    assert "does not know Zhaoxin KX-7000" in said(facts_)["hardware.cpu.bandwidth_gb_s"].because


def test_a_measured_bandwidth_counts_more_than_the_processors_own():
    facts_ = found(card(), memory={"total_bytes": 64 * GIB, "bandwidth_gb_s": 89.6})
    assert Host(pack(), facts_).ram_bandwidth_gb_s == 89.6


def test_an_integrated_gpu_beside_a_card_is_left_out():
    integrated = card("AMD Ryzen AI 9 HX 370 w/ Radeon 890M", 32, vendor="amd", unified=True, compute_capability=None)
    facts_ = found(integrated, card())
    host = Host(pack(), facts_)
    assert [part.id for part in host.group.parts] == ["nvidia/rtx-3090"]
    assert host.lookup["hardware.vendor"] == "nvidia"


def test_cards_of_two_makers_do_not_work_together_and_the_larger_side_is_used():
    facts_ = facts(hardware=["rtx-3060 12GB", "rx-7900-xtx"])
    host = Host(pack(), facts_)
    assert [part.id for part in host.group.parts] == ["amd/rx-7900-xtx"]
    assert [part.id for part in host.unused_parts] == ["nvidia/rtx-3060"]
    plan = planned(hardware=["rtx-3060 12GB", "rx-7900-xtx"], use_case="chat")
    assert [warning["text"] for warning in plan["warnings"] if warning["id"] == "accelerator-left-idle"] == [
        "NVIDIA GeForce RTX 3060 is left idle: it cannot work together with the other accelerators."
    ]


def test_a_device_that_nobody_knows_is_kept_as_a_question():
    strange = card("Imaginary Accelerator 9000", vendor="imaginary")
    facts_ = found(strange)
    assert [(part.id, part.name) for part in facts_.hardware.parts] == [("", "Imaginary Accelerator 9000")]
    assert Host(pack(), facts_).group is None
    plan = planned(detected=document(strange), use_case="chat")
    assert plan["choice"]["backend"] == "cpu"
    assert any("What is Imaginary Accelerator 9000?" in question for question in plan["open_questions"])


def test_an_instance_of_a_partitioned_card_is_never_taken_for_the_whole_card():
    instance = card(
        "NVIDIA A100-SXM4-40GB MIG 1g.5gb", 4.75, mig_profile="1g.5gb", parent_name="NVIDIA A100-SXM4-40GB", compute_capability="8.0"
    )
    facts_ = found(instance)
    assert facts_.hardware.parts[0].memory_bytes == round(4.75 * GIB)
    assert facts_.hardware.parts[0].id == "", "the bandwidth of the whole card is not its own"
    plan = planned(detected=document(instance), use_case="chat")
    assert any("MIG 1g.5gb" in question for question in plan["open_questions"])


def test_a_partitioned_card_without_instances_cannot_be_used():
    nothing = card("NVIDIA A100-SXM4-40GB", memory_bytes={"unknown": "MIG mode is on, and no instance was found"}, mig=True)
    facts_ = found(nothing)
    assert Host(pack(), facts_).group is None


def test_notes_of_the_detection_become_warnings():
    plan = planned(detected=document(card(), notes=["nvidia-smi: took too long"]), use_case="chat")
    assert "nvidia-smi: took too long" in [warning["text"] for warning in plan["warnings"]]


def test_wsl_is_a_system_of_its_own():
    assert found(card(), os={"family": "linux", "wsl": True}).needs.os == "wsl"


def test_tools_that_are_missing_are_unknown_with_a_reason():
    tools = dict(found(card(), tools={"docker": "28.2.2", "nvidia_container_toolkit": {"unknown": "not installed"}}).hardware.tools)
    assert tools["nvidia_container_toolkit"] == Unknown("not installed")
    host = Host(pack(), found(card(), tools={}))
    assert host.lookup["tools.nvidia_container_toolkit"] is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": 2}, "schema is 2, expected 1"),
        ({"schema": None}, "schema is None"),
        ({"accelerators": [{"vendor": "nvidia"}]}, r"accelerators\[0\].name"),
        ({"accelerators": ["rtx-3090"]}, r"accelerators\[0\].name"),
        ({"accelerators": {"name": "rtx-3090"}}, "accelerators is"),
        ({"tools": ["docker"]}, "tools is"),
        ({"memory": {"total_bytes": "64G"}}, "memory.total_bytes is '64G', expected a number"),
        ({"memory": {"total_bytes": -1}}, "memory.total_bytes is -1, expected 0 or more"),
        ({"memory": {"total_bytes": True}}, "memory.total_bytes is True"),
        ({"cpu": {"name": 7}}, "cpu.name is 7, expected text"),
        ({"disk": {"free_bytes": "much"}}, "disk.free_bytes is 'much'"),
    ],
)
def test_a_document_of_another_shape_is_refused_with_the_key(changes, message):
    with pytest.raises(UsageError, match=message):
        facts(detected=document(card()) | changes)
