"""`setupgen verify` on a fleet's folder: dead hosts, unlike copies, and a proxy that does not do what it should."""

from __future__ import annotations

import json
import re
import shutil
import sys
import threading
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from verify_tools import check

from setupgen.verify.fleet import read_fleet
from setupgen.verify.promise import Expected

if TYPE_CHECKING:
    from pathlib import Path

    from stub_server import Stub

CHAT = ("--use-case", "chat", "--context", "4096")
VECTORS = ("--use-case", "embeddings", "--context", "2048")


@dataclass
class Ship:
    """A fleet's folder with a stub for every host and one for the proxy."""

    path: Path
    hosts: dict[str, Stub]
    proxy: Stub
    alias: str

    @property
    def document(self) -> dict[str, Any]:
        return json.loads((self.path / "setupgen.fleet.json").read_text("utf-8"))

    def write(self, document: dict[str, Any]) -> None:
        (self.path / "setupgen.fleet.json").write_text(json.dumps(document), "utf-8")


@pytest.fixture
def ship_of(tmp_path, written, stub_of):
    """A fleet of copies of one model; the proxy is a stub too."""

    def make(names=("alpha", "beta"), key="", **named) -> Ship:
        path = tmp_path / "fleet"
        hosts = {}
        placements = []
        for name in names:
            shutil.copytree(written(CHAT), path / "hosts" / name)
            plan = json.loads((path / "hosts" / name / "setupgen.plan.json").read_text("utf-8"))
            alias = plan["choice"]["connection"]["model"]
            hosts[name] = stub_of(model=alias, meta={"meta": {"n_ctx": 4096, "size": 77}}, **named)
            entry = {"name": name, "host": name, "folder": f"hosts/{name}", "address": hosts[name].url, "alias": alias, "users": 1}
            placements.append(entry)
        proxy = stub_of(model=alias, key=key)
        (path / "proxy").mkdir()
        auth = {"kind": "api-key", "env": "SETUPGEN_API_KEY"} if key else {"kind": "none"}
        (path / "proxy" / ".env").write_text(f"SETUPGEN_API_KEY={key}\nTOWER='Bearer of the tower'\n", "utf-8")
        backends = [{"name": name, "url": hosts[name].url, "headers": {}} for name in names]
        front = {"id": "litellm", "bind": "127.0.0.1", "port": proxy.port, "tls": False, "auth": auth}
        ship = Ship(path, hosts, proxy, alias)
        proxy.paths["/health/liveliness"] = lambda wire, _: wire.json("I'm alive!")
        ship.write({"schema": 1, "verdict": "self-host", "proxy": front, "placements": placements, "backends": backends})
        return ship

    return make


@pytest.fixture
def verify_fleet(run):
    schema = json.loads(files("setupgen").joinpath("schemas", "verify.schema.json").read_text("utf-8"))
    validator = Draft202012Validator(schema)

    def command(ship: Ship, *options: str) -> dict[str, Any]:
        found = run("verify", str(ship.path), "--json", "--timeout", "2", "--budget", "2", *options)
        assert found.err == ""
        document = json.loads(found.out)
        assert [error.message for error in validator.iter_errors(document)] == []
        assert found.code == (1 if document["verdict"] == "broken" else 0)
        return document

    return command


def member(document, title):
    (found,) = [one for one in document["members"] if one["title"] == title]
    return found


def broken(document):
    return {one["title"]: {c["id"] for c in one["checks"] if c["status"] == "broken"} for one in [document, *document["members"]]}


QUICK = ("--skip", "speed", "--skip", "context", "--skip", "structured")


def test_a_good_fleet(ship_of, verify_fleet):
    ship = ship_of()
    document = verify_fleet(ship)
    assert document["verdict"] == "kept", broken(document)
    assert [(one["role"], one["title"]) for one in document["members"]] == [
        ("proxy", "proxy (litellm)"),
        ("host", "alpha"),
        ("host", "beta"),
    ]
    assert check(document, "hosts")["measured"] == "2 of 2 answer"
    assert check(document, "alike")["measured"] == "same 4,096 context, 77 bytes of weights"
    assert check(member(document, "proxy (litellm)"), "streaming")["status"] == "kept"
    assert check(member(document, "alpha"), "context")["status"] == "kept"
    assert not any(check["id"] in {"context", "writing"} for check in member(document, "proxy (litellm)")["checks"])


