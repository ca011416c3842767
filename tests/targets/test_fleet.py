"""The script that brings a fleet to its hosts, before shellcheck and run against hosts that record what they are told."""

import json
import os
import subprocess
from functools import cache

import pytest
import yaml
from plans import TEMPLATES
from target_tools import run

from case_tools import pack
from setupgen.engine.fleet.intake import inventory_of
from setupgen.engine.fleet.planning import fleet_plan, member_plans
from setupgen.output.write import write
from setupgen.render.fleet import Member, render_fleet

SSH = """#!/bin/sh
# Records the host and the command, takes what is sent, and fails for the host that is down.
shift 2
host=$1
shift
printf '%s\\t%s\\n' "$host" "$*" >>"$RECORD"
[ "$host" != 192.168.1.11 ] || [ -z "${DOWN:-}" ] || exit 255
case $* in *"tar -C"*) mkdir -p "$TAKEN/$host" && cd "$TAKEN/$host" && sh -c "$*" ;; esac
"""
TWO = """
hosts:
  - {name: gaming, address: "http://192.168.1.10:11434", hardware: rtx-4090, ram: 64G}
  - {name: oldbox, address: "http://192.168.1.11:11434", hardware: rtx-3060-12gb, ram: 32G}
needs: [{use_case: chat, users: 4}]
proxy: hops
"""


@cache
def parts():
    found = fleet_plan(pack(), inventory_of(pack(), yaml.safe_load(TWO), str, {}))
    members = [Member(*entry) for entry in member_plans(pack(), found)]
    return render_fleet(found.to_json(), members, found.front, TEMPLATES, command="setupgen fleet fleet.yaml -o fleet")


@pytest.fixture
def folder(tmp_path):
    hosts, own = parts()
    modes = {**hosts.modes, **own.modes}
    write({**hosts.files, **own.files}, tmp_path / "fleet", modes=modes, secrets={**hosts.secrets, **own.secrets})
    (tmp_path / "bin").mkdir()
    for name, text in (("ssh", SSH), ("docker", '#!/bin/sh\nprintf "local\\t%s\\n" "$*" >>"$RECORD"\n')):
        (tmp_path / "bin" / name).write_text(text, encoding="utf-8")
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def deploy(folder, *arguments, **environment):
    variables = {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "RECORD": str(folder / "record"), "TAKEN": str(folder / "taken"), **environment
    }  # fmt: skip
    done = subprocess.run(
        [folder / "fleet" / "deploy.sh", *arguments], capture_output=True, text=True, check=False, timeout=60, env=variables
    )
    record = folder / "record"
    lines = [line.split("\t") for line in record.read_text("utf-8").splitlines()] if record.exists() else []
    return done, lines


@pytest.mark.target("fleet", checker="shellcheck", note="finds nothing in deploy.sh", version=("shellcheck", "--version"))
def test_shellcheck_finds_nothing(folder):
    run("shellcheck", folder / "fleet" / "deploy.sh")


def test_it_copies_each_folder_and_starts_it_and_the_proxy_comes_last(folder):
    done, lines = deploy(folder)
    assert done.returncode == 0, done.stderr
    assert [host for host, _ in lines] == ["192.168.1.10", "192.168.1.10", "192.168.1.11", "192.168.1.11", "local"]
    assert lines[1][1].endswith(
        "cd setupgen/fleet/hosts/gaming && if [ -x ./prepare.sh ]; then ./prepare.sh; fi; docker compose up --detach"
    )
    assert (folder / "taken/192.168.1.10/setupgen/fleet/hosts/gaming/compose.yaml").exists()
    assert (folder / "taken/192.168.1.10/setupgen/fleet/hosts/gaming/.env").stat().st_mode & 0o777 == 0o600


def test_check_only_looks(folder):
    done, lines = deploy(folder, "--check")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["gaming: ready", "oldbox: ready", "proxy: ready"]
    assert {command for _, command in lines} == {"true", "docker compose version", "compose version"}
    assert not (folder / "taken").exists()


def test_a_host_that_is_down_is_told_and_the_others_go_on(folder):
    done, lines = deploy(folder, DOWN="yes")
    assert done.returncode == 1
    assert "oldbox: copying hosts/oldbox to 192.168.1.11 failed" in done.stderr
    assert lines[-1][0] == "local"
    done, _ = deploy(folder, "--check", DOWN="yes")
    assert done.returncode == 1
    assert "oldbox: no login at 192.168.1.11" in done.stderr


def test_hosts_can_be_named(folder):
    done, lines = deploy(folder, "oldbox")
    assert done.returncode == 0
    assert {host for host, _ in lines} == {"192.168.1.11"}
    assert deploy(folder, "--force")[0].returncode == 2


def test_the_plan_in_each_folder_is_that_of_its_host(folder):
    plan = json.loads((folder / "fleet/hosts/oldbox/setupgen.plan.json").read_text("utf-8"))
    alias = plan["choice"]["settings"]["alias"]
    assert plan["choice"]["fleet"] == {"name": "fleet", "host": "oldbox", "alias": alias, "part": False, "beside": []}
    assert plan["facts"]["hardware"]["devices"][0]["id"] == "nvidia/rtx-3060"
