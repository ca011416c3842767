"""`--answers FILE`: what it takes, and what is said about one that is broken."""

from __future__ import annotations

import pytest
from cli_result import GPU

BROKEN = {
    "not YAML": ("use_case: [", ["line 1", "not YAML"]),
    "not YAML further down": ("users: 2\nuse_case: chat\n  context: 4k\n", ["line 3", "not YAML"]),
    "a tab": ("\tusers: 2", ["line 1", "not YAML"]),
    "two documents": ("users: 2\n---\nusers: 3\n", ["line 2", "not YAML"]),
    "an alias that is nowhere": ("users: *there", ["line 1", "not YAML"]),
    "deep nesting": ("users: " + "[" * 600, ["nested too deeply"]),
    "a list": ("- chat\n", ["line 1", "keys with values"]),
    "a word": ("chat", ["line 1", "keys with values"]),
    "the same key twice": ("users: 1\nuse_case: chat\nusers: 2\n", ["line 3", "users", "twice"]),
    "an unknown key": ("users: 1\nmodle: qwen3-8b\n", ["line 2", "modle", "model"]),
    "the option's spelling": ("use-case: chat\n", ["line 1", "use_case"]),
    "a key that is no word": ("? [a, b]\n: c\n", ["line 1"]),
    "a list for users": ("users: [1, 2]\n", ["line 1", "users", "one value"]),
    "a mapping for hardware": ("hardware: {gpu: rtx-3090}\n", ["line 1", "hardware", "a name or a list of names"]),
    "a mapping in hardware": ("hardware:\n  - {gpu: rtx-3090}\n", ["line 1", "hardware"]),
    "no hardware": ("hardware: []\n", ["line 1", "hardware"]),
    "no users": ("use_case: chat\nusers: 0\n", ["line 2", "users", "at least 1"]),
    "endless users": (f"users: {'9' * 5000}\n", ["line 1", "users", "whole number"]),
    "unknown model": ("model: qwen3-8\n", ["line 1", "model", "Qwen3 8B"]),
    "unknown hardware": ("hardware: [rtx-309]\n", ["line 1", "hardware", "rtx-3090"]),
    "offline perhaps": ("offline: perhaps\n", ["line 1", "offline", "true or false"]),
    "an empty text": ("cpu: ''\n", ["line 1", "cpu"]),
    "a Python object": ("users: !!python/object/apply:os.getcwd []\n", ["line 1", "users"]),
    "escape codes": ('model: "\\e[31mred"\n', ["line 1", "model"]),
}


@pytest.fixture
def planned(run, tmp_path):
    def with_answers(text, *options):
        (tmp_path / "answers.yaml").write_text(text, encoding="utf-8")
        return run("plan", "--json", "--answers", "answers.yaml", *options)

    return with_answers


@pytest.mark.parametrize(("text", "words"), BROKEN.values(), ids=BROKEN)
def test_broken_files(planned, text, words):
    planned(text).refused("answers.yaml", *words)


def test_answers_are_taken(planned):
    text = "use_case: embeddings\nusers: 4\nhardware: [rtx-3090]\nram: 64G\noffline: true\ncontext: 1k\nlicense: open\n"
    found = planned(text).json
    needs = found["facts"]["needs"]
    assert (needs["use_case"], needs["users"], needs["offline"], needs["context"], needs["license"]) == (
        "embeddings",
        4,
        True,
        1024,
        "open",
    )
    assert found["facts"]["origins"]["needs.users"] == "answered"


def test_an_option_overrides_the_file(planned):
    found = planned("use_case: chat\nusers: 4\nhardware: rtx-3090\n", "--users", "2", "--use-case", "embeddings", "--hardware", "cpu").json
    assert found["facts"]["needs"]["users"] == 2
    assert found["facts"]["needs"]["use_case"] == "embeddings"
    assert found["facts"]["hardware"]["devices"] == []


def test_null_states_nothing(planned):
    found = planned("use_case: embeddings\nusers: ~\nmodel:\nhardware: cpu\n").json
    assert found["facts"]["origins"]["needs.users"] == "assumed"


def test_an_empty_file_states_nothing(planned):
    assert planned("# nothing yet\n", *GPU, "--use-case", "embeddings").code == 0


def test_a_file_with_a_byte_order_mark(planned):
    assert planned("\N{ZERO WIDTH NO-BREAK SPACE}use_case: embeddings\nhardware: cpu\n").json["facts"]["needs"]["use_case"] == "embeddings"


def test_the_schema_takes_what_the_program_takes(valid):
    valid("answers", {"use_case": "chat", "users": 2, "context": "32k", "hardware": ["2x rtx-4090"], "ram": "64G", "offline": False})
    valid("answers", {"context": 4096, "ram": 64, "hardware": "cpu", "facts": "tower.json"})
    valid("answers", {})


@pytest.mark.parametrize(
    "answers", [{"users": 0}, {"use_case": "x"}, {"modle": "x"}, {"hardware": []}, {"context": "much"}, {"ram": "-1G"}, {"offline": "no"}]
)
def test_the_schema_refuses_what_the_program_refuses(valid, answers):
    with pytest.raises(AssertionError):
        valid("answers", answers)
