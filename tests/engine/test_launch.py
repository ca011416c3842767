"""Settings become the words that the program of the pinned version understands, or nothing at all."""

import shlex
from pathlib import Path

import pytest
import yaml

from setupgen.engine.launch import check_flags, launch
from setupgen.errors import SetupgenError
from setupgen.knowledge import Server

SERVERS = Path(__file__).parents[2] / "knowledge" / "servers"

SETTINGS = {
    "alias": "tiny",
    "auth": {"kind": "none"},
    "backend": "cuda",
    "bind": "127.0.0.1",
    "cache_type_k": "q8_0",
    "cache_type_v": "q8_0",
    "context": 65536,
    "context_total": 131072,
    "embeddings": False,
    "flash_attention": True,
    "keep_alive": "30m",
    "memory_share": 0.92,
    "metrics": True,
    "offline": False,
    "offload": {"kind": "full", "gpu_layers": 0, "n_cpu_moe": 0},
    "parallel": 2,
    "port": 9931,
    "prompt_cache_mib": 4096,
    "rerank": False,
    "tensor_parallel": 1,
    "tensor_split": None,
    "threads": None,
    "tool_calls": True,
    "tool_parser": "qwen3_coder",
    "ubatch": 512,
    "weights_file": None,
    "weights_source": "unsloth/Tiny-GGUF:Q4_K_M",
    "workers": 8,
}


def real(name):
    return Server.of(name, yaml.safe_load((SERVERS / f"{name}.yaml").read_text(encoding="utf-8")))


def made(entries, *, version="2.0", flags=None, environment=None):
    raw = {
        "name": "Demo", "kind": "inference", "version": {"pinned": version, "minimum": "1.0"}, "platforms": ["linux"], "runtimes": ["native"],
        "port": 1, "license": "mit", "status": "active", "sources": [], "reviewed": "2026-11-21",
        "launch": entries, "flags": flags or {}, "environment": environment or {},
    }  # fmt: skip
    return Server.of("demo", raw)


def pairs(words):
    return {word: following for word, following in zip(words, [*words[1:], ""], strict=True) if word.startswith("--")}


def test_a_flag_and_its_value_are_words_of_their_own():
    words, environment = launch(
        made([{"flag": "--size", "value": {"setting": "context"}}], flags={"--size": {"takes": "N"}}), {"context": 7}
    )
    assert words == ["--size", "7"]
    assert environment == {}


def test_several_settings_make_one_word():
    server = made([{"environment": "ADDRESS", "value": {"text": "{bind}:{port}"}}], environment={"ADDRESS": {}})
    assert launch(server, {"bind": "127.0.0.1", "port": 80}) == ([], {"ADDRESS": "127.0.0.1:80"})


def test_a_value_is_spelled_as_the_program_wants_it():
    entry = {"flag": "--fast", "value": {"setting": "flash_attention", "map": {"true": "on", "false": "off"}}}
    server = made([entry], flags={"--fast": {"takes": "on|off"}})
    assert launch(server, {"flash_attention": False})[0] == ["--fast", "off"]
    with pytest.raises(SetupgenError, match="no word for flash_attention = maybe"):
        launch(server, {"flash_attention": "maybe"})


@pytest.mark.parametrize(
    ("settings", "given"),
    [({"offload": {"kind": "experts"}}, True), ({"offload": {"kind": "full"}}, False), ({"offload": None}, False), ({}, False)],
)
def test_an_entry_counts_only_where_its_condition_is_known_to_hold(settings, given):
    server = made([{"flag": "--moe", "when": {"fact": "settings.offload.kind", "is": "experts"}}], flags={"--moe": {}})
    assert (launch(server, settings)[0] == ["--moe"]) is given


def test_a_switch_that_nobody_gave_is_off_and_other_settings_are_unknown():
    entries = [
        {"flag": "--chat", "when": {"fact": "settings.embeddings", "is": False}},
        {"flag": "--no-picture", "when": {"fact": "settings.projector", "is": False}},
    ]
    server = made(entries, flags={"--chat": {}, "--no-picture": {}})
    assert launch(server, {})[0] == ["--chat"]


