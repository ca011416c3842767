"""Every combination is made, and kept or rejected with the reason that came nearest."""

from dataclasses import replace

import pytest
from planner import facts, only, pack, planned

from setupgen.engine.candidates import SHARED, survey
from setupgen.engine.deployments import Deployment
from setupgen.engine.host import Host
from setupgen.engine.rules import RuleBook
from setupgen.engine.suitability import model_reason, server_reason, source_of
from setupgen.engine.variants import (
    cache_choices,
    capacity_reason,
    card_choices,
    contexts_for,
    parallel_for,
    placement_kinds,
    projector_bytes,
    typical_depth,
    ubatch_for,
)
from setupgen.knowledge import Server

SERVERS = pack().servers
MODELS = pack().models


def host(**stated):
    return Host(pack(), facts(**{"use_case": "chat", "hardware": "rtx-3090", "os": "linux"} | stated))


def field(*models, **stated):
    return survey(
        Host(only(*models), facts(**{"use_case": "chat", "hardware": "rtx-3090", "os": "linux", "ram": "64G"} | stated)), RuleBook(pack())
    )


def server(id_, **changes):
    return replace(SERVERS[id_], raw={**SERVERS[id_].raw, **changes})


def test_a_stated_context_is_the_only_one_and_an_assumed_one_may_shrink():
    model = MODELS["qwen/qwen3.6-27b"]
    assert contexts_for(host(context="32k"), model) == [32768]
    assert contexts_for(host(), model) == [16384, 8192, 4096]
    assert contexts_for(host(use_case="coding-agent"), model) == [65536], "an agent does not work with less"


def test_as_much_as_possible_begins_with_the_models_own_limit():
    model = MODELS["qwen/qwen3-8b"]
    steps = contexts_for(host(context="max"), model)
    assert steps[0] == model.maximum_context
    assert steps == sorted(steps, reverse=True)
    assert steps[-1] >= pack().vocabulary("use-cases")["chat"]["minimum_context"]


def test_the_usual_depth_is_the_prompt_and_at_most_half_of_the_context():
    assert typical_depth(host(), 16384) == pack().vocabulary("use-cases")["chat"]["prompt_tokens"]
    assert typical_depth(host(), 512) == 256


@pytest.mark.parametrize(
    ("hardware", "name", "choices"),
    [
        ("rtx-3090", "llama-cpp", [(1, 1)]),
        ("2x rtx-3090", "llama-cpp", [(1, 1), (2, 1)]),
        ("4x rtx-3090", "vllm", [(1, 4), (2, 2), (4, 1)]),
        ("3x rtx-3090", "vllm", [(1, 3), (2, 1)]),
        (["rtx-3090", "rtx-4060"], "vllm", [(1, 2)]),
        (["rtx-3090", "rtx-4060"], "llama-cpp", [(1, 1), (2, 1)]),
        ("cpu", "llama-cpp", [(0, 1)]),
    ],
)
def test_cards_are_shared_as_the_server_can(hardware, name, choices):
    found = host(hardware=hardware, users=8)
    assert card_choices(found, SERVERS[name], "cpu" if hardware == "cpu" else "cuda") == choices


def test_there_are_no_more_copies_than_people():
    assert card_choices(host(hardware="4x rtx-3090", users=1), SERVERS["vllm"], "cuda") == [(1, 1), (2, 1), (4, 1)]


def test_people_are_shared_among_copies_and_none_is_left_out():
    assert parallel_for(host(users=5), SERVERS["vllm"], 2) == 3
    assert parallel_for(host(users=5), SERVERS["vllm"], 1) == 5
    assert parallel_for(host(users=5, use_case="embeddings"), SERVERS["ollama"], 1) == 1


def test_eight_bit_caches_come_after_the_servers_own():
    model = MODELS["qwen/qwen3-8b"]
    assert cache_choices(host(), model, Deployment(SERVERS["llama-cpp"], "cuda", "docker", "")) == ["f16", "q8_0"]
    assert cache_choices(host(), model, Deployment(SERVERS["vllm"], "cuda", "docker", "")) == ["auto"], "a 3090 computes no FP8"
    assert cache_choices(host(hardware="rtx-4090"), model, Deployment(SERVERS["vllm"], "cuda", "docker", "")) == ["auto", "fp8"]


