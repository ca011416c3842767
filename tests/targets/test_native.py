import json
import os
import plistlib
import stat
import subprocess

import pytest
from plans import SHAPES, TEMPLATES, merged
from target_tools import ALL, NATIVE, rendered, run, written

from setupgen.output.write import write
from setupgen.render.files import render_setup

RECORDER = """#!/usr/bin/env python3
import json, os, sys
json.dump({"arguments": sys.argv[1:], "environment": dict(os.environ)}, open(os.environ["RECORD"], "w"))
"""


@pytest.mark.target(
    ["native", "compose", "clients", "litellm", "llama-swap", "nginx", "olla"],
    checker="shellcheck",
    note="finds nothing in any script",
    version=("shellcheck", "--version"),
)
def test_shellcheck_finds_nothing_in_any_script(tmp_path):
    scripts = [path for shape in ALL for path in written(shape, tmp_path / shape).rglob("*.sh")]
    assert len(scripts) > 20
    run("shellcheck", *scripts)


@pytest.mark.target("native", checker="systemd-analyze verify", note="accepts every unit", version=("systemd-analyze", "--version"))
@pytest.mark.parametrize("shape", [shape for shape in NATIVE if any(path.endswith(".service") for path in rendered(shape).files)])
def test_systemd_accepts_every_unit(shape, tmp_path):
    directory = written(shape, tmp_path / "setup")
    home = tmp_path / "home"
    for unit in directory.glob("*.service"):
        name = unit.stem.removesuffix("-proxy")
        link = home / ".local/share/setupgen" / name
        if not link.exists():
            link.parent.mkdir(parents=True)
            link.symlink_to(directory)
        done = run("systemd-analyze", "verify", "--user", unit, environment={"HOME": str(home), "XDG_RUNTIME_DIR": str(tmp_path)})
        assert done.stderr.strip() == ""


@pytest.mark.target("native", checker="plistlib", note="reads every launchd job, as plutil would", version=("python3", "--version"))
@pytest.mark.parametrize("shape", [shape for shape in NATIVE if any(path.endswith(".plist") for path in rendered(shape).files)])
def test_every_property_list_is_read_and_named_after_its_label(shape):
    lists = {path: plistlib.loads(text.encode()) for path, text in rendered(shape).files.items() if path.endswith(".plist")}
    for path, document in lists.items():
        assert path == f"{document['Label']}.plist"
        assert document["ProgramArguments"][:2] == ["/bin/sh", "-c"]
        assert subprocess.run(["/bin/sh", "-n", "-c", document["ProgramArguments"][2]], check=False).returncode == 0


def served(directory, tmp_path, program):
    """What the server is started with, when `serve.sh` runs."""
    bin_ = tmp_path / "bin"
    bin_.mkdir(exist_ok=True)
    (bin_ / program).write_text(RECORDER)
    (bin_ / program).chmod(0o755)
    environment = {"PATH": f"{bin_}:{os.environ['PATH']}", "HOME": str(tmp_path), "RECORD": str(tmp_path / "record.json")}
    done = subprocess.run([directory / "serve.sh"], env=environment, capture_output=True, text=True, cwd="/", timeout=30, check=False)
    return done, json.loads((tmp_path / "record.json").read_text()) if done.returncode == 0 else None


@pytest.mark.parametrize("shape", [shape for shape in NATIVE if not shape.startswith("lm-studio")])  # see test_lm_studio.py
def test_the_server_gets_exactly_the_arguments_and_settings_of_the_plan(shape, tmp_path):
    settings = SHAPES[shape]["choice"]["settings"]
    directory = written(shape, tmp_path / "my setup")
    (directory / "override.env").write_text("HF_TOKEN=x\n")
    _, record = served(directory, tmp_path, settings["program"][0])
    assert record["arguments"] == settings["program"][1:] + settings["flags"]
    assert settings["environment"].items() <= record["environment"].items()


