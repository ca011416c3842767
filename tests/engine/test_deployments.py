"""Which servers can run on a host at all, and the reason for each that cannot."""

import pytest
from planner import card, document, facts, pack

from setupgen.engine.deployments import backend_reason, deployments, image_of
from setupgen.engine.host import Host
from setupgen.engine.rules import Judgement, RuleBook


def host(**stated):
    detected = stated.pop("detected", None)
    return Host(pack(), facts(detected=detected, **{"use_case": "chat"} | stated))


def ways(**stated):
    """Server to backends, and server to (what refused it, sentence), before any rule."""
    found, refused = deployments(host(**stated), Judgement())
    usable = {}
    for item in found:
        usable.setdefault(item.server.id, []).append(item.backend)
    return usable, {item.server: (item.by[0], item.because) for item in refused}


def test_every_inference_server_is_offered_or_refused_with_a_reason():
    inference = {server.id for server in pack().servers.values() if server.kind == "inference"}
    for stated in (
        {"hardware": "rtx-3090"},
        {"hardware": "cpu"},
        {"hardware": "Apple M2 Max 64GB"},
        {"hardware": "rx-6700-xt", "os": "windows"},
    ):
        usable, refused = ways(**stated)
        assert usable.keys() | refused.keys() == inference
        assert not usable.keys() & refused.keys()
        assert all(by and because for by, because in refused.values())


def test_proxies_and_cluster_engines_are_no_inference_servers():
    usable, refused = ways(hardware="rtx-3090")
    assert not {"caddy", "hops"} & (usable.keys() | refused.keys())


def test_the_accelerators_own_backends_come_before_the_cpu():
    usable, _ = ways(hardware="rtx-3090", os="linux")
    assert usable["llama-cpp"] == ["cuda", "vulkan", "cpu"]
    assert usable["vllm"][0] == "cuda"


@pytest.mark.parametrize(
    ("name", "capability", "served"),
    [("gtx-1080-ti", "6.1", False), ("v100-sxm2", "7.0", False), ("t4", "7.5", True), ("rtx-3090", "8.6", True)],
)
def test_a_server_needs_its_compute_capability(name, capability, served):
    found = host(hardware=name, os="linux")
    vllm = pack().servers["vllm"]
    reason = backend_reason(found, vllm, "cuda", vllm.backends["cuda"], found.group)
    assert (reason == "") is served
    if not served:
        assert "7.5" in reason
        assert capability in reason


def test_ten_is_more_than_nine():
    found = host(hardware="rtx-5090", os="linux")
    entry = {**pack().servers["vllm"].backends["cuda"], "minimum_capability": "9.0"}
    assert backend_reason(found, pack().servers["vllm"], "cuda", entry, found.group) == ""


def test_every_card_must_reach_the_capability():
    found = host(hardware=["rtx-3090", "gtx-1080-ti"], os="linux")
    vllm = pack().servers["vllm"]
    assert "GTX 1080 Ti has 6.1" in backend_reason(found, vllm, "cuda", vllm.backends["cuda"], found.group)


def test_a_capability_that_nobody_knows_is_not_taken_for_granted():
    strange = card("NVIDIA GeForce RTX 3090", compute_capability={"unknown": "nvidia-smi is too old"})
    found = host(detected=document(strange))
    assert backend_reason(found, pack().servers["vllm"], "cuda", pack().servers["vllm"].backends["cuda"], found.group) == "", (
        "the record knows it"
    )


@pytest.mark.parametrize(("name", "covered"), [("rx-7900-xtx", True), ("mi300x", True), ("mi50", False), ("rx-6700-xt", False)])
def test_rocm_builds_cover_some_targets_only(name, covered):
    found = host(hardware=name, os="linux")
    vllm = pack().servers["vllm"]
    reason = backend_reason(found, vllm, "rocm", vllm.backends["rocm"], found.group)
    assert (reason == "") is covered
    if not covered:
        assert found.group.devices[0].capability in reason or "does not run rocm" in reason


@pytest.mark.parametrize(
    ("name", "arm64"),
    [
        ("gb10", True),
        ("Raspberry Pi 5 8GB", True),
        ("gh200", True),
        ("rtx-3090", False),
        ("cpu", False),
        ("jetson-agx-orin 64GB", True),
        ("altra", True),
    ],
)
def test_the_processor_is_told_by_the_hardware(name, arm64):
    assert host(hardware=name).architecture == ("arm64" if arm64 else "amd64")


def test_an_image_is_one_for_the_processor():
    spark, tower = host(hardware="gb10"), host(hardware="rtx-3090")
    both = {"image": "plain", "architectures": ["amd64", "arm64"]}
    assert image_of(spark, both) == image_of(tower, both) == "plain"
    assert image_of(spark, {"image": "plain", "architectures": ["amd64"]}) == ""
    assert image_of(spark, {"image": "plain", "images": {"arm64": "special"}}) == "special"
    assert image_of(tower, {"image": "plain", "images": {"arm64": "special"}}) == "plain"
    entry = {"image": "plain", "architectures": ["amd64"]}
    assert backend_reason(spark, pack().servers["vllm"], "cuda", entry, spark.group) == "vLLM publishes no cuda image for this processor."


