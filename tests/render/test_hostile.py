"""Hostile text in every place where users and files put text: it is carried as data, or refused with the name of the field."""

import io
import json
import plistlib
import re
import shlex

import pytest
import yaml
from dotenv import dotenv_values
from plans import SHAPES, TEMPLATES, merged

from setupgen.errors import SetupgenError
from setupgen.render.files import render

HOSTILE = {
    "quotes": "a'b\"c`d",
    "newline": "a\nPORT=1\n- b",
    "carriage-return": "a\rb",
    "substitution": "$(touch owned) ${HOME} `id` $$",
    "jinja": "{{ 7 * 7 }}{% include 'x' %}",
    "nul": "a\x00b",
    "escape": "a\x1b[31mb",
    "right-to-left": "a\u202egpj.exe",
    "isolate": "a\u2066b\u2069",
    "yaml-tag": "!!python/object/apply:os.system ['id']",
    "yaml-document": "--- &a *b",
    "yaml-no": "no",
    "compose-variable": "${OLLAMA_HOST:?x}",
    "systemd": "%h %n ; rm -rf ~",
    "xml": "</string><key>Program</key>]]>&lt;",
    "markdown": "```\n# x\n```",
    "markdown-inline": "`x` [a](javascript:b) <script>alert(1)</script> -->",
    "caddy": "{env.HOME} } respond 200",
    "powershell": "a\u2019; Remove-Item C:\\ #",
    "surrogate": "a\ud800b",
    "unicode": "Modell-Größe 模型 🙂",
    "long": "x" * 10_000,
    "traversal": "../../../etc/passwd",
    "option": "--rm -rf",
    "empty": "",
    "spaces": "  a  ",
}

FIELDS = {
    "model.name": ("model", "name"),
    "model.id": ("model", "id"),
    "weights.source": ("weights", "source"),
    "settings.alias": ("settings", "alias"),
    "settings.weights_file": ("settings", "weights_file"),
    "settings.flags": ("settings", "flags"),
    "settings.environment": ("settings", "environment"),
    "settings.auth": ("settings", "auth"),
    "connection.model": ("connection", "model"),
    "connection.openai_url": ("connection", "openai_url"),
    "connection.key_env": ("connection", "key_env"),
    "container.image": ("container", "image"),
    "proxy.address": ("proxy", "address"),
    "server.name": ("server", "name"),
}
SHAPES_HERE = ("ollama-alias", "ollama-lan", "llama-cpp-native-linux", "ollama-macos-lan", "llama-cpp-native-windows", "vllm-podman-cuda")


def with_text(made, field, text):
    part, key = FIELDS[field]
    value = {
        "flags": ["--chat-template", text],
        "environment": {"SETTING": text},
        "auth": {"kind": "api-key", "env": text, "by": "server"},
    }.get(key, text)
    if part in {"proxy", "container"} and not made["choice"][part]:
        return None
    return made | {"choice": merged(made["choice"], {part: {key: value}})}


PLACES = [(shape, field) for shape in SHAPES_HERE for field in FIELDS if with_text(SHAPES[shape], field, "") is not None]


@pytest.mark.parametrize(("shape", "field"), PLACES)
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_is_carried_or_refused(shape, field, kind):
    made = with_text(SHAPES[shape], field, HOSTILE[kind])
    files, refusal = files_or_refusal(made)
    if refusal is not None:
        assert refusal.place, refusal
        assert len(str(refusal)) < 1000
        return
    for path, text in files.items():
        text.encode()
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text), path
        check_file(path, text)
    check_carried(files, made, field, HOSTILE[kind])


def files_or_refusal(made):
    try:
        return render(made, TEMPLATES), None
    except SetupgenError as error:
        return {}, error


def check_file(path, text):
    """The file parses, and has the shape that it has with plain text."""
    if path == "compose.yaml":
        document = yaml.safe_load(text)
        assert set(document) == {"name", "services", "volumes"}
        assert set(document["services"]) <= {"ollama", "llama-cpp", "vllm", "pull", "caddy", "open-webui"}
        for service in document["services"].values():
            assert "privileged" not in service
    elif path.endswith(".yaml"):
        assert isinstance(yaml.safe_load(text), dict)
    elif path.endswith(".json"):
        json.loads(text)
    elif path.endswith(".plist"):
        assert set(plistlib.loads(text.encode())) == {
            "Label",
            "ProgramArguments",
            "RunAtLoad",
            "KeepAlive",
            "ThrottleInterval",
            "ProcessType",
            "Umask",
        }
    elif path.endswith(".service"):
        assert [line for line in text.splitlines() if line.startswith("[")] == ["[Unit]", "[Service]", "[Install]"]
    elif path == "Modelfile":
        assert all(line.startswith(("#", "FROM ", "PARAMETER ")) for line in text.splitlines())


def check_carried(files, made, field, hostile):
    """Where the text goes into a command or a setting, the reader gets exactly it."""
    choice = made["choice"]
    if field == "settings.flags" and "compose.yaml" in files:
        command = yaml.safe_load(files["compose.yaml"])["services"][choice["server"]["id"]]["command"]
        assert [word.replace("$$", "$") for word in command][-2:] == ["--chat-template", hostile]
    if field == "settings.flags" and "serve.sh" in files:
        assert shlex.split(files["serve.sh"].partition("set -- ")[2].partition("\n\nif ")[0].replace(" \\\n", " "))[-2:] == [
            "--chat-template",
            hostile,
        ]
    if field == "settings.environment" and "compose.yaml" in files:
        environment = yaml.safe_load(files["compose.yaml"])["services"][choice["server"]["id"]]["environment"]
        assert environment["SETTING"].replace("$$", "$") == hostile
    if field == "settings.environment" and "server.env" in files:
        assert dotenv_values(stream=io.StringIO(files["server.env"]))["SETTING"] == hostile
    if field == "connection.model" and "clients/opencode.json" in files:
        assert list(json.loads(files["clients/opencode.json"])["provider"]["local"]["models"]) == [hostile]
    if field == "connection.model" and "clients/claude-code.sh" in files:
        [line] = [line for line in files["clients/claude-code.sh"].splitlines() if line.startswith("ANTHROPIC_MODEL=")]
        assert shlex.split(line) == [f"ANTHROPIC_MODEL={hostile}"]


@pytest.mark.parametrize("kind", ["newline", "nul", "escape", "right-to-left", "isolate", "surrogate"])
def test_what_cannot_be_shown_is_refused_by_the_name_of_its_field(kind):
    with pytest.raises(SetupgenError) as caught:
        render(with_text(SHAPES["llama-cpp-docker-cuda"], "settings.alias", HOSTILE[kind]), TEMPLATES)
    assert caught.value.place == "choice.settings.alias"


def test_what_one_format_cannot_carry_is_refused_with_file_and_field():
    with pytest.raises(SetupgenError) as caught:
        render(with_text(SHAPES["ollama-alias"], "settings.alias", "$(id)"), TEMPLATES)
    assert "choice.settings.alias" in caught.value.place


def test_keys_of_mappings_are_checked_too():
    made = SHAPES["llama-cpp-docker-cuda"]
    with pytest.raises(SetupgenError):
        render(made | {"choice": merged(made["choice"], {"settings": {"environment": {"A\nB": "1"}}})}, TEMPLATES)
