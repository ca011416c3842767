"""Settings of clients on request: each names the address, the model, the context and the variable of the key, and never the key."""

import ast
import json
import shlex
import tomllib

import pytest
import yaml
from plans import ROOT, TEMPLATES, behind_caddy, merged, plan, with_key
from target_tools import run
from test_hostile import HOSTILE

from setupgen.errors import SetupgenError
from setupgen.render.files import render_setup

ON_REQUEST = ("aider", "cline", "codex-cli", "continue", "openai-sdk", "zed")
SHAPES = {
    "open": plan(),
    "key": with_key(plan()),
    "ollama": plan("ollama", settings={"tool_calls": True}),
    "lan": behind_caddy(plan("vllm"), variable="VLLM_API_KEY"),
    "lan-unknown": behind_caddy(plan("vllm"), variable="VLLM_API_KEY", address=""),
    "windows": with_key(plan("llama-cpp", "native", "cuda", "windows")),
    "macos": with_key(plan("llama-cpp", "native", "metal", "macos")),
    "embeddings": plan() | {"facts": merged(plan()["facts"], {"needs": {"use_case": "embeddings"}})},
}
VARIABLES = {
    "key": "LLAMA_API_KEY",
    "windows": "LLAMA_API_KEY",
    "macos": "LLAMA_API_KEY",
    "lan": "VLLM_API_KEY",
    "lan-unknown": "VLLM_API_KEY",
}


def files(made, targets=ON_REQUEST):
    return render_setup(made, TEMPLATES, targets=targets).files


@pytest.mark.parametrize("shape", SHAPES)
def test_every_file_leads_to_the_server_and_holds_no_key(shape):
    made = SHAPES[shape]
    targets = ["openai-sdk"] if shape == "embeddings" else ON_REQUEST
    found = files(made, targets)
    usual = files(made, [])
    added = {path: text for path, text in found.items() if path not in usual}
    connection = made["choice"]["connection"]
    address = "SITE_HOST" if shape == "lan-unknown" else connection["openai_url"].split("//")[1].split("/")[0]
    for path, text in added.items():
        if path.endswith("ask.sh") and shape.startswith("lan"):
            assert "${SITE_HOST:-" in text
        elif not path.endswith(("codex.sh", "aider.sh", "model-metadata.json")):
            assert address in text, path
        if not path.endswith(".sh"):
            assert connection["model"] in text, path
        if path.endswith((".toml", "config.yaml", "zed.json", "cline.md", "model-metadata.json")):
            assert str(connection["context"]) in text, path
        assert f"- `{path}`: " in found["README.md"]
    if variable := VARIABLES.get(shape):
        for path in ("clients/codex/config.toml", "clients/cline.md", "clients/ask.py", "clients/continue/config.yaml"):
            assert variable in added[path], path
    assert not [path for path in added if path.endswith(".sh")] or shape != "windows"
    assert "\n\n\n" not in found["README.md"]


@pytest.mark.target("codex-cli", checker="TOML", note="the parser of Python; the program itself reads it in make e2e")
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "embeddings"])
def test_codex_gets_a_provider_that_speaks_responses(shape):
    document = tomllib.loads(files(SHAPES[shape])["clients/codex/config.toml"])
    provider = document["model_providers"][document["model_provider"]]
    # Codex has providers of these names itself and refuses others'.
    assert document["model_provider"] not in {"openai", "ollama", "lmstudio"}
    assert provider["wire_api"] == "responses"
    assert provider["base_url"].endswith("/v1")
    assert provider.get("env_key") == VARIABLES.get(shape)


@pytest.mark.target("continue", checker="@continuedev/config-yaml", note="accepts every file", version="1.42.0")
def test_the_parser_of_continue_accepts_every_file(tmp_path):
    paths = []
    for shape in SHAPES:
        if shape != "embeddings":
            paths.append(tmp_path / f"{shape}.yaml")
            paths[-1].write_text(files(SHAPES[shape])["clients/continue/config.yaml"])
    script = """
        import { parseConfigYaml, validateConfigYaml } from "@continuedev/config-yaml";
        import fs from "node:fs";
        for (const path of process.argv.slice(1)) {
            const read = parseConfigYaml(fs.readFileSync(path, "utf8"));
            console.log(JSON.stringify({ model: read.models[0], problems: validateConfigYaml(read) ?? [] }));
        }
    """
    done = run("node", "--input-type=module", "--eval", script, *paths, cwd=ROOT)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(paths)
    assert [line["problems"] for line in lines] == [[]] * len(paths)
    assert {line["model"]["provider"] for line in lines} == {"openai"}


def test_zed_gets_the_provider_that_fits_the_server():
    own = json.loads(files(with_key(plan(settings={"tool_calls": True})))["clients/zed.json"])
    [model] = own["language_models"]["openai_compatible"]["Own"]["available_models"]
    assert (model["name"], model["max_tokens"], model["capabilities"]["tools"]) == ("qwen3.6-27b", 65536, True)
    assert own["agent"]["default_model"] == {"provider": "Own", "model": "qwen3.6-27b"}
    ollama = json.loads(files(SHAPES["ollama"])["clients/zed.json"])["language_models"]["ollama"]
    assert ollama["api_url"] == "http://127.0.0.1:11434"
    assert ollama["available_models"][0]["max_tokens"] == 65536


def test_dormant_clients_are_written_and_said_to_be_dormant():
    readme = files(SHAPES["open"])["README.md"]
    assert "Nobody works on Continue any more" in readme
    assert "dormant since May 2026" in readme
    usual = render_setup(SHAPES["open"], TEMPLATES).files
    assert not [path for path in usual if "aider" in path or "continue" in path]


def files_or_refusal(made):
    try:
        return files(made, [*ON_REQUEST, "monitoring"]), None
    except SetupgenError as error:
        return {}, error


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("field", [("connection", "model"), ("model", "name"), ("connection", "openai_url"), ("connection", "key_env")])
def test_hostile_text_is_carried_or_refused(kind, field):
    part, key = field
    made = with_key(plan())
    made = made | {"choice": merged(made["choice"], {part: {key: HOSTILE[kind]}})}
    found, refusal = files_or_refusal(made)
    if refusal:
        assert refusal.place, refusal
        return
    toml = tomllib.loads(found["clients/codex/config.toml"])
    zed = json.loads(found["clients/zed.json"])
    aider = yaml.safe_load(found["clients/aider/aider.conf.yml"])
    program = ast.parse(found["clients/ask.py"])
    texts = {node.value for node in ast.walk(program) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    yaml.safe_load(found["clients/continue/config.yaml"])
    yaml.safe_load(found["monitoring/prometheus.yml"])
    json.loads(found["monitoring/grafana/dashboards/server.json"])
    if field == ("connection", "model"):
        hostile = HOSTILE[kind]
        assert toml["model"] == hostile
        assert zed["agent"]["default_model"]["model"] == hostile
        assert aider["model"] == f"openai/{hostile}"
        assert hostile in texts
        words = shlex.split(found["clients/ask.sh"].partition("exec ")[2], comments=True)
        assert json.loads(words[words.index("--data") + 1])["model"] == hostile
    if field == ("connection", "openai_url"):
        assert toml["model_providers"]["own"]["base_url"] == HOSTILE[kind]
        assert HOSTILE[kind] in texts