def test_an_image_that_is_only_for_other_processors_is_not_needed_without_containers():
    pi = host(hardware="gb10", runtime="native", os="linux")
    assert backend_reason(pi, pack().servers["vllm"], "cuda", {"architectures": ["amd64"], "image": "plain"}, pi.group) == ""


def test_containers_on_macos_cannot_use_the_gpu():
    usable, refused = ways(hardware="Apple M2 Max 64GB", runtime="docker")
    assert "metal" not in {backend for backends in usable.values() for backend in backends}
    assert "vllm" in refused
    native, _ = ways(hardware="Apple M2 Max 64GB")
    assert native["llama-cpp"][0] == native["ollama"][0] == "metal"


def test_a_runtime_that_a_server_is_not_offered_under_is_named():
    _, refused = ways(hardware="rtx-3090", runtime="nixos")
    by, because = refused["vllm"]
    assert by == "server.runtimes"
    assert "nixos" in because
    assert "docker" in because


def test_a_system_that_a_server_does_not_run_on_is_named():
    _, refused = ways(hardware="rtx-3090", os="windows")
    assert refused["vllm"] == ("server.platforms", "vLLM does not run on windows.")


def test_insisting_on_a_server_refuses_the_others():
    usable, refused = ways(hardware="rtx-3090", server="ollama")
    assert list(usable) == ["ollama"]
    assert {by for by, _ in refused.values()} == {"needs.server"}
    assert all("Ollama" in because for _, because in refused.values())


@pytest.mark.parametrize("server", ["ramalama", "docker-model-runner", "lm-studio", "lemonade"])
def test_a_server_on_request_stands_beside_no_other(server):
    usable, refused = ways(hardware="rtx-3090")
    assert server not in usable
    assert refused[server] == ("server.on_request", f"{pack().servers[server].name} is set up for who asks for it: --server {server}.")
    assert set(ways(hardware="rtx-3090", server=server)[0]) == {server}


def test_a_backend_on_request_is_used_where_its_server_is_asked_for():
    assert ways(hardware="Arc Pro B60")[0]["vllm"] == ["cpu"]
    assert ways(hardware="Arc Pro B60", server="vllm")[0]["vllm"] == ["sycl", "cpu"]
    two = host(hardware="2x Arc Pro B60", server="vllm")
    _, refused = deployments(two, RuleBook(pack()).judge_host(two.lookup.get))
    found = next(item for item in refused if item.server == "vllm")
    assert "Setups of vLLM with sycl are made for one card, and there are 2" in found.because
    assert "accelerator-over-cpu" in found.by


@pytest.mark.parametrize(
    ("server", "stated", "runtime"),
    [("ramalama", {}, "native"), ("ramalama", {"runtime": "docker"}, "docker"), ("mlx-lm", {}, "docker"), ("llama-cpp", {}, "docker")],
)
def test_a_server_that_runs_in_one_way_is_run_so_unless_told_otherwise(server, stated, runtime):
    assert facts(use_case="chat", hardware="rtx-3090", server=server, **stated).needs.runtime == runtime


@pytest.mark.parametrize(("server", "said"), [("tabbyapi", "no model here has EXL3 weights"), ("llm-scaler", "with all privileges")])
def test_a_server_that_nothing_is_written_for_says_why(server, said):
    by, because = ways(hardware="rtx-3090", server=server)[1][server]
    assert by == "server.launch"
    assert said in because


def test_rules_about_backends_are_applied_and_named():
    found = host(hardware="rtx-3090", os="linux")
    usable, _ = deployments(found, RuleBook(pack()).judge_host(found.lookup.get))
    assert {item.backend for item in usable} == {"cuda"}
    mac = host(hardware="Apple M2 Max 64GB", runtime="docker")
    _, refused = deployments(mac, RuleBook(pack()).judge_host(mac.lookup.get))
    by = {rule for item in refused for rule in item.by}
    assert by & {"no-gpu-containers-on-macos", "accelerator-over-cpu"}
    assert all(item.because for item in refused)


def test_images_are_given_to_containers_only():
    assert all(item.image for item in deployments(host(hardware="rtx-3090"), Judgement())[0])
    assert not any(item.image for item in deployments(host(hardware="rtx-3090", runtime="native"), Judgement())[0])


def test_a_processor_that_nobody_builds_images_for_gets_none():
    board = host(hardware="HiFive Premier P550", runtime="docker")
    assert board.architecture == "riscv64"
    assert all(image_of(board, entry) == "" for server in board.pack.servers.values() for entry in server.backends.values())


@pytest.mark.parametrize(("name", "tag"), [("mi300x", "-rocm10-mi30x"), ("mi355x", "-rocm10-mi35x"), ("mi250x", ""), ("strix-halo", "")])
def test_an_image_may_depend_on_the_target(name, tag):
    found = host(hardware=name, os="linux")
    sglang = pack().servers["sglang"]
    image = image_of(found, sglang.backends["rocm"])
    assert image.endswith(tag) if tag else image == ""
