"""What users change in their own files survives writing again, and the real programs honour it. Quadlets, NixOS and the plain script have
their own in the tests of these targets, serve.sh in those of native ones."""

import pytest
import yaml
from plans import TEMPLATES
from target_tools import rendered, run, serves, written

OWN = """services:
  llama-cpp:
    environment:
      MINE: "1"
    mem_limit: 9g
    ports: !override
      - "127.0.0.1:7777:8080"
"""


@pytest.mark.target("compose", checker="podman-compose", note="compose.override.yaml wins", version=("podman-compose", "--version"))
@pytest.mark.parametrize("shape", ["llama-cpp-docker-cuda", "llama-cpp-podman-cuda"])
def test_a_compose_override_wins_and_survives(shape, tmp_path):
    directory = written(shape, tmp_path / "setup")
    own = directory / "compose.override.yaml"
    own.write_text(OWN)
    written(shape, directory)
    assert own.read_text() == OWN
    service = yaml.safe_load(run("podman-compose", "config", cwd=directory).stdout)["services"]["llama-cpp"]
    assert service["environment"]["MINE"] == "1"
    assert service["environment"]["LLAMA_CACHE"]
    assert service["mem_limit"] == "9g"
    assert service["ports"] == ["127.0.0.1:7777:8080"]


@pytest.mark.target("native", checker="systemd-analyze", note="a drop-in wins", version=("systemd-analyze", "--version"))
def test_a_drop_in_of_systemd_wins(tmp_path):
    directory = written("llama-cpp-native-linux", tmp_path / "setup")
    [unit] = directory.glob("*.service")
    units, home = tmp_path / "units", tmp_path / "home"
    (units / f"{unit.name}.d").mkdir(parents=True)
    (units / unit.name).write_text(unit.read_text())
    link = home / ".local/share/setupgen" / unit.stem
    link.parent.mkdir(parents=True)
    link.symlink_to(directory)
    drop_in = units / f"{unit.name}.d" / "override.conf"
    around = {"HOME": str(home), "XDG_RUNTIME_DIR": str(tmp_path), "SYSTEMD_UNIT_PATH": f"{units}:"}
    drop_in.write_text("[Service]\nExecStart=\nExecStart=/nowhere/mine\n")
    done = run("systemd-analyze", "verify", "--user", "--man=no", units / unit.name, environment=around, check=False)
    assert "/nowhere/mine is not executable" in done.stderr
    drop_in.write_text("[Service]\nRestart=always\n")
    assert run("systemd-analyze", "verify", "--user", "--man=no", units / unit.name, environment=around).stderr.strip() == ""


@pytest.mark.parametrize("target", TEMPLATES)
def test_own_files_are_never_among_those_that_are_written(target):
    """Whatever a target names as the place of own changes is left to the user by every plan."""
    own = {word.strip("`,") for entry in TEMPLATES[target]["files"] for word in entry.get("override", "").split()}
    made = {entry["path"] for each in TEMPLATES.values() for entry in each["files"]}
    assert not own & made


@pytest.mark.parametrize("name", ["override.env", "override.args", "override.nix", "compose.override.yaml"])
def test_writing_twice_keeps_what_the_user_made(name, tmp_path):
    shape, targets = ("llama-cpp-native-linux", ()) if "args" in name or "env" in name else ("llama-cpp-docker-cuda", ())
    assert serves("shell", shape)
    for again in ((), targets, ("shell",)):
        directory = written(shape, tmp_path / "setup", *again)
        if not (directory / name).exists():
            (directory / name).write_text("mine\n")
        assert name not in rendered(shape, *again).files
    assert (directory / name).read_text() == "mine\n"