def test_a_missing_value_is_a_fault_that_names_the_setting():
    server = made([{"flag": "--size", "value": {"setting": "context"}}], flags={"--size": {"takes": "N"}})
    with pytest.raises(SetupgenError, match="demo: --size needs the setting 'context'"):
        launch(server, {"context": None})


@pytest.mark.parametrize(
    ("record", "message"),
    [({"until": "2.0"}, "only before 2.0"), ({"since": "2.1"}, "only since 2.1"), ({"until": "10.0"}, ""), ({"since": "b2"}, "")],
)
def test_a_flag_must_live_at_the_pinned_version(record, message):
    server = made([{"flag": "--old"}], flags={"--old": record})
    if not message:
        assert launch(server, {})[0] == ["--old"]
        assert check_flags(server) == []
        return
    with pytest.raises(SetupgenError, match=message):
        launch(server, {})
    assert any(message in problem for problem in check_flags(server))


def test_an_unrecorded_flag_is_refused_but_other_spellings_are_known():
    with pytest.raises(SetupgenError, match="no flag --new is recorded"):
        launch(made([{"flag": "--new"}]), {})
    assert launch(made([{"flag": "-n"}], flags={"--new": {"aliases": ["-n"]}}), {})[0] == ["-n"]


def test_checks_find_what_is_wrong_with_entries():
    entries = [
        {"flag": "--size"},
        {"flag": "--bare", "value": 1},
        {"flag": "--mode", "value": "loud"},
        {"flag": "--size", "value": {"setting": "contxt"}},
        {"flag": "--bare", "wen": {}},
        {"flag": "--bare", "environment": "X"},
        {"environment": "X"},
    ]
    flags = {"--size": {"takes": "N", "aliases": ["-s"]}, "--bare": {"aliases": ["-s"]}, "--mode": {"takes": "M", "values": ["soft"]}}
    problems = check_flags(made(entries, flags=flags, environment={"X": {}}))
    wanted = [
        "takes a value",
        "takes no value",
        "loud is none of soft",
        "contxt is no known setting",
        "unknown keys wen",
        "exactly one",
        "no value",
        "-s",
    ]
    assert all(any(part in problem for problem in problems) for part in wanted)


@pytest.mark.parametrize("name", sorted(path.stem for path in SERVERS.glob("*.yaml")))
def test_every_server_file_launches_with_what_its_pinned_version_has(name):
    assert check_flags(real(name)) == []


def test_llama_cpp_says_everything_and_leaves_nothing_to_defaults():
    words, environment = launch(real("llama-cpp"), SETTINGS)
    given = pairs(words)
    assert given["--hf-repo"] == "unsloth/Tiny-GGUF:Q4_K_M"
    assert (given["--host"], given["--port"]) == ("127.0.0.1", "9931")
    assert (given["--ctx-size"], given["--parallel"]) == ("131072", "2")
    assert (given["--cache-type-k"], given["--cache-type-v"], given["--flash-attn"]) == ("q8_0", "q8_0", "on")
    assert given["--n-gpu-layers"] == "all"
    assert {"--jinja", "--metrics", "--no-kv-unified"} <= given.keys()
    assert not {"--model", "--embeddings", "--n-cpu-moe", "--api-key", "--sleep-idle-seconds", "--offline"} & given.keys()
    assert environment == {}


def test_llama_cpp_splits_offloads_and_embeds():
    experts = SETTINGS | {
        "offload": {"kind": "experts", "gpu_layers": 49, "n_cpu_moe": 12},
        "tensor_split": "24,16",
        "weights_file": "/models/a.gguf",
    }
    given = pairs(launch(real("llama-cpp"), experts)[0])
    assert (given["--n-cpu-moe"], given["--tensor-split"], given["--model"]) == ("12", "24,16", "/models/a.gguf")
    assert given["--n-gpu-layers"] == "49"
    assert "--hf-repo" not in given
    embedder = SETTINGS | {"embeddings": True, "tool_calls": False, "ubatch": 8192, "offload": {"kind": "cpu"}}
    given = pairs(launch(real("llama-cpp"), embedder)[0])
    assert (given["--batch-size"], given["--ubatch-size"], given["--n-gpu-layers"]) == ("8192", "8192", "0")
    assert "--embeddings" in given
    assert "--jinja" not in given


