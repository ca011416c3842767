"""Quadlets before podman's own generator, and what it makes of them before systemd."""

import re
import shlex
from itertools import pairwise

import pytest
import yaml
from plans import SHAPES, TEMPLATES, merged
from target_tools import QUADLET, rendered, run, written

from setupgen.errors import SetupgenError
from setupgen.output.write import write
from setupgen.render.files import render_setup

VERSION = ("quadlet", "-version")


def generated(directory):
    """The services that podman's generator makes of a folder: name to text. What it says of faults fails the test."""
    done = run("quadlet", "-dryrun", "-user", "-no-kmsg-log", environment={"QUADLET_UNIT_DIRS": str(directory)}, check=False)
    said = [line for line in done.stderr.splitlines() if "Loading source unit file" not in line]
    assert done.returncode == 0, done.stderr
    assert said == [] or all("merging" in line.lower() or "drop-in" in line.lower() for line in said), done.stderr
    parts = re.split(r"^---(.+)---$", done.stdout, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def command(service):
    """The words of the line that starts the container, as systemd reads them; specifiers and variables stay."""
    [line] = re.findall(r"^ExecStart=(.*)$", service, re.MULTILINE)
    return [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(line)]


def options(words, name):
    """The values of an option that may be given many times."""
    return [after for word, after in pairwise(words) if word == name]


@pytest.mark.target("quadlet", checker="podman's generator", note="makes a service of every quadlet", version=("quadlet", "-version"))
@pytest.mark.parametrize("shape", QUADLET)
def test_podmans_generator_makes_what_the_compose_file_says(shape, tmp_path):
    services = generated(written(shape, tmp_path / "setup", "quadlet"))
    compose = yaml.safe_load(rendered(shape).files["compose.yaml"])
    name = compose["name"]
    compose["services"].pop("pull", None)
    containers = {id_: name if id_ == next(iter(compose["services"])) else f"{name}-{id_}" for id_ in compose["services"]}
    assert set(services) == {f"{unit}.service" for unit in containers.values()} | (
        {f"{name}-network.service"} if len(containers) > 1 else set()
    )
    for id_, unit in containers.items():
        said, words = compose["services"][id_], command(services[f"{unit}.service"])
        image = said["image"] if "build" not in said else f"localhost/{name}:latest"
        assert image in words
        assert words[words.index(image) + 1 :] == [word.replace("$$", "$") for word in said.get("command", [])]
        plain = {key: value.replace("$$", "$") for key, value in said.get("environment", {}).items() if "${" not in value}
        assert dict(pair.split("=", 1) for pair in options(words, "--env") if "=" in pair) == plain
        assert {word for word in options(words, "--env") if "=" not in word} == {
            key for key, value in said.get("environment", {}).items() if "${" in value
        }
        assert len(options(words, "--publish")) == len(said.get("ports", []))
        inside = [bind["target"] if isinstance(bind, dict) else bind.split(":")[1] for bind in said.get("volumes", [])]
        mounted = [bind.split(":")[1] for bind in options(words, "-v")]
        mounted += re.findall(r"destination=([^,]*)", " ".join(options(words, "--mount")))
        assert sorted(set(mounted) - {"/setup/Modelfile"}) == sorted(inside)
        assert options(words, "--device") == said.get("devices", [])
        assert [cap.upper() for cap in options(words, "--cap-drop")] == said.get("cap_drop", [])
        assert [cap.upper() for cap in options(words, "--cap-add")] == said.get("cap_add", [])
        assert options(words, "--group-add") == said.get("group_add", [])
        assert "--security-opt=no-new-privileges" in words
        assert ("label=disable" in options(words, "--security-opt")) == ("label=disable" in said["security_opt"])
        assert options(words, "--ipc") == [said[key] for key in ("ipc",) if key in said]
        assert "--privileged" not in words
        assert ("WantedBy=default.target" in services[f"{unit}.service"]) == ("profiles" not in said)


@pytest.mark.target(
    "quadlet", checker="systemd-analyze verify", note="accepts the services made of them", version=("systemd-analyze", "--version")
)
@pytest.mark.parametrize("shape", ["ollama-lan-podman", "llama-cpp-podman-rocm", "vllm-podman-cuda"])
def test_systemd_accepts_the_services(shape, tmp_path):
    units = tmp_path / "units"
    units.mkdir()
    for name, text in generated(written(shape, tmp_path / "setup", "quadlet")).items():
        # Only the machine on which podman is set up has this one.
        (units / name).write_text(text.replace("podman-user-wait-network-online.service", "basic.target"))
    environment = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "SYSTEMD_UNIT_PATH": f"{units}:"}
    done = run("systemd-analyze", "verify", "--user", "--man=no", *units.iterdir(), environment=environment)
    assert done.stderr.strip() == ""


def test_a_fault_is_found(tmp_path):
    (tmp_path / "x.container").write_text("[Container]\nImage=a\nNoSuchKey=1\n")
    with pytest.raises(AssertionError, match="NoSuchKey"):
        generated(tmp_path)


def test_an_own_drop_in_wins_and_survives_writing_again(tmp_path):
    made = rendered("llama-cpp-podman-cuda", "quadlet")
    directory = tmp_path / "setup"
    write(made.files, directory, modes=made.modes, secrets=made.secrets)
    unit = directory / "llama-cpp-qwen3-6-27b.container"
    own = directory / f"{unit.name}.d" / "override.conf"
    assert f"{unit.name}.d/override.conf" in unit.read_text()
    own.parent.mkdir()
    own.write_text("[Container]\nEnvironment=MINE=1\nShmSize=1g\n")
    write(made.files, directory, modes=made.modes, secrets=made.secrets)
    assert own.read_text().endswith("ShmSize=1g\n")
    service = generated(directory)[f"{unit.stem}.service"]
    words = command(service)
    assert "MINE=1" in options(words, "--env")
    assert options(words, "--shm-size") == ["1g"]
    assert 'cp -R -- "$own" "$units/"' in (directory / "start.sh").read_text()


def test_a_file_of_weights_with_odd_letters_arrives_as_it_is(tmp_path):
    path = '/data/a "b", $HOME %h {x}.gguf'
    plan = SHAPES["llama-cpp-podman-cuda"]
    plan = plan | {"choice": merged(plan["choice"], {"settings": {"weights_file": path}, "container": {"weights_path": "/weights/m.gguf"}})}
    made = render_setup(plan, TEMPLATES, targets=["quadlet"], name="x")
    write(made.files, tmp_path / "setup", modes=made.modes, secrets=made.secrets)
    service = generated(tmp_path / "setup")["x.service"]
    doubled = path.replace('"', '""')
    assert options(command(service), "--mount") == [f'type=bind,"source={doubled}",destination=/weights/m.gguf,ro']


def test_an_empty_argument_is_refused_since_podman_would_drop_the_rest():
    plan = SHAPES["llama-cpp-podman-cuda"]
    plan = plan | {"choice": merged(plan["choice"], {"settings": {"flags": ["--chat-template", "", "--jinja"]}})}
    with pytest.raises(SetupgenError, match="empty"):
        render_setup(plan, TEMPLATES, targets=["quadlet"])