def test_a_dead_host(ship_of, verify_fleet):
    ship = ship_of(("alpha", "beta", "gamma"))
    ship.hosts["beta"].stop()
    document = verify_fleet(ship, *QUICK)
    assert broken(document)["beta"] == {"health"}
    assert broken(document)["alpha"] == broken(document)["gamma"] == set()
    found = check(document, "hosts")
    assert (found["status"], found["measured"]) == ("broken", "2 of 3 answer")
    assert found["text"] == "beta does not answer as promised. Every model has another host, with less room than promised."
    assert check(document, "alike")["status"] == "kept"


def test_all_are_dead(ship_of, verify_fleet):
    ship = ship_of()
    for stub in (*ship.hosts.values(), ship.proxy):
        stub.stop()
    document = verify_fleet(ship)
    assert f"Nobody serves {ship.alias} now" in check(document, "hosts")["text"]
    assert check(document, "alike")["status"] == "skipped"
    assert check(member(document, "proxy (litellm)"), "health")["status"] == "broken"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"n_ctx": 8192, "size": 77}, "The context differs: alpha 4,096; beta 8,192"),
        ({"n_ctx": 4096, "size": 78}, "bytes of weights differs"),
    ],
)
def test_copies_that_are_not_alike(ship_of, verify_fleet, change, words):
    ship = ship_of()
    ship.hosts["beta"].meta = {"meta": change}
    found = check(verify_fleet(ship, *QUICK), "alike")
    assert found["status"] == "broken"
    assert words in found["text"]


def test_a_copy_under_another_name(ship_of, verify_fleet):
    ship = ship_of()
    ship.hosts["beta"].model = f"{ship.alias}:q4"
    document = verify_fleet(ship, *QUICK)
    assert check(document, "alike")["text"].startswith("beta does not list it under this name")
    assert check(member(document, "beta"), "model")["measured"] == f"{ship.alias}:q4"


def test_a_proxy_that_gathers_streams_and_lacks_the_model(ship_of, verify_fleet):
    ship = ship_of()
    ship.proxy.gathers, ship.proxy.chunk_s, ship.proxy.model = True, 0.01, "other"
    found = member(verify_fleet(ship, *QUICK), "proxy (litellm)")
    assert check(found, "model")["status"] == "broken"
    assert check(found, "streaming")["measured"] == "all at once"


def test_a_proxy_that_forgets_to_ask_for_the_key(ship_of, verify_fleet):
    ship = ship_of(key="k" * 32)
    assert check(member(verify_fleet(ship, *QUICK), "proxy (litellm)"), "key")["status"] == "kept"
    ship.proxy.key = ""
    document = verify_fleet(ship, *QUICK)
    assert check(member(document, "proxy (litellm)"), "key")["measured"] == "answers anybody"
    assert "k" * 32 not in json.dumps(document)


def test_headers_are_sent_and_not_shown(ship_of, verify_fleet):
    ship = ship_of()
    document = ship.document
    document["backends"][0]["headers"] = {"X-Tower": {"env": "TOWER"}, "X-Plain": "yes", "X-Unset": {"env": "NOWHERE"}}
    ship.write(document)
    ship.hosts["alpha"].paths["/v1/models"] = lambda wire, request: wire.text(str(request.headers), 500)
    found = verify_fleet(ship, *QUICK)
    sent = ship.hosts["alpha"].seen[-1].headers
    assert (sent["x-tower"], sent["x-plain"], "x-unset" in sent) == ("Bearer of the tower", "yes", False)
    assert "Bearer of the tower" not in json.dumps(found)
    assert "x-tower" not in ship.hosts["beta"].seen[-1].headers


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have one loopback address")
def test_hosts_are_asked_in_parallel(ship_of, verify_fleet, stub_of):
    names = [f"host{number}" for number in range(6)]
    ship = ship_of(names)
    document = ship.document
    together = threading.Barrier(len(names), timeout=60)

    def healthy(wire, _):
        together.wait()
        wire.json({})

    for number, entry in enumerate(document["placements"]):
        stub = stub_of(model=ship.alias, host=f"127.0.0.{number + 10}", paths={"/health": healthy})
        entry["address"] = f"http://127.0.0.{number + 10}:{stub.port}"
    ship.write(document)
    skipped = (option for id_ in ("chat", "streaming", "exposure") for option in ("--skip", id_))
    found = verify_fleet(ship, *skipped, "--timeout", "60", *QUICK)
    assert check(found, "hosts")["status"] == "kept"


