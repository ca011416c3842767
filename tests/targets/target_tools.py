"""Runs the programs that read what we generate. A test whose program is missing fails and says how to install it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from plans import HOPS, ROOT, SHAPES, TEMPLATES
from proxy_plans import PROXIES

from setupgen.errors import NothingFitsError
from setupgen.output.write import write
from setupgen.render.files import render_proxy, render_setup
from target_checks import PLACES

INSTALL = {
    "caddy": "apt-get install -y caddy",
    "nginx": "apt-get install -y nginx-light",
    "nix-instantiate": "apt-get install -y nix-bin",
    "docker-compose": "sh .ci/tools.sh",
    "openssl": "apt-get install -y openssl",
    "node": "apt-get install -y nodejs npm",
    "npx": "apt-get install -y nodejs npm",
    "podman": "apt-get install -y podman",
    "promtool": "apt-get install -y prometheus",
    "podman-compose": "pip install --group test",
    "quadlet": "sh .ci/tools.sh",
    "shellcheck": "apt-get install -y shellcheck",
    "systemd-analyze": "apt-get install -y systemd",
}


def tool(name):
    """The path of a program."""
    found = shutil.which(name, path=":".join((str(ROOT / ".venv/bin"), os.environ["PATH"], *PLACES)))
    if not found:
        pytest.fail(f"{name} is missing: {INSTALL[name]}")
    return found


def run(*command, cwd=None, environment=None, check=True):
    """Run a program; its output is in the message where it fails."""
    done = subprocess.run(
        [tool(command[0]), *map(str, command[1:])],
        cwd=cwd,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert not check or done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done


def rendered(shape, *targets):
    """The files of a shape, or of the fleet's proxy; `targets` as `--target` names them."""
    if shape == "hops":
        return render_proxy(HOPS, TEMPLATES, knowledge={"digest": "sha256:x"})
    if shape in PROXIES:
        return render_proxy(PROXIES[shape], TEMPLATES, knowledge={"digest": "sha256:x"})
    return render_setup(SHAPES[shape], TEMPLATES, targets=targets)


def serves(target, shape):
    """Whether a target that is written on request can serve a shape."""
    try:
        rendered(shape, target)
    except NothingFitsError:
        return False
    return True


def written(shape, directory: Path, *targets):
    """The files of a shape, as `write` puts them down."""
    made = rendered(shape, *targets)
    write(made.files, directory, modes=made.modes, secrets=made.secrets)
    return directory


ALL = (*SHAPES, "hops", *PROXIES)
COMPOSE = tuple(shape for shape in ALL if "compose.yaml" in rendered(shape).files)
NATIVE = tuple(shape for shape in SHAPES if "serve.sh" in rendered(shape).files)
CADDY = tuple(shape for shape in ALL if "Caddyfile" in rendered(shape).files)
QUADLET = tuple(shape for shape in SHAPES if serves("quadlet", shape))
SHELL = tuple(shape for shape in SHAPES if serves("shell", shape))
NIXOS = tuple(shape for shape in SHAPES if serves("nixos", shape))