def test_hostile_arguments_reach_the_server_as_they_are(tmp_path):
    hostile = ["$(touch owned)", "it's", 'a "b"', "`id`", "a\\", "${HOME}", "*", "~", "", "-", "ö 模型", "!x", "#y"]
    made = SHAPES["llama-cpp-native-linux"]
    made = made | {"choice": merged(made["choice"], {"settings": {"flags": hostile, "environment": {"SETTING": "$(id) `x`"}}})}
    result = render_setup(made, TEMPLATES)
    write(result.files, tmp_path / "setup", modes=result.modes, secrets=result.secrets)
    _, record = served(tmp_path / "setup", tmp_path, "llama-server")
    assert record["arguments"] == hostile
    assert record["environment"]["SETTING"] == "$(id) `x`"
    assert not (tmp_path / "setup/owned").exists()


def test_the_users_own_files_are_read_last(tmp_path):
    directory = written("ollama-native-linux", tmp_path / "setup")
    (directory / "override.env").write_text("OLLAMA_CONTEXT_LENGTH=8192\n")
    (directory / "override.args").write_text("--one\ntwo words\n\n--last")
    _, record = served(directory, tmp_path, "ollama")
    assert record["environment"]["OLLAMA_CONTEXT_LENGTH"] == "8192"
    assert record["arguments"] == ["serve", "--one", "two words", "--last"]


def test_the_key_comes_from_env_and_without_one_nothing_starts(tmp_path):
    directory = written("llama-cpp-native-lan", tmp_path / "setup")
    _, record = served(directory, tmp_path, "llama-server")
    key = record["environment"]["LLAMA_API_KEY"]
    assert len(key) > 40
    assert key not in " ".join(record["arguments"])
    (directory / ".env").write_text("LLAMA_API_KEY=\n")
    done, record = served(directory, tmp_path, "llama-server")
    assert record is None
    assert "is missing in .env" in done.stderr


def test_prepare_writes_the_numbers_of_the_groups_and_keeps_the_secrets(tmp_path):
    directory = written("llama-cpp-docker-vulkan", tmp_path / "setup")
    before = (directory / ".env").read_text()
    text = (directory / "prepare.sh").read_text().replace("/dev/dri", str(tmp_path))
    (directory / "prepare.sh").write_text(text)
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "getent").write_text('#!/bin/sh\necho "$2:x:12$(printf %s "$2" | wc -c):"\n')
    (bin_ / "getent").chmod(0o755)
    for _ in range(2):
        subprocess.run(
            [directory / "prepare.sh"], check=True, env=os.environ | {"PATH": f"{bin_}:{os.environ['PATH']}"}, capture_output=True
        )
        lines = (directory / ".env").read_text().splitlines()
        assert lines[-2:] == ["VIDEO_GID=125", "RENDER_GID=126"]
        assert stat.S_IMODE((directory / ".env").stat().st_mode) == 0o600
        secret = next(line for line in before.splitlines() if line.startswith("WEBUI_SECRET_KEY="))
        assert secret in lines


def test_claude_code_starts_with_the_servers_address_and_no_changing_line(tmp_path):
    directory = written("llama-cpp-key", tmp_path / "setup")
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "claude").write_text(RECORDER)
    (bin_ / "claude").chmod(0o755)
    environment = os.environ | {
        "PATH": f"{bin_}:{os.environ['PATH']}",
        "RECORD": str(tmp_path / "record.json"),
        "ANTHROPIC_API_KEY": "real",
    }
    subprocess.run([directory / "clients/claude-code.sh", "-p", "two words"], check=True, env=environment, cwd=tmp_path)
    record = json.loads((tmp_path / "record.json").read_text())
    key = next(line for line in (directory / ".env").read_text().splitlines() if line.startswith("LLAMA_API_KEY=")).partition("=")[2]
    expected = {
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:9931",
        "ANTHROPIC_AUTH_TOKEN": key,
        "ANTHROPIC_API_KEY": "",
        "CLAUDE_CODE_ATTRIBUTION_HEADER": "0",
    }
    assert expected.items() <= record["environment"].items()
    assert record["arguments"] == ["-p", "two words"]