def test_no_cache_below_the_floor_of_the_use_case_is_tried():
    for use_case, entry in pack().vocabulary("use-cases").items():
        tried = cache_choices(host(use_case=use_case), MODELS["qwen/qwen3-8b"], Deployment(SERVERS["llama-cpp"], "cuda", "docker", ""))
        assert tried == (["f16", "q8_0"] if entry["cache_floor_bits"] <= 8 else ["f16"])


def test_placements_are_those_that_server_and_model_can():
    mixture, dense = MODELS["qwen/qwen3-30b-a3b"], MODELS["qwen/qwen3-8b"]
    assert placement_kinds(SERVERS["llama-cpp"], mixture, "cuda") == ["full", "experts", "layers"]
    assert placement_kinds(SERVERS["llama-cpp"], dense, "cuda") == ["full", "layers"]
    assert placement_kinds(SERVERS["vllm"], mixture, "cuda") == ["full"]
    assert placement_kinds(SERVERS["llama-cpp"], mixture, "cpu") == ["cpu"]


def test_an_encoder_takes_its_text_in_one_go():
    encoder = MODELS["baai/bge-m3"]
    assert ubatch_for(SERVERS["llama-cpp"], encoder, 8192, 1) >= min(8192, encoder.maximum_context)


def test_a_server_takes_only_so_many_people():
    dense = MODELS["qwen/qwen3-8b"]
    most = SERVERS["ollama"].concurrency["maximum_users"]
    assert capacity_reason(SERVERS["ollama"], dense, most) == ""
    assert "at most about" in capacity_reason(SERVERS["ollama"], dense, 100_000)
    assert "one user at a time" in capacity_reason(SERVERS["ollama"], MODELS["qwen/qwen3.5-9b"], 2)
    assert capacity_reason(SERVERS["ollama"], MODELS["qwen/qwen3.5-9b"], 1) == ""


def test_weights_come_from_where_the_server_pulls():
    gguf = next(item for item in MODELS["qwen/qwen3-8b"].weights if item.format == "gguf")
    named = replace(gguf, ollama="tiny:8b")
    assert source_of(SERVERS["ollama"], named) == "tiny:8b"
    assert source_of(SERVERS["ollama"], replace(gguf, ollama="")) == f"hf.co/{gguf.repository}:{gguf.quant}"
    assert source_of(SERVERS["llama-cpp"], gguf) == f"{gguf.repository}:{gguf.quant}"
    assert source_of(SERVERS["llama-cpp"], gguf, local_file="/models/a.gguf") == "/models/a.gguf"
    assert source_of(SERVERS["vllm"], gguf) == gguf.repository
    assert source_of(SERVERS["llama-cpp"], replace(gguf, repository="")) == ""
    assert source_of(SERVERS["lllms"], gguf) == f"https://huggingface.co/{gguf.repository}/resolve/main/{gguf.file}"
    assert source_of(SERVERS["lllms"], replace(gguf, file="a-00001-of-00002.gguf")) == ""
    assert source_of(SERVERS["lllms"], gguf, local_file="/models/a.gguf") == "/models/a.gguf"
    assert source_of(SERVERS["ramalama"], gguf) == f"{gguf.repository}/{gguf.file}"
    assert source_of(SERVERS["ramalama"], replace(gguf, file="Q4_K_M/a.gguf")) == ""
    assert source_of(SERVERS["ramalama"], replace(gguf, file="a-00001-of-00002.gguf")) == ""
    assert source_of(SERVERS["docker-model-runner"], named) == f"hf.co/{gguf.repository}:{gguf.quant}"
    assert (
        source_of(SERVERS["docker-model-runner"], replace(gguf, file=f"a-UD-{gguf.quant}.gguf"))
        == f"hf.co/{gguf.repository}:UD-{gguf.quant}"
    )


