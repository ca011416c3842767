"""Files that a server reads itself: the models of llama.cpp's router, the program of lllms."""

import configparser
import copy
import json
import re
import subprocess

import pytest
import yaml
from plans import SHAPES, TEMPLATES, merged

from setupgen.errors import UsageError
from setupgen.render.files import render


def test_several_models_have_a_section_each():
    files = render(SHAPES["llama-cpp-router"], TEMPLATES)
    read = configparser.ConfigParser()
    read.read_string("[head]\n" + files["models.ini"])
    assert read.sections() == ["head", "*", "qwen3.6-27b", "qwen3-embedding-0.6b"]
    assert read["qwen3-embedding-0.6b"]["device"] == "none"
    assert "./models.ini:/setup/models.ini:ro" in yaml.safe_load(files["compose.yaml"])["services"]["llama-cpp"]["volumes"]
    readme = files["README.md"]
    assert "# Qwen3.6 27B and Qwen3-Embedding 0.6B with llama.cpp server" in readme
    assert "| Model for `embeddings` | `qwen3-embedding-0.6b` |" in readme
    assert '{"model": "qwen3-embedding-0.6b", "input": "Say hello in one sentence."}' in readme
    assert "used where a client sends none" in readme
    offline = render(SHAPES["llama-cpp-router-offline"], TEMPLATES)["README.md"]
    assert "hf download Qwen/Qwen3-Embedding-0.6B-GGUF Qwen3-Embedding-0.6B-Q8_0.gguf --cache-dir models" in offline
    assert offline.count("hf download ") == 2


def test_the_program_of_lllms_holds_its_settings_as_data():
    files = render(SHAPES["lllms"], TEMPLATES)
    program = files["server.mjs"]
    assert 'url: "https://huggingface.co/a/b/resolve/main/c.gguf"' in program
    assert "topP: 0.95" in program
    assert json.loads(files["package.json"])["dependencies"] == {"lllms": "1.0.0-beta.19", "node-llama-cpp": "3.18.1"}
    assert "npm install --ignore-scripts" in files["README.md"]
    assert "used where a client sends none" in files["README.md"]
    assert "node_modules/" in files[".gitignore"]
    hostile = merged(SHAPES["lllms"]["choice"], {"settings": {"weights_file": 'C:\\a "b" ${x}.gguf'}})
    assert 'location: "C:\\\\a \\"b\\" ${x}.gguf"' in render(SHAPES["lllms"] | {"choice": hostile}, TEMPLATES)["server.mjs"]


def test_the_run_book_of_ramalama_names_image_and_model():
    readme = render(SHAPES["ramalama"], TEMPLATES)["README.md"]
    assert "uv tool install ramalama==0.25.0" in readme
    assert "podman pull quay.io/ramalama/cuda:0.25" in readme
    assert "ramalama rm hf://a/b/c.gguf" in readme
    unit, usual = (
        next(text for path, text in render(SHAPES[name], TEMPLATES).items() if path.endswith(".service"))
        for name in ("ramalama", "llama-cpp-native-linux")
    )
    assert "NoNewPrivileges=" not in unit, "rootless podman could not map users"
    assert "NoNewPrivileges=yes" in usual


def test_the_run_book_of_docker_model_runner_fetches_the_model():
    readme = render(SHAPES["model-runner"], TEMPLATES)["README.md"]
    body = re.search(
        r"docker compose exec docker-model-runner curl --no-buffer --data '([^']+)' http://localhost:12434/models/create", readme
    )[1]
    assert json.loads(body) == {"from": "hf.co/A/B-GGUF:Q4_K_M"}
    gated = render(SHAPES["model-runner-podman-gated"], TEMPLATES)["README.md"]
    script, source = re.search(r"exec docker-model-runner sh -c '([^']+)' sh (\S+)", gated).groups()
    said = subprocess.run(
        ["sh", "-c", script.replace("curl --no-buffer --data", "printf %s").rpartition(" ")[0], "sh", source],
        env={"HF_TOKEN": "secret", "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(said.stdout) == {"from": "hf.co/A/B-GGUF:Q4_K_M", "bearer-token": "secret"}


@pytest.mark.parametrize("value", ["a;b", "a # b", "a\nb", "a ", ""])
def test_a_value_that_the_file_of_models_would_cut_is_refused(value):
    made = SHAPES["llama-cpp-router"]
    models = copy.deepcopy(made["choice"]["settings"]["models"])
    models[0]["options"]["hf-repo"] = value
    with pytest.raises(UsageError):
        render(made | {"choice": merged(made["choice"], {"settings": {"models": models}})}, TEMPLATES)
