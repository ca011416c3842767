import json
import re

import pytest
import yaml
from plans import SHAPES, TEMPLATES, behind_caddy, merged, plan, with_key

from setupgen.cli.main import COMMANDS
from setupgen.errors import NothingFitsError
from setupgen.render.files import render, render_setup


def compose_of(made):
    return yaml.safe_load(render(made, TEMPLATES)["compose.yaml"])


@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_plan_gives_the_same_bytes(shape):
    first = render_setup(SHAPES[shape], TEMPLATES)
    assert first == render_setup(json.loads(json.dumps(SHAPES[shape])), dict(reversed(TEMPLATES.items())))
    assert list(first.files) == sorted(first.files)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_file_says_who_made_it_and_how_to_make_it_again(shape):
    for path, text in render(SHAPES[shape], TEMPLATES, command="setupgen write here --users 3").items():
        head = "".join(text.splitlines(keepends=True)[:5])
        if path.endswith(".json"):
            json.loads(text)
        else:
            assert "Made by setupgen" in head, path
            assert "sha256:0123456789abcdef" in head, path
            assert path.endswith(".plist") or "setupgen write here --users 3" in head, path
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n\n"), path


@pytest.mark.parametrize("shape", SHAPES)
def test_the_run_book_names_every_file_and_no_other(shape):
    files = render(SHAPES[shape], TEMPLATES)
    listed = re.findall(
        r"^- `([^`]+)`: ", files["README.md"].partition("## What is in this folder")[2].partition("## Why")[0], re.MULTILINE
    )
    assert set(files) | {".setupgen.json"} == set(listed) or set(files) <= set(listed)
    for name in re.findall(r"`(\S+\.(?:sh|ps1|yaml|plist|service))`", files["README.md"]):
        assert name.replace("\\", "/") in {*files, "compose.override.yaml"}, name


@pytest.mark.parametrize("shape", SHAPES)
def test_the_run_book_says_size_and_time_before_anything_is_started(shape):
    readme = render(SHAPES[shape], TEMPLATES)["README.md"]
    assert readme.index("## What to expect") < readme.index("## 1. Install") < readme.index("## 2. Start") < readme.index("## 3. Check")
    first = readme.partition("## 1. Install")[0]
    assert "GiB" in first
    assert "tokens per second" in first
    assert "The card needs driver 550 or newer." in first
    assert "\n\n\n" not in readme
    assert not re.search(r"[^\n]\n```(sh|powershell)", readme)
    assert readme.count("```") % 2 == 0


@pytest.mark.parametrize("shape", SHAPES)
def test_no_image_floats_and_no_port_is_open_to_all(shape):
    for path, text in render(SHAPES[shape], TEMPLATES).items():
        if path != "compose.yaml":
            continue
        for id_, service in yaml.safe_load(text)["services"].items():
            assert re.search(r":[^:/]*\d[^:/]*$", service["image"]), service["image"]
            assert "privileged" not in service
            assert "no-new-privileges:true" in service["security_opt"]
            assert service["restart"] in {"unless-stopped", "on-failure:5"}
            for port in service.get("ports", ()):
                assert id_ == "caddy" or port.startswith("127.0.0.1:"), port


