"""What a page shows of a plan: every plan can be told, and what is told is the plan's."""

import json
import re
import shlex

import pytest

from case_tools import CASES, ROOT, pack, read_case
from setupgen import web
from setupgen.cli.main import parser
from setupgen.engine import offering
from setupgen.engine.hardware import resolve_device
from setupgen.engine.refusals import LABELS
from setupgen.engine.telling import command_line
from setupgen.web import Engine

STORIES = (
    "solo-coder-on-a-3090",
    "fifty-people-on-an-h100",
    "macbook",
    "raspberry-pi",
    "transcription-on-a-4090",
    "unequal-pair",
    "dense-that-spills",
)
CAPTURES = sorted((ROOT / "tests/detect/captures").glob("*/expected.json"))
ENGINE = Engine((ROOT / "src/setupgen/_data/pack.jsonl").read_text("utf-8"))


def asked(answers, detected=""):
    text = json.dumps(answers)
    return json.loads(ENGINE.advise(text, detected)), json.loads(ENGINE.plan(text, detected))


def facts(story):
    return read_case(CASES / f"{story}.yaml")["facts"]


@pytest.mark.parametrize("story", STORIES)
def test_what_is_told_is_what_was_planned(story):
    advice, plan = asked(facts(story))
    told, choice = advice["told"], plan["choice"]
    assert told["verdict"] == plan["verdict"]
    for part in (choice["model"]["name"], choice["weights"]["quant"], choice["server"]["name"]):
        assert part in told["sentence"]
    assert told["announcement"].startswith(told["title"])
    assert [item["text"] for item in told["warnings"]] == [item["text"] for item in plan["warnings"]]
    assert [item["text"] for item in told["why"]] == [item["because"] for item in plan["decisions"]]
    assert [item["answers"]["model"] for item in told["alternatives"]] == [item["model"]["id"] for item in plan["alternatives"]]
    assert advice["needs"].keys() == {*plan["facts"]["needs"], "ram"}
    assert float(advice["needs"]["ram"]["value"][:-1]) == pytest.approx(plan["facts"]["hardware"]["ram_bytes"] / 1024**3, rel=0.001)
    assert all(origin["origin"] in {"answered", "assumed", "detected", "declared"} for origin in advice["needs"].values())


@pytest.mark.parametrize("story", STORIES)
def test_shares_of_memory_add_up(story):
    advice, plan = asked(facts(story))
    memory, counted = advice["told"]["memory"], plan["choice"]["memory"]
    assert sum(part["percent"] for part in memory["parts"]) == pytest.approx(100, abs=0.3)
    for shown, device in zip(memory["devices"], counted["devices"], strict=True):
        assert shown["percent"] == pytest.approx(device["used_bytes"] / device["capacity_bytes"] * 100, abs=0.1)
        assert 0 <= shown["percent"] <= 100


def test_speed_has_its_range_and_is_felt():
    advice, plan = asked(facts("solo-coder-on-a-3090"))
    writing = advice["told"]["speed"][0]
    speed = plan["choice"]["speed"]["decode_tps"]
    low, high = (float(number.replace(",", "")) for number in re.findall(r"[\d.,]+", writing["range"])[:2])
    assert low == pytest.approx(speed["low"], rel=0.01)
    assert high == pytest.approx(speed["high"], rel=0.01)
    assert "a page in" in writing["words"]
    assert writing["basis"] in {"measured", "estimated"}


def test_embeddings_write_nothing():
    advice, _ = asked({"use_case": "embeddings", "hardware": "rtx-3090"})
    assert [item["label"] for item in advice["told"]["speed"]] == ["Reading"]


def test_the_chart_has_the_choice_and_one_point_for_each_model():
    advice, plan = asked(facts("solo-coder-on-a-3090"))
    points = advice["told"]["chart"]["points"]
    assert [point["kind"] for point in points].count("choice") == 1
    choice = next(point for point in points if point["kind"] == "choice")
    assert choice["tps"] == pytest.approx(plan["choice"]["speed"]["decode_tps"]["value"], abs=0.01)
    names = [point["name"].rpartition(" ")[0] for point in points]
    assert len(set(names)) == len(names) > 5
    others = {item["model"]["name"] for item in plan["alternatives"]} - {plan["choice"]["model"]["name"]}
    assert others <= {point["name"].rpartition(" ")[0] for point in points if point["kind"] == "alternative"}


def test_what_cannot_run_is_told_too():
    advice, plan = asked({"use_case": "coding-agent", "hardware": "raspberry pi 4 4GB", "model": "deepseek/deepseek-v3.2"})
    assert plan["verdict"] == "nothing-fits"
    told = advice["told"]
    assert told["title"] == "Nothing fits"
    assert told["memory"] is None
    assert told["chart"] is None
    assert told["would_fit"]


def test_the_command_is_understood_and_says_the_same():
    answers = {**facts("solo-coder-on-a-3090"), "hardware": ["2x RTX 4090", "cpu; rm -rf /"], "cpu": "it's $(here)", "offline": True}
    words = shlex.split(command_line(answers))
    assert words[0] == "setupgen"
    read = vars(parser().parse_args(words[1:]))
    for key, value in answers.items():
        assert read[key] == (value if isinstance(value, (list, bool)) else str(value)), key