def test_the_table_names_every_member(ship_of, run):
    ship = ship_of()
    ship.hosts["beta"].stop()
    found = run("verify", str(ship.path), "--timeout", "2", *QUICK)
    assert (found.code, found.err) == (1, "")
    for words in ("proxy (litellm)", "alpha at http://", "beta at http://", "1 of 2 answer", "A promise is broken"):
        assert words in found.out
    assert max(len(line) for line in found.out.splitlines()) <= 100


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"placements": []}, "places no server"),
        ({"placements": 7}, "is no plan of a fleet"),
        ({"placements": [{"name": "a"}]}, "is no plan of a fleet"),
        (
            {"placements": [{"name": "a", "host": "a", "folder": "../..", "address": "http://x", "alias": "m"}]},
            "is no folder of this fleet",
        ),
        ({"placements": [{"name": "a", "host": "a", "folder": "hosts/a", "address": "http://x", "alias": "m"}]}, "is no folder"),
        ({"proxy": None}, "is no plan of a proxy"),
        ({"proxy": {"id": "litellm", "port": 1, "auth": {"kind": "api-key", "env": "MISSING"}}}, "MISSING has no value"),
    ],
)
def test_fleet_folders_that_are_not_whole(ship_of, run, change, words):
    ship = ship_of()
    ship.write(ship.document | change)
    run("verify", str(ship.path)).refused(words)


def test_a_folder_that_fleet_wrote(stub_of, run, tmp_path, verify_fleet):
    """The real folder, keys and all: a stub at each address that its proxy dials, and one in the proxy's place."""
    hosts = {name: stub_of() for name in ("alpha", "beta")}
    lines = [
        f"  - {{name: {name}, address: '{stub.url}', hardware: cpu, cpu: AMD Ryzen 9 7950X, ram: 32G, os: linux}}"
        for name, stub in hosts.items()
    ]
    needs = "needs:\n  - {use_case: chat, users: 2, replicas: 2, context: 4096, server: llama-cpp}\n"
    (tmp_path / "inventory.yaml").write_text("hosts:\n" + "\n".join(lines) + f"\n{needs}proxy: litellm\nexpose: lan\n", "utf-8")
    made = run("fleet", str(tmp_path / "inventory.yaml"), "-o", str(tmp_path / "fleet"))
    assert made.code == 0, made.err
    ship = Ship(tmp_path / "fleet", hosts, stub_of(), "")
    placements = ship.document["placements"]
    assert [entry["name"] for entry in placements] == ["alpha", "beta"]
    for entry in placements:
        hosts[entry["name"]].model = ship.proxy.model = entry["alias"]
        secrets = dict(line.split("=", 1) for line in (ship.path / entry["folder"] / ".env").read_text("utf-8").splitlines() if "=" in line)
        hosts[entry["name"]].key = secrets.get("LLAMA_API_KEY", "")
    proxy = dict(line.split("=", 1) for line in (ship.path / "proxy" / ".env").read_text("utf-8").splitlines() if "=" in line)
    ship.proxy.key = proxy[ship.document["proxy"]["auth"]["env"]]
    ship.proxy.paths["/health/liveliness"] = lambda wire, _: wire.json("I'm alive!")
    document = verify_fleet(ship, "--url", ship.proxy.url, *QUICK)
    assert document["verdict"] == "kept", broken(document)
    assert check(member(document, "proxy (litellm)"), "key")["status"] == "kept"
    assert ship.proxy.key not in json.dumps(document)


def test_nginx_is_asked_at_the_paths_that_its_configuration_has(run, tmp_path):
    text = """
hosts: [{name: one, address: "http://127.0.0.1:5000", hardware: cpu, ram: 32G}]
needs: [{use_case: chat, model: qwen/qwen3-1.7b, users: 1, server: ollama}, {use_case: embeddings, users: 1}]
proxy: nginx
"""
    (tmp_path / "inventory.yaml").write_text(text, "utf-8")
    assert run("fleet", str(tmp_path / "inventory.yaml"), "-o", str(tmp_path / "fleet")).code == 0
    fleet = read_fleet(tmp_path / "fleet", endpoints={}, expected=lambda _: Expected())
    written = (tmp_path / "fleet" / "proxy" / "nginx.conf").read_text("utf-8")
    patterns = [re.sub(r"\\\\", r"\\", found).replace("?<", "?P<") for found in re.findall(r"location ~ '(.*)'", written)]
    asked = [promise.urls["openai"].removeprefix(fleet.front.url) for promise in fleet.front.promises.values()]
    assert len(asked) == 2
    for start in asked:
        assert any(re.match(pattern.replace(r"\z", r"\Z"), f"{start}/models") for pattern in patterns), (start, patterns)
