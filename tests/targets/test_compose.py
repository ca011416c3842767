import json
from pathlib import Path

import pytest
import yaml
from target_tools import ALL, COMPOSE, rendered, run, written

HERE = Path(__file__).parent
NEEDED = {"VIDEO_GID": "44", "HF_TOKEN": "x", "RENDER_GID": "992", "SITE_HOST": "box.lan", "TOWER_TOKEN": "Bearer x"}
NEEDED |= {"WEBUI_SECRET_KEY": "x", "FLEET_KEY": "x", "TOWER_KEY": "x", "SPOT_TOKEN": "Bearer x"}
"""What users fill in."""


@pytest.mark.target(
    ["compose", "hops", "litellm", "nginx", "olla"],
    checker="dclint",
    note="the Compose schema and its linter",
    version=("npx", "--no-install", "dclint", "--version"),
)
def test_the_compose_schema_and_linter_accept_every_file(tmp_path):
    root = HERE.parents[1]
    if not (root / "node_modules/.bin/dclint").exists():
        pytest.fail("dclint is missing: npm ci")
    paths = [written(shape, tmp_path / shape) / "compose.yaml" for shape in COMPOSE]
    done = run(
        "npx",
        "--no-install",
        "dclint",
        "--formatter",
        "json",
        "--max-warnings",
        "0",
        "-c",
        HERE / "dclint.yaml",
        *paths,
        cwd=root,
        check=False,
    )
    problems = [f"{Path(file['filePath']).parent.name}: {message}" for file in json.loads(done.stdout) for message in file["messages"]]
    assert problems == []
    assert done.returncode == 0, done.stderr


@pytest.mark.target(
    ["compose", "hops", "litellm", "nginx", "olla", "setup"],
    checker="podman-compose",
    note="reads each file as it was meant",
    version=("podman-compose", "--version"),
)
@pytest.mark.parametrize("shape", COMPOSE)
def test_podman_compose_reads_every_file_as_it_was_meant(shape, tmp_path):
    directory = written(shape, tmp_path / "setup")
    done = run("podman-compose", "--profile", "webui", "config", cwd=directory, environment=NEEDED)
    read = yaml.safe_load(done.stdout)
    ours = yaml.safe_load((directory / "compose.yaml").read_text())
    assert read["name"] == ours["name"]
    assert set(read["services"]) == set(ours["services"])
    for id_, service in ours["services"].items():
        assert read["services"][id_].get("command") == (
            [word.replace("$$", "$") for word in service["command"]] if "command" in service else None
        )
        assert read["services"][id_].get("image") == service.get("image")


@pytest.mark.target(
    ["compose", "hops", "litellm", "nginx", "olla", "setup"],
    checker="docker-compose",
    note="reads each file as it was meant",
    version=("docker-compose", "version", "--short"),
)
@pytest.mark.parametrize("shape", COMPOSE)
def test_docker_compose_reads_every_file_as_it_was_meant(shape, tmp_path):
    directory = written(shape, tmp_path / "setup")
    done = run("docker-compose", "--profile", "webui", "config", "--format", "json", cwd=directory, environment=NEEDED)
    assert not done.stderr
    read = json.loads(done.stdout)
    ours = yaml.safe_load((directory / "compose.yaml").read_text())
    assert read["name"] == ours["name"]
    assert set(read["services"]) == set(ours["services"])
    for id_, service in ours["services"].items():
        got = read["services"][id_]
        assert (got["command"] or []) == service.get("command", [])
        assert got.get("image") == service.get("image")
        assert len(got.get("ports", [])) == len(service.get("ports", []))
        assert {port.get("host_ip") for port in got.get("ports", [])} <= {"127.0.0.1", "0.0.0.0", "192.168.1.20"}
        assert len(got.get("volumes", [])) == len(service.get("volumes", []))


@pytest.mark.target(["setup"], checker="podman-compose", note="stops where .env lacks a value", version=("podman-compose", "--version"))
@pytest.mark.parametrize("shape", COMPOSE)
def test_without_the_values_of_env_nothing_starts(shape, tmp_path):
    text = rendered(shape).files["compose.yaml"]
    if ":?" not in text:
        return
    (tmp_path / "compose.yaml").write_text(text)
    done = run("podman-compose", "--profile", "webui", "config", cwd=tmp_path, check=False)
    assert done.returncode != 0
    assert "is missing in .env" in done.stdout + done.stderr or "run prepare.sh first" in done.stdout + done.stderr


@pytest.mark.parametrize("shape", ALL)
def test_every_yaml_and_json_file_is_read_back(shape):
    for path, text in rendered(shape).files.items():
        if path.endswith((".yaml", ".yml")):
            assert yaml.safe_load(text), path
        if path.endswith(".json"):
            assert json.loads(text), path
