"""Three hosts from the files of `setupgen fleet`, without edits, behind LiteLLM and behind nginx: real llama-servers, and one host with Ollama's API."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from litellm_program import VERSION, BuildError, litellm
from machines import HERE, Hub, Machine, free_ports
from tiny_gguf import Tiny, write_tiny

WAIT_S = 240
CHAT, VECTORS, OTHER = "qwen3-0.6b", "embeddinggemma-300m", "qwen3-1.7b:q5_k_m"
INVENTORY = """\
hosts:
  - {{name: alpha, address: "http://127.0.0.1:{0}", hardware: cpu, ram: 16G, os: linux, runtime: native, tags: [llama]}}
  - {{name: beta, address: "http://127.0.0.1:{1}", hardware: cpu, ram: 16G, os: linux, runtime: native, tags: [llama]}}
  - {{name: gamma, address: "http://127.0.0.1:{2}", hardware: cpu, ram: 16G, os: linux, runtime: native}}
needs:
  - {{use_case: chat, model: qwen/qwen3-0.6b, users: 2, replicas: 2, context: 4k, server: llama-cpp, tags: [llama]}}
  - {{use_case: embeddings, model: google/embeddinggemma-300m, users: 2, replicas: 2, server: llama-cpp, tags: [llama]}}
  - {{use_case: chat, model: qwen/qwen3-1.7b, users: 2, context: 4k, server: ollama}}