def test_a_server_that_always_loads_a_projector_pays_for_it_in_text_too():
    model = MODELS["google/gemma-3-12b"]
    weights = next(item for item in model.weights if item.format == "gguf" and item.projector)
    chat, vision = (Host(pack(), facts(hardware="rtx-3090", use_case=use_case)) for use_case in ("chat", "vision"))
    assert projector_bytes(chat, SERVERS["llama-cpp"], model, weights) == 0
    assert projector_bytes(chat, SERVERS["docker-model-runner"], model, weights) > 0
    assert projector_bytes(vision, SERVERS["llama-cpp"], model, weights) == projector_bytes(
        chat, SERVERS["docker-model-runner"], model, weights
    )


@pytest.mark.parametrize(
    ("server", "model", "stated", "said"),
    [
        ("sglang", "qwen/qwen3-8b", {}, ""),
        ("sglang", "openai/whisper-large-v3", {}, "does not serve models for"),
        ("sglang", "google/embeddinggemma-2", {}, "does not know the architecture"),
        ("mlx-lm", "qwen/qwen3.5-9b", {"use_case": "vision"}, "reads no pictures"),
        ("lllms", "qwen/qwen3-8b", {"offline": True}, "--weights-file"),
        ("lllms", "qwen/qwen3-8b", {"offline": True, "weights_file": "/a.gguf"}, ""),
        ("lllms", "google/gemma-4-12b", {}, "does not know the architecture"),
        ("ramalama", "qwen/qwen3.5-9b", {"use_case": "vision"}, "its projector comes along by a tag"),
        ("ramalama", "qwen/qwen3-8b", {"offline": True}, "--weights-file"),
        ("docker-model-runner", "qwen/qwen3-8b", {"weights_file": "/a.gguf"}, "packed first"),
    ],
)
def test_a_server_refuses_models_that_it_cannot_run(server, model, stated, said):
    host = Host(pack(), facts(**{"use_case": "chat", "hardware": "rtx-3090"} | stated))
    reason = server_reason(host, SERVERS[server], MODELS[model])
    assert (reason is None) == (said == "")
    assert reason is None or (reason[0] == "server.models" and said in reason[1])


@pytest.mark.parametrize(
    ("model", "stated", "by"),
    [
        ("qwen/qwen3-8b", {"model": "gpt-oss-20b"}, "needs.model"),
        ("qwen/qwen3-embedding-0.6b", {}, "model.task"),
        ("qwen/qwen3-8b", {"use_case": "vision"}, "model.capabilities"),
        ("qwen/qwen3-8b", {"context": "1m"}, "model.context"),
        ("qwen/qwen3-8b", {}, None),
    ],
)
def test_a_model_that_cannot_serve_the_need_is_refused_with_the_formula(model, stated, by):
    reason = model_reason(host(**stated), MODELS[model])
    assert (reason[0] if reason else None) == by
    assert reason is None or reason[1].endswith(".")


def test_restricted_licences_are_refused_where_open_ones_are_wanted():
    for model in MODELS.values():
        for wanted, classes in (("open", {"open"}), ("commercial", {"open", "commercial"}), ("any", {"open", "commercial", "restricted"})):
            reason = model_reason(host(license=wanted), model)
            assert (reason is not None and reason[0] == "model.license") == (model.license_class not in classes)


def test_insisting_on_a_model_overrules_what_is_recommended_but_not_what_it_can():
    unusual = next(
        model
        for model in MODELS.values()
        if "text-generation" in model.tasks and not model.use_cases.get("chat") and not model.raw.get("superseded_by")
    )
    assert model_reason(host(), unusual)[0] == "model.use_case"
    assert model_reason(host(model=unusual.id), unusual) is None
    assert model_reason(host(model="whisper-large-v3"), MODELS["openai/whisper-large-v3"])[0] == "model.task"


def test_a_superseded_model_is_not_recommended_and_not_refused_to_who_insists():
    old = next(model for model in MODELS.values() if model.raw.get("superseded_by") and "text-generation" in model.tasks)
    by, because = model_reason(host(), old)
    assert by == "model.superseded"
    assert MODELS[old.raw["superseded_by"]].name in because
    assert model_reason(host(model=old.id), old) is None