def test_taking_an_alternative_plans_it():
    answers = facts("solo-coder-on-a-3090")
    advice, _ = asked(answers)
    for item in advice["told"]["alternatives"]:
        _, plan = asked({**answers, **item["answers"]})
        assert plan["choice"]["model"]["id"] == item["answers"]["model"]
        assert plan["choice"]["weights"]["quant"] == item["answers"]["quant"]


def test_all_hardware_that_is_offered_is_understood_as_itself():
    offered = offering.hardware(pack())
    assert len({item["value"] for item in offered}) == len(offered) > 200
    for item in offered:
        if item["kind"] == "rented machine":
            assert item["value"] in pack().instances
            continue
        device, memory, count = resolve_device(pack(), item["value"])
        assert device.id in item["other"].split()
        assert count == 1
        assert memory is None or memory in device.memory_options


def test_usual_machines_are_among_the_offered():
    values = {item["value"] for item in offering.hardware(pack())}
    common = offering.common(pack())
    assert len(common) >= 4
    assert {item["value"] for item in common} <= values


def test_only_what_files_are_written_for_is_asked_about():
    question = next(item for item in offering.questions(pack()) if item["sets"] == "needs.runtime")
    assert {choice["value"] for choice in question["choices"]} <= offering.runtimes(pack())
    assert {item["value"] for item in offering.servers(pack())} >= {"llama-cpp", "ollama", "vllm"}


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.parent.name)
def test_a_link_names_a_detected_machine_as_far_as_it_has_a_name(path):
    advice, plan = asked({}, path.read_text("utf-8"))
    link = advice["link"]
    assert set(link) <= {"hardware", "ram", "os"}
    again = json.loads(ENGINE.plan(json.dumps(link)))
    assert "error" not in again
    assert again["facts"]["needs"]["os"] == plan["facts"]["needs"]["os"]
    known = [(item["id"], item["count"]) for item in plan["facts"]["hardware"]["devices"] if item["id"]]
    assert [(item["id"], item["count"]) for item in again["facts"]["hardware"]["devices"]] == known


def test_what_was_detected_is_told_as_such():
    advice, _ = asked({"use_case": "chat"}, CAPTURES[0].read_text("utf-8"))
    assert advice["needs"]["os"]["origin"] == "detected"
    assert "--facts setupgen.facts.json" in advice["command"]
    assert "setupgen.facts.json" in json.loads(ENGINE.setup(json.dumps({"use_case": "chat"}), CAPTURES[0].read_text("utf-8")))["files"]


def test_asking_again_about_the_same_answers_plans_nothing_anew():
    answers = json.dumps(facts("macbook"))
    first = ENGINE.plan(answers)
    kept = ENGINE._plan(answers)
    assert ENGINE._plan(answers) is kept
    assert ENGINE.plan(answers) == first


def test_only_so_many_plans_are_kept_and_the_oldest_goes(monkeypatch):
    monkeypatch.setattr(web, "KEPT", 2)
    monkeypatch.setattr(ENGINE, "_made", {})
    asked = [json.dumps({**facts("macbook"), "use_case": use_case}) for use_case in ("chat", "documents", "creative-writing")]
    for answers in asked:
        ENGINE.plan(answers)
    assert [key[0] for key in ENGINE._made] == asked[1:]


def test_a_form_has_everything_before_any_answer():
    form = json.loads(ENGINE.form())
    assert {"questions", "hardware", "common", "models", "servers", "quants", "keys"} <= form.keys()
    assert not {"facts", "weights_file"} & set(form["keys"]), "an address never names a file of its reader"


def test_what_is_seen_first_are_numbers_of_the_plan():
    advice, plan = asked(facts("solo-coder-on-a-3090"))
    figures = {item["label"]: item for item in advice["told"]["figures"]}
    assert list(figures) == ["Writing", "First words", "Memory", "Download"]
    choice = plan["choice"]
    assert float(figures["Writing"]["value"].split()[0]) == pytest.approx(choice["speed"]["decode_tps"]["value"], rel=0.01)
    used, capacity = (choice["memory"]["devices"][0][key] / 1024**3 for key in ("used_bytes", "capacity_bytes"))
    assert figures["Memory"]["value"] == f"{used:.1f} of {capacity:.1f} GiB"
    assert float(figures["Download"]["value"].split()[0]) == pytest.approx(choice["weights"]["download_bytes"] / 1e9, abs=0.05)


def test_main_memory_is_shown_where_accelerators_have_their_own():
    advice, plan = asked(facts("solo-coder-on-a-3090"))
    memory, hardware = advice["told"]["memory"], plan["facts"]["hardware"]
    share = plan["choice"]["memory"]["host_bytes"] / hardware["ram_bytes"]
    assert memory["host"]["percent"] == pytest.approx(share * 100, abs=0.1)
    assert "earlier prompts" in memory["note"]
    for story in ("macbook", "raspberry-pi"):
        assert asked(facts(story))[0]["told"]["memory"]["host"] is None, "the bar of the device is main memory already"


@pytest.mark.parametrize("story", STORIES)
def test_what_ruled_others_out_is_told_in_words(story):
    advice, plan = asked(facts(story))
    rows = advice["told"]["why_not"]["rows"]
    refused = {item["because"] for item in plan["rejected"]}
    assert {row["text"] for row in rows} <= refused
    by = {item["by"][0] for item in plan["rejected"]}
    assert {name for name in by if name not in LABELS} <= {*pack().rules, *(name for name in by if name.startswith("pairing:"))}
