"""The NixOS module before Nix itself: parsed, evaluated, and held against what nixpkgs' module takes."""

import json

import jsonschema
import pytest
import yaml
from target_tools import NIXOS, rendered, run, written

# What nixpkgs' modules give to ours, as far as ours asks; the functions do what those of nixpkgs' lib do.
AROUND = """
let
  lib = {
    optional = condition: value: if condition then [ value ] else [ ];
    mkBefore = value: value;
    concatStringsSep = builtins.concatStringsSep;
  };
  config = {
    ids.gids = { video = 26; render = 303; };
    virtualisation = { docker.package = "/docker"; podman.package = "/podman"; };
  };
in
import ./%s { inherit config lib; pkgs = { }; }
"""
TEXTS = {"type": "array", "items": {"type": "string"}}
UNIT = {
    "type": "object",
    "properties": {
        "after": TEXTS,
        "requires": TEXTS,
        "wantedBy": TEXTS,
        "path": TEXTS,
        "script": {"type": "string"},
        "serviceConfig": {"type": "object", "additionalProperties": {"type": ["string", "boolean", "integer", "array"]}},
    },
    "additionalProperties": False,
}
MODULE = {
    "type": "object",
    "properties": {
        "imports": {"type": "array"},
        "hardware": {
            "type": "object",
            "properties": {
                name: {"type": "object", "properties": {"enable": {"const": True}}, "additionalProperties": False}
                for name in ("nvidia-container-toolkit", "graphics")
            },
            "additionalProperties": False,
        },
        "systemd": {"type": "object", "properties": {"services": {"type": "object", "additionalProperties": UNIT}}},
        "virtualisation": {
            "type": "object",
            "properties": {
                "oci-containers": {
                    "type": "object",
                    "properties": {
                        "backend": {"enum": ["docker", "podman"]},
                        "containers": {
                            "type": "object",
                            "minProperties": 1,
                            "additionalProperties": {
                                "type": "object",
                                "properties": {
                                    "image": {"type": "string", "pattern": "^[a-z0-9./_:-]+$"},
                                    "cmd": TEXTS,
                                    "environment": {"type": "object", "additionalProperties": {"type": "string"}},
                                    "ports": TEXTS,
                                    "volumes": TEXTS,
                                    "dependsOn": TEXTS,
                                    "extraOptions": TEXTS,
                                },
                                "required": ["image"],
                                "additionalProperties": False,
                            },
                        },
                    },
                    "required": ["backend", "containers"],
                    "additionalProperties": False,
                }
            },
            "additionalProperties": False,
        },
    },
    "required": ["virtualisation"],
    "additionalProperties": False,
}
"""Of nixpkgs' virtualisation/oci-containers.nix and the options of systemd.services, what our module uses."""


def module_of(directory):
    [module] = [path for path in directory.glob("*.nix") if path.name != "override.nix"]
    return module


def value_of(directory):
    """The module's value."""
    expression = AROUND % module_of(directory).name
    done = run("nix-instantiate", "--eval", "--strict", "--json", "--expr", expression, cwd=directory)
    return json.loads(done.stdout)


@pytest.mark.target(
    "nixos",
    checker="nix-instantiate",
    note="evaluates the module to what nixpkgs' oci-containers takes (its options re-stated as a schema)",
    version=("nix-instantiate", "--version"),
)
@pytest.mark.parametrize("shape", NIXOS)
def test_nix_evaluates_the_module_to_what_the_compose_file_says(shape, tmp_path):
    directory = written(shape, tmp_path / "setup", "nixos")
    module = value_of(directory)
    jsonschema.validate(module, MODULE)
    compose = yaml.safe_load(rendered(shape).files["compose.yaml"])
    name = compose["name"]
    first = next(iter(compose["services"]))
    containers = module["virtualisation"]["oci-containers"]["containers"]
    assert set(containers) == {name, *(f"{name}-{id_}" for id_ in compose["services"] if id_ == "caddy")}
    for id_, said in compose["services"].items():
        if id_ not in {first, "caddy"}:
            continue
        ours = containers[name if id_ == first else f"{name}-{id_}"]
        extra = ours["extraOptions"]
        assert ours["image"] == said["image"]
        assert ours.get("cmd", []) == [word.replace("$$", "$") for word in said.get("command", [])]
        asked = said.get("environment", {})
        assert ours.get("environment", {}) == {key: value.replace("$$", "$") for key, value in asked.items() if "${" not in value}
        assert {word for word in extra if word.startswith("--env=")} == {f"--env={key}" for key, value in asked.items() if "${" in value}
        assert {word for word in extra if word.startswith("--cap-drop=")} == {f"--cap-drop={cap}" for cap in said.get("cap_drop", [])}
        assert "--security-opt=no-new-privileges" in extra
        if id_ == first:
            assert ours["ports"] == said.get("ports", [])


@pytest.mark.parametrize("shape", ["llama-cpp-key", "vllm-internet"])
def test_a_key_stands_in_no_file_but_env_and_must_be_there(shape, tmp_path):
    directory = written(shape, tmp_path / "setup", "nixos")
    [key] = [line.partition("=")[2] for line in (directory / ".env").read_text().splitlines() if "_API_KEY=" in line]
    assert key not in module_of(directory).read_text()
    units = value_of(directory)["systemd"]["services"]
    asked = [unit["serviceConfig"] for unit in units.values() if "_API_KEY:?" in str(unit.get("serviceConfig", {}).get("ExecStartPre"))]
    assert asked
    for service in asked:
        assert service["EnvironmentFile"].endswith("/.env")
        assert any(line.startswith("/bin/sh -c ': \"$${") for line in service["ExecStartPre"])


def test_an_own_module_is_imported_and_survives_writing_again(tmp_path):
    directory = written("llama-cpp-docker-cuda", tmp_path / "setup", "nixos")
    assert value_of(directory)["imports"] == []
    (directory / "override.nix").write_text("{ }\n")
    written("llama-cpp-docker-cuda", directory, "nixos")
    assert (directory / "override.nix").read_text() == "{ }\n"
    done = run("nix-instantiate", "--eval", "--strict", "--expr", f"({AROUND % module_of(directory).name}).imports", cwd=directory)
    assert "override.nix" in done.stdout