proxy: {proxy}
proxy_port: {3}
"""
QUICK = ("--skip", "speed", "--skip", "context", "--skip", "structured", "--skip", "tools", "--timeout", "60")


@dataclass
class Ship:
    """A fleet's folder, its hosts, and the proxy that runs."""

    folder: Path
    machines: dict[str, Machine]
    port: int
    proxy: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def placements(self) -> list[dict[str, Any]]:
        return json.loads((self.folder / "setupgen.fleet.json").read_text("utf-8"))["placements"]

    @property
    def log(self) -> str:
        path = self.folder.parent / "proxy.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def weights(self, folder: str) -> str:
        """The repository that a server's weights come from."""
        plan = json.loads((self.folder / folder / "setupgen.plan.json").read_text("utf-8"))
        return plan["choice"]["weights"]["source"].partition(":")[0]

    def deploy(self) -> None:
        """Every host is started by the fleet's own script, all at the same time."""
        running = {
            name: subprocess.Popen(
                [self.folder / "deploy.sh", name], env=machine.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            for name, machine in self.machines.items()
        }
        for name, process in running.items():
            said, _ = process.communicate(timeout=WAIT_S)
            assert process.returncode == 0, (name, said, [self.machines[name].log(unit) for unit in self._units(name)])

    def _units(self, host: str) -> list[str]:
        return [f"fleet-{one['name']}" for one in self.placements if one["host"] == host]

    def served(self) -> dict[str, int]:
        """How many requests each server has worked on, by its own record."""
        found = {}
        for one in self.placements:
            machine = self.machines[one["host"]]
            if one["server"] == "ollama":
                lines = (machine.home / "requests.jsonl").read_text("utf-8").splitlines()
                found[one["name"]] = sum(json.loads(line)["path"] == "/v1/chat/completions" for line in lines)
            else:
                found[one["name"]] = machine.log(f"fleet-{one['name']}").count("launch_slot_")
        return found

    def secrets(self) -> dict[str, str]:
        path = self.folder / "proxy" / ".env"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))

    def ask(self, path: str, document: Any = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            body = None if document is None else json.dumps(document)
            key = self.secrets().get("SETUPGEN_API_KEY")
            headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
            connection.request("POST" if body else "GET", path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def verify(self) -> dict[str, Any]:
        command = [sys.executable, "-m", "setupgen", "verify", str(self.folder), "--json", *QUICK]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WAIT_S)
        document = json.loads(result.stdout)
        assert result.returncode == (1 if document["verdict"] == "broken" else 0)
        return document


@pytest.fixture(scope="module")
def hub(tmp_path_factory, chat_model):
    vectors = write_tiny(tmp_path_factory.mktemp("vectors") / "tiny.gguf", Tiny(hidden=768), embeds=True)
    hub = Hub({"embeddinggemma": vectors, "qwen3": chat_model})
    yield hub
    hub.stop()


@pytest.fixture
def ship_of(program, hub):
    """Writes a fleet with this proxy and starts its hosts; what runs is ended at last."""
    root = Path(tempfile.mkdtemp(prefix="setupgen-e2e-"))
    root.chmod(0o755)  # a root's nginx works as nobody
    made: list[Ship] = []

    def make(proxy: str) -> Ship:
        ports = [free_ports(3), free_ports(3), free_ports(3), free_ports(1)]
        (root / "fleet.yaml").write_text(INVENTORY.format(*ports, proxy=proxy), "utf-8")
        command = [sys.executable, "-m", "setupgen", "fleet", str(root / "fleet.yaml"), "-o", str(root / "fleet")]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert result.returncode == 0, result.stderr
        (root / "fleet").chmod(0o755)
        programs = {"llama-server": program, "ollama": HERE / "ollama_stand_in.py"}
        ship = Ship(root / "fleet", {name: Machine(root / "homes" / name, programs) for name in ("alpha", "beta", "gamma")}, ports[3])
        made.append(ship)
        hub.taken.clear()
        for one in ship.placements:  # what the user may say without an edit: where weights come from, and that the machine is shared
            (ship.folder / one["folder"] / "override.env").write_text(f"HF_ENDPOINT={hub.url}\nLLAMA_ARG_THREADS=1\n", "utf-8")
        ship.deploy()
        llama = [one for one in ship.placements if one["server"] == "llama-cpp"]
        assert sorted(hub.taken) == sorted(ship.weights(one["folder"]) for one in llama)
        return ship

    yield make
    for ship in made:
        for machine in ship.machines.values():
            machine.kill()
        if ship.proxy:
            os.killpg(ship.proxy.pid, signal.SIGKILL)
            ship.proxy.wait()
    shutil.rmtree(root)


def begin(ship: Ship, command: list[str | Path], health: str, **environment: str) -> Ship:
    """Runs the proxy until it is healthy."""
    with (ship.folder.parent / "proxy.log").open("wb") as log:
        ship.proxy = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, cwd=ship.folder / "proxy",
            env={"HOME": str(ship.folder.parent), "PATH": os.environ["PATH"], **environment},
        )  # fmt: skip
    until = time.monotonic() + WAIT_S
    while True:
        with contextlib.suppress(OSError):
            if ship.ask(health)[0] == 200:
                return ship
        assert ship.proxy.poll() is None, f"the proxy ended:\n{ship.log[-4000:]}"
        assert time.monotonic() < until, f"not healthy after {WAIT_S} s:\n{ship.log[-4000:]}"
        time.sleep(0.2)


@pytest.fixture
def behind_litellm(ship_of):
    """The program with the arguments and the environment that compose.yaml gives its container."""
    try:
        program = litellm()
    except BuildError as error:
        pytest.fail(str(error), pytrace=False)
    ship = ship_of("litellm")
    service = yaml.safe_load((ship.folder / "proxy" / "compose.yaml").read_text("utf-8"))["services"]["litellm"]
    mounts = dict(volume.removesuffix(":ro").split(":") for volume in service["volumes"])
    inside = {target: str(ship.folder / "proxy" / source) for source, target in mounts.items()}
    command = [program, *(inside.get(word, word) for word in service["command"])]
    secrets = ship.secrets()
    environment = {name: secrets.get(name, value) for name, value in service["environment"].items()}
    return begin(ship, command, "/health/liveliness", **environment)