def test_nvidia_cards_are_reserved_for_docker_and_named_by_cdi_for_podman():
    docker, podman = (compose_of(plan("ollama", runtime))["services"]["ollama"] for runtime in ("docker", "podman"))
    assert docker["deploy"]["resources"]["reservations"]["devices"] == [{"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}]
    assert podman["devices"] == ["nvidia.com/gpu=all"]
    assert podman["image"] == "docker.io/ollama/ollama:0.32.15"
    assert "label=disable" in podman["security_opt"]
    two = compose_of(plan("vllm", "podman", container={"gpu_count": 2}))["services"]["vllm"]
    assert two["devices"] == ["nvidia.com/gpu=0", "nvidia.com/gpu=1"]


@pytest.mark.parametrize(("backend", "devices"), [("rocm", ["/dev/kfd", "/dev/dri"]), ("vulkan", ["/dev/dri"]), ("sycl", ["/dev/dri"])])
def test_other_gpus_are_device_files_with_groups_by_number(backend, devices):
    made = render(plan("llama-cpp", backend=backend), TEMPLATES)
    service = yaml.safe_load(made["compose.yaml"])["services"]["llama-cpp"]
    assert service["devices"] == devices
    assert [group.partition(":")[0] for group in service["group_add"]] == ["${VIDEO_GID", "${RENDER_GID"]
    assert "prepare.sh" in made
    assert compose_of(plan("llama-cpp", "podman", backend))["services"]["llama-cpp"]["group_add"] == ["keep-groups"]


def test_a_cpu_needs_no_device():
    service = compose_of(plan("llama-cpp", backend="cpu"))["services"]["llama-cpp"]
    assert not {"devices", "deploy", "group_add"} & set(service)


def test_ollama_fetches_its_model_when_it_is_healthy():
    services = compose_of(plan("ollama"))["services"]
    assert services["pull"]["depends_on"] == {"ollama": {"condition": "service_healthy"}}
    assert services["pull"]["command"] == ['ollama pull "$$MODEL"\n']
    assert services["pull"]["environment"]["MODEL"] == "qwen3.6:27b"
    assert services["ollama"]["healthcheck"]["test"] == ["CMD", "ollama", "list"]
    assert services["ollama"]["environment"]["OLLAMA_CONTEXT_LENGTH"] == "65536"


def test_a_name_of_our_own_becomes_a_modelfile_with_context_and_sampling():
    files = render(SHAPES["ollama-alias"], TEMPLATES)
    lines = [line for line in files["Modelfile"].splitlines() if not line.startswith("#")]
    assert lines == [
        "FROM qwen3.6:27b",
        "PARAMETER num_ctx 65536",
        "PARAMETER temperature 0.6",
        "PARAMETER top_k 20",
        "PARAMETER top_p 0.95",
    ]
    pull = yaml.safe_load(files["compose.yaml"])["services"]["pull"]
    assert pull["command"] == ['ollama pull "$$MODEL"\nollama create "$$SERVED_AS" -f /setup/Modelfile\n']
    assert pull["environment"]["SERVED_AS"] == "coder:latest"
    assert "Modelfile" not in render(plan("ollama"), TEMPLATES)


def test_local_weights_are_mounted_and_not_fetched():
    files = render(SHAPES["ollama-file"], TEMPLATES)
    pull = yaml.safe_load(files["compose.yaml"])["services"]["pull"]
    assert {"type": "bind", "source": "/data/my model.gguf", "target": "/weights/model.gguf", "read_only": True} in pull["volumes"]
    assert pull["command"] == ['ollama create "$$SERVED_AS" -f /setup/Modelfile\n']
    assert "FROM /weights/model.gguf\n" in files["Modelfile"]
    service = compose_of(SHAPES["llama-cpp-file"])["services"]["llama-cpp"]
    assert {"type": "bind", "source": "/data/my model.gguf", "target": "/weights/my model.gguf", "read_only": True} in service["volumes"]
    assert "none for the model" in files["README.md"]


def test_offline_starts_from_the_folder_that_the_run_book_fills():
    ollama = compose_of(SHAPES["ollama-offline"])["services"]
    assert "pull" not in ollama
    assert {"type": "bind", "source": "./models", "target": "/root/.ollama/models"} in ollama["ollama"]["volumes"]
    assert ollama["ollama"]["cap_add"] == ["DAC_OVERRIDE"]
    assert ollama["open-webui"]["environment"]["OFFLINE_MODE"] == "true"
    named = compose_of(SHAPES["ollama-offline-podman"])["services"]["pull"]
    assert named["command"] == ['ollama create "$$SERVED_AS" -f /setup/Modelfile\n']
    files = render(SHAPES["llama-cpp-offline"], TEMPLATES)
    service = yaml.safe_load(files["compose.yaml"])["services"]["llama-cpp"]
    target = plan()["choice"]["container"]["volume"]
    assert service["volumes"] == [{"type": "bind", "source": "./models", "target": target, "read_only": True}]
    assert "models" not in yaml.safe_load(files["compose.yaml"]).get("volumes", {})
    assert "models/" in files[".gitignore"].splitlines()
    vllm = compose_of(SHAPES["vllm-offline"])["services"]["vllm"]["volumes"]
    assert {"type": "bind", "source": "./models", "target": "/root/.cache/huggingface/hub"} in vllm
    for shape in ("llama-cpp-offline-native", "ollama-offline-native"):
        variable = "OLLAMA_MODELS" if "ollama" in shape else "LLAMA_CACHE"
        assert f"{variable}=$PWD/models\n" in render(SHAPES[shape], TEMPLATES)["serve.sh"]
        assert "ollama pull" not in render(SHAPES[shape], TEMPLATES)["start.sh"]
    assert "$env:LLAMA_CACHE = Join-Path" in render(SHAPES["llama-cpp-offline-windows"], TEMPLATES)["start.ps1"]
    assert "HF_TOKEN" not in "".join(render(SHAPES["vllm-offline"], TEMPLATES).values())


def test_offline_the_run_book_says_what_to_fetch_before_the_start():
    def fetches(shape, **weights):
        made = SHAPES[shape] | {"choice": merged(SHAPES[shape]["choice"], {"weights": weights})}
        readme = render(made, TEMPLATES)["README.md"]
        assert readme.index("Bring everything here first") < readme.index("## 2. Start")
        return readme

    exact = fetches("llama-cpp-offline", repository="unsloth/X-GGUF", file="X-Q4_K_M.gguf")
    assert "\nhf download unsloth/X-GGUF X-Q4_K_M.gguf --cache-dir models\n" in exact
    assert "docker save --output images.tar ghcr.io/ggml-org/llama.cpp:server-cuda-b11521 ghcr.io/open-webui/" in exact
    assert "--entrypoint nvidia-smi ghcr.io/ggml-org/llama.cpp:server-cuda-b11521" in exact
    assert "done beforehand" in exact
    split = fetches("llama-cpp-offline", repository="unsloth/X-GGUF", file="Q8_0/X-Q8_0-00001-of-00003.gguf")
    assert "--include 'Q8_0/X-Q8_0-*-of-00003.gguf' --cache-dir models" in split
    unknown = fetches("llama-cpp-offline-native", repository="unsloth/X-GGUF", file="")
    assert "hf download unsloth/X-GGUF --include '*Q4_K_M*.gguf' --cache-dir models" in unknown
    assert "--dry-run" in unknown
    assert "hf download Qwen/Qwen3.6-27B-FP8 --cache-dir models" in fetches("vllm-offline")
    assert "ollama pull qwen3.6:27b" in fetches("ollama-offline")
    assert "podman save --multi-image-archive" in fetches("llama-cpp-offline-podman-lan")
    seeing = SHAPES["llama-cpp-offline"] | {"choice": merged(SHAPES["llama-cpp-offline"]["choice"], {"settings": {"projector": True}})}
    assert "--include '*mmproj*'" in render(seeing, TEMPLATES)["README.md"]


def test_a_gated_model_asks_for_a_token():
    files = render(SHAPES["vllm-gated"], TEMPLATES)
    assert yaml.safe_load(files["compose.yaml"])["services"]["vllm"]["environment"]["HF_TOKEN"] == "${HF_TOKEN:?is missing in .env}"
    assert "accept it at `https://huggingface.co/Qwen/Qwen3.6-27B-FP8`" in files["README.md"]
    assert re.search(r"Fill in `\.env`: `HF_TOKEN`", files["README.md"])
    assert ': "${HF_TOKEN:?' in render(SHAPES["vllm-gated-native"], TEMPLATES)["serve.sh"]
    assert "accept it" not in render(plan("vllm"), TEMPLATES)["README.md"]


def test_copies_of_a_model_reserve_all_their_cards():
    files = render(SHAPES["vllm-copies"], TEMPLATES)
    device = yaml.safe_load(files["compose.yaml"])["services"]["vllm"]["deploy"]["resources"]["reservations"]["devices"][0]
    assert device["count"] == 4
    assert "loaded 4 times, once on each card" in files["README.md"]
    assert "12 are answered at the same time" in files["README.md"]


def test_memory_is_told_as_each_server_takes_it():
    vllm = render(plan("vllm", memory={"total_bytes": 12 * 1024**3}), TEMPLATES)["README.md"]
    assert "vLLM claims that share of the card at its start" in vllm
    assert "vLLM does not start unless 20.0 GiB are free, though the plan needs 12.0 GiB" in vllm
    assert "slot" not in vllm
    sglang = render(plan("sglang"), TEMPLATES)["README.md"]
    assert "SGLang claims that share" in sglang
    assert "lower `--mem-fraction-static`" in sglang
    cached = render(plan(settings={"prompt_cache_mib": 512}), TEMPLATES)["README.md"]
    assert "1.0 GiB of main memory, of which up to 512 MiB is a prompt cache." in cached
    device = plan()["choice"]["memory"]["devices"][0]
    four = render(plan(memory={"devices": [device] * 4}), TEMPLATES)["README.md"]
    assert "20.0 GiB of 24.0 GiB on each of 4 NVIDIA GeForce RTX 3090" in four


def test_the_driver_that_an_image_needs_is_named():
    assert "driver 580 or newer" in render(plan("vllm", container={"minimum_driver": "580"}), TEMPLATES)["README.md"]
    assert (
        "`nvidia-smi` must show 580 or newer" in render(plan("vllm", "podman", container={"minimum_driver": "580"}), TEMPLATES)["README.md"]
    )


def test_clients_elsewhere_take_the_address_from_the_environment():
    files = render(SHAPES["vllm-lan-unknown"], TEMPLATES)
    options = json.loads(files["clients/opencode.json"])["provider"]["local"]["options"]
    assert options["baseURL"] == "https://{env:SITE_HOST}:8443/v1"
    assert 'ANTHROPIC_BASE_URL="https://${SITE_HOST:-localhost}:8443"' in files["clients/claude-code.sh"]
    assert '"https://$SITE_HOST:8443/v1/chat/completions"' in files["README.md"]
    assert "localhost" not in files["README.md"]
    known = render(behind_caddy(plan("vllm"), variable="VLLM_API_KEY"), TEMPLATES)
    assert json.loads(known["clients/opencode.json"])["provider"]["local"]["options"]["baseURL"] == "https://192.168.1.20:8443/v1"
    assert "${SITE_HOST:-192.168.1.20}" in known["clients/claude-code.sh"]
    assert "Get-Setting 'SITE_HOST'" in render(SHAPES["llama-cpp-windows-lan"], TEMPLATES)["clients/claude-code.ps1"]


def test_open_webui_is_reached_through_the_proxy_where_others_use_it():
    made = behind_caddy(plan("ollama"))
    files = render(made, TEMPLATES)
    assert "https://{$SITE_HOST}:8444" in files["Caddyfile"]
    assert "ports" not in yaml.safe_load(files["compose.yaml"])["services"]["open-webui"]
    assert "`https://192.168.1.20:8444`" in files["README.md"]
    assert "127.0.0.1:3000" not in files["README.md"]
    many = made | {"facts": merged(made["facts"], {"needs": {"users": 51}})}
    assert "name and logo of Open WebUI must stay" in render(many, TEMPLATES)["README.md"]
    assert "name and logo" not in files["README.md"]
    assert "8444" not in "".join(render(behind_caddy(plan(clients=["opencode"]), variable="LLAMA_API_KEY"), TEMPLATES).values())


@pytest.mark.parametrize("shape", SHAPES)
def test_the_run_book_names_only_commands_that_exist(shape):
    for path, text in render(SHAPES[shape], TEMPLATES).items():
        if path != "setupgen.plan.json":
            assert set(re.findall(r"(?:^|`|: )setupgen ([a-z]+)", text, re.MULTILINE)) <= {*COMMANDS, "refuses"}, path


def test_windows_run_books_have_no_lines_for_another_shell():
    for shape in SHAPES:
        if SHAPES[shape]["facts"]["needs"]["os"] == "windows":
            readme = render(SHAPES[shape], TEMPLATES)["README.md"]
            assert "```sh" not in readme, shape


def test_a_key_lives_in_env_only_and_an_empty_one_stops_the_start():
    made = render_setup(with_key(plan()), TEMPLATES)
    assert made.secrets == {".env": ["LLAMA_API_KEY", "WEBUI_SECRET_KEY"]}
    assert made.modes[".env"] == "0600"
    assert "LLAMA_API_KEY=\n" in made.files[".env"]
    service = yaml.safe_load(made.files["compose.yaml"])["services"]["llama-cpp"]
    assert service["environment"]["LLAMA_API_KEY"] == "${LLAMA_API_KEY:?is missing in .env}"
    assert "--api-key" not in made.files["compose.yaml"]
    assert ".env" in made.files[".gitignore"].splitlines()
    native = render(with_key(plan(runtime="native")), TEMPLATES)
    assert ': "${LLAMA_API_KEY:?' in native["serve.sh"]


def test_behind_caddy_the_server_has_no_port_of_its_own():
    made = behind_caddy(plan("ollama"))
    services = compose_of(made)["services"]
    assert "ports" not in services["ollama"]
    assert services["caddy"]["ports"] == [
        {"target": port, "published": str(port), "host_ip": "${LISTEN_ADDRESS:-0.0.0.0}"} for port in (8443, 8444)
    ]
    files = render(made, TEMPLATES)
    assert "SITE_HOST=192.168.1.20\n" in files[".env"]
    assert "tls internal" in files["Caddyfile"]
    internet = render(SHAPES["vllm-internet"], TEMPLATES)
    assert "tls internal" not in internet["Caddyfile"]
    assert "not path /v1/* /health" in internet["Caddyfile"]


def test_macos_gets_launchd_and_never_a_container_for_the_gpu():
    files = render(SHAPES["ollama-native-macos"], TEMPLATES)
    assert not [path for path in files if re.search("compose|Dockerfile|quadlet", path)]
    assert "local.setupgen.ollama-qwen3-6-27b.plist" in files
    with pytest.raises(NothingFitsError, match="no template that runs ollama"):
        render(plan("ollama", "docker", "cuda", "macos"), TEMPLATES)


def test_windows_gets_powershell_and_stores_nothing_in_the_system():
    files = render(SHAPES["llama-cpp-native-windows"], TEMPLATES)
    assert {"start.ps1", "stop.ps1"} <= set(files)
    assert not re.search("setx|SetEnvironmentVariable", files["start.ps1"], re.IGNORECASE)
    assert "'unsloth/Qwen3.6-27B-GGUF:Q4_K_M'" in files["start.ps1"]


def test_clients_get_the_address_the_model_and_the_context():
    files = render(with_key(plan()), TEMPLATES)
    settings = json.loads(files["clients/opencode.json"])
    provider = settings["provider"]["local"]
    assert provider["options"] == {"apiKey": "{env:LLAMA_API_KEY}", "baseURL": "http://127.0.0.1:9931/v1"}
    assert provider["models"]["qwen3.6-27b"]["limit"] == {"context": 65536, "output": 16384}
    assert settings["model"] == "local/qwen3.6-27b"
    assert "CLAUDE_CODE_ATTRIBUTION_HEADER=0" in files["clients/claude-code.sh"]
    assert "ANTHROPIC_BASE_URL=http://127.0.0.1:9931\n" in files["clients/claude-code.sh"]
    none = render(plan(clients=["zed"], connection={"anthropic_url": None}), TEMPLATES)
    assert not [path for path in none if path.startswith("clients/")]


def test_answers_are_the_needs_and_the_hardware():
    answers = yaml.safe_load(render(plan(), TEMPLATES)["setupgen.answers.yaml"])
    assert answers["use_case"] == "coding-agent"
    assert answers["hardware"] == ["NVIDIA GeForce RTX 3090"]
    assert answers["ram"] == "64GiB"
    own = yaml.safe_load(render(plan() | {"answers": {"users": 3, "hardware": ["2x rtx-4090"]}}, TEMPLATES)["setupgen.answers.yaml"])
    assert own == {"users": 3, "hardware": ["2x rtx-4090"]}


def test_the_plan_lies_beside_the_files():
    made = plan()
    assert json.loads(render(made, TEMPLATES)["setupgen.plan.json"]) == made