def test_ollama_is_told_by_environment_only():
    words, environment = launch(real("ollama"), SETTINGS | {"port": 11434, "weights_source": "qwen3:8b"})
    assert words == []
    assert environment["OLLAMA_HOST"] == "127.0.0.1:11434"
    assert (environment["OLLAMA_CONTEXT_LENGTH"], environment["OLLAMA_NUM_PARALLEL"]) == ("65536", "2")
    assert (environment["OLLAMA_KV_CACHE_TYPE"], environment["OLLAMA_FLASH_ATTENTION"], environment["OLLAMA_NO_CLOUD"]) == (
        "q8_0",
        "1",
        "1",
    )
    assert "OLLAMA_IGPU_ENABLE" not in environment
    assert launch(real("ollama"), SETTINGS | {"backend": "vulkan", "unified": True})[1]["OLLAMA_IGPU_ENABLE"] == "1"


def test_vllm_gets_the_model_first_and_a_parser_only_with_tools():
    settings = SETTINGS | {"cache_type_k": "auto", "weights_source": "org/model", "port": 8000}
    words, environment = launch(real("vllm"), settings)
    given = pairs(words)
    assert words[0] == "org/model"
    assert (given["--max-model-len"], given["--max-num-seqs"], given["--gpu-memory-utilization"]) == ("65536", "2", "0.92")
    assert given["--tool-call-parser"] == "qwen3_coder"
    assert "--enable-auto-tool-choice" in given
    assert "--trust-remote-code" not in given
    assert environment["VLLM_NO_USAGE_STATS"] == "1"
    without = pairs(launch(real("vllm"), settings | {"tool_calls": False})[0])
    assert not {"--enable-auto-tool-choice", "--tool-call-parser"} & without.keys()


def test_hops_reads_its_own_variable():
    words, environment = launch(real("hops"), SETTINGS | {"bind": "0.0.0.0", "port": 11434})
    assert words == ["run", "--host", "0.0.0.0", "--port", "11434", "--workers", "8"]
    assert environment == {"OLLAMA_HOSTS": "/data/hosts.yml"}


def nested(words, *, flags):
    raw = {**made([{"flag": "--runtime-args", "value": {"words": words}}], flags={"--runtime-args": {"takes": "TEXT"}}).raw}
    return Server.of("demo", raw | {"engine": {"name": "below", "version": "b100", "flags": flags}})


def test_the_command_line_of_a_program_below_is_one_text():
    server = nested(
        [
            {"flag": "--name", "value": {"setting": "alias"}},
            {"flag": "--quick", "when": {"fact": "settings.offline", "is": False}},
            {"flag": "--slow", "when": {"fact": "settings.offline", "is": True}},
        ],
        flags={"--name": {"takes": "NAME"}, "--quick": {}, "--slow": {}},
    )
    hostile = """it's a "b" $(touch owned)"""
    flags, _ = launch(server, SETTINGS | {"alias": hostile})
    assert flags[0] == "--runtime-args"
    assert shlex.split(flags[1]) == ["--name", hostile, "--quick"]
    assert check_flags(server) == []


@pytest.mark.parametrize(
    ("words", "flags", "said"),
    [
        ([{"flag": "--gone"}], {}, "no flag --gone is recorded"),
        ([{"flag": "--new"}], {"--new": {"since": "b200"}}, "exists only since b200"),
        ([{"flag": "--name"}], {"--name": {"takes": "NAME"}}, "takes a value"),
        ([{"flag": "--name", "value": {"setting": "nonsense"}}], {"--name": {"takes": "NAME"}}, "no known setting"),
    ],
)
def test_what_the_program_below_does_not_have_is_an_error(words, flags, said):
    assert said in " ".join(check_flags(nested(words, flags=flags)))