@pytest.fixture
def behind_nginx(ship_of):
    if not shutil.which("nginx", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin"):
        pytest.fail("nginx is missing: apt-get install -y nginx-light", pytrace=False)
    ship = ship_of("nginx")
    return begin(ship, [ship.folder / "proxy" / "serve.sh"], "/health")


def named(proxy: str, model: str) -> str:
    """Where a model is asked for: nginx goes by the path, as its run book says."""
    return f"/{model.replace(':', '-')}" if proxy == "nginx" else ""


def ask_all(ship: Ship, proxy: str, times: int, models: tuple[str, ...] = (CHAT, VECTORS, OTHER)) -> dict[str, dict[str, int]]:
    """Asks each model some times; gives by model how many requests each server got meanwhile."""
    told = {}
    for model in models:
        before = ship.served()
        for _ in range(times):
            if model == VECTORS:
                status, body = ship.ask(f"{named(proxy, model)}/v1/embeddings", {"model": model, "input": "A short text."})
                assert status == 200, body
                assert len(json.loads(body)["data"][0]["embedding"]) == 768
            else:
                question = {"model": model, "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 4}
                status, body = ship.ask(f"{named(proxy, model)}/v1/chat/completions", question)
                assert status == 200, body
                assert json.loads(body)["choices"][0]["message"]["role"] == "assistant"
        after = ship.served()
        told[model] = {name: after[name] - before[name] for name in after if after[name] > before[name]}
    return told


def check(document: dict[str, Any], id_: str, words: str = "") -> dict[str, Any]:
    (found,) = [one for one in document["checks"] if one["id"] == id_ and words in one["label"]]
    return found


def dead(document: dict[str, Any]) -> set[str]:
    members = [member for member in document["members"] if member["role"] == "host"]
    return {member["title"] for member in members if check(member, "health")["status"] == "broken"}


def keeps_its_promises(ship: Ship, proxy: str) -> None:
    holders = {model: {one["name"] for one in ship.placements if one["alias"] == model} for model in (CHAT, VECTORS, OTHER)}
    assert {model: len(names) for model, names in holders.items()} == {CHAT: 2, VECTORS: 2, OTHER: 1}
    document = ship.verify()
    assert check(document, "hosts")["measured"] == "5 of 5 answer"
    assert {check(document, "alike", model)["status"] for model in (CHAT, VECTORS)} == {"kept"}
    assert dead(document) == set()

    for model, got in ask_all(ship, proxy, 10).items():
        assert set(got) == holders[model], (model, got)
        assert sum(got.values()) == 10
    before = ship.served()
    status, _ = ship.ask(f"{named(proxy, 'nobody')}/v1/chat/completions", {"model": "nobody", "messages": [], "max_tokens": 1})
    assert 400 <= status < 500
    assert ship.served() == before

    ship.machines["alpha"].kill()
    for model, got in ask_all(ship, proxy, 6).items():
        assert set(got) == {name for name in holders[model] if not name.startswith("alpha")}, (model, got)
    document = ship.verify()
    assert document["verdict"] == "broken"
    assert dead(document) == {"alpha-1", "alpha-2"}
    hosts = check(document, "hosts")
    assert (hosts["status"], hosts["measured"]) == ("broken", "3 of 5 answer")
    assert "Every model has another host" in hosts["text"]

    ship.machines["gamma"].kill()
    assert f"Nobody serves {OTHER} now" in check(ship.verify(), "hosts")["text"]
    assert set(ask_all(ship, proxy, 2, (CHAT, VECTORS))[CHAT]) == {"beta-1"}


@pytest.mark.target("fleet", checker="litellm", run=True, note="three hosts from its files; one is killed", version=VERSION)
def test_a_fleet_behind_litellm(behind_litellm):
    keeps_its_promises(behind_litellm, "litellm")


@pytest.mark.target("fleet", checker="nginx", run=True, note="three hosts from its files; one is killed", version=("nginx", "-v"))
def test_a_fleet_behind_nginx(behind_nginx):
    keeps_its_promises(behind_nginx, "nginx")