def test_what_fits_is_kept_and_what_does_not_is_refused_with_numbers():
    found = field("qwen/qwen3-8b", "deepseek/deepseek-v3.2")
    assert {candidate.model.id for candidate in found.candidates} == {"qwen/qwen3-8b"}
    refused = [item for item in found.rejected if item.model == "deepseek/deepseek-v3.2"]
    assert {item.server for item in refused} >= {"llama-cpp"}
    assert all(item.because.endswith(".") and item.by for item in refused)
    assert any("GiB" in item.because for item in refused)
    assert found.tried > 10


def test_a_server_is_refused_for_a_model_only_where_none_of_its_weights_can():
    found = field("qwen/qwen3-8b", "google/gemma-3-27b")
    kept = {(candidate.model.id, candidate.deployment.server.id) for candidate in found.candidates}
    refused = {(item.model, item.server) for item in found.rejected if item.server and item.model}
    assert not kept & refused
    assert {pair for pair in kept | refused if pair[0] == "qwen/qwen3-8b"} >= {
        ("qwen/qwen3-8b", name) for name in ("llama-cpp", "ollama", "vllm")
    }


def test_insisting_on_a_quantisation_leaves_the_others_out():
    found = field("qwen/qwen3-8b", quant="Q4_K_M")
    assert {candidate.weights.quant for candidate in found.candidates} == {"Q4_K_M"}
    assert not [item for item in field("qwen/qwen3-8b", quant="Q4_K_M").rejected if item.model and not item.server]


def test_what_is_too_slow_for_the_use_case_is_refused_with_its_speed():
    found = field("qwen/qwen3-32b", use_case="coding-agent", hardware="cpu", ram="64G", context="64k")
    slow = [item for item in found.rejected if item.by == ("speed.minimum",)]
    assert slow
    assert "tokens/s" in slow[0].because


def test_a_candidate_knows_the_facts_that_rules_read():
    candidate = field("qwen/qwen3-30b-a3b").candidates[0]
    named = {name for name, entry in pack().vocabulary("facts").items() if entry["scope"] == "candidate"}
    assert named == set(candidate.facts)
    assert all(value is not None for value in candidate.facts.values())


def test_facts_that_are_shared_by_a_model_on_a_server_are_the_same_for_all_its_candidates():
    found = {}
    for candidate in field("qwen/qwen3-8b", "qwen/qwen3-30b-a3b", hardware="2x rtx-4090", users=4).candidates:
        shared = {name: candidate.facts[name] for name in SHARED}
        assert found.setdefault((candidate.model.id, candidate.deployment), shared) == shared
    assert len(found) > 3


def test_ties_are_broken_by_different_keys():
    keys = [candidate.key for candidate in field("qwen/qwen3-8b", "qwen/qwen3-30b-a3b", hardware="2x rtx-3090").candidates]
    assert len(set(keys)) == len(keys)


def test_a_vision_model_loads_its_projector_only_where_pictures_are_read():
    seeing = planned(
        use_case="vision", model="qwen3-vl-8b", server="llama-cpp", hardware="rtx-3090", os="linux", context="16k", quant="Q4_K_M"
    )
    writing = planned(
        use_case="chat", model="qwen3-vl-8b", server="llama-cpp", hardware="rtx-3090", os="linux", context="16k", quant="Q4_K_M"
    )
    assert seeing["choice"]["settings"]["projector"] is True
    assert writing["choice"]["settings"]["projector"] is False
    assert seeing["choice"]["memory"]["total_bytes"] > writing["choice"]["memory"]["total_bytes"]


def test_servers_are_records_of_the_knowledge_base():
    assert isinstance(server("ollama", pulls=""), Server)
    assert source_of(server("ollama", pulls=""), MODELS["qwen/qwen3-8b"].weights[0]) == MODELS["qwen/qwen3-8b"].weights[0].repository
