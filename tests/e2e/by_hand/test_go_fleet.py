"""A fleet behind Olla, from the files of `setupgen fleet` without edits: five servers on three hosts, each asked through the proxy and verified."""

from __future__ import annotations

import json
import shutil
import time

import pytest
import yaml
from go_programs import proxy_program
from test_fleet import CHAT, OTHER, VECTORS, WAIT_S, begin, check, dead, hub, ship_of

__all__ = ["hub", "ship_of"]  # fixtures


@pytest.fixture
def behind_olla(ship_of):
    """The program in the directory that its container has: the configuration that compose.yaml mounts, and the profiles of its image."""
    program = proxy_program("olla")
    ship = ship_of("olla")
    place = ship.folder / "proxy"
    service = yaml.safe_load((place / "compose.yaml").read_text("utf-8"))["services"]["olla"]
    mounts = dict(volume.removesuffix(":ro").split(":") for volume in service["volumes"])
    inside = {target: str(place / source) for source, target in mounts.items()}
    shutil.copytree(program.parent / "config" / "profiles", place / "config" / "profiles")
    secrets = ship.secrets()
    environment = {name: secrets.get(name, value) for name, value in (service.get("environment") or {}).items()}
    return begin(ship, [str(program), *(inside.get(word, word) for word in service["command"])], "/internal/health", **environment)


@pytest.mark.target(
    "olla",
    checker="olla",
    run=True,
    by_hand=True,
    note="before a whole fleet: llama-servers and Ollama's API, each model reached, verify keeps its word",
    version="0.0.28",
)
def test_every_model_of_a_fleet_is_reached_through_olla(behind_olla):
    ship = behind_olla
    until = time.monotonic() + WAIT_S
    while {model["id"] for model in json.loads(ship.ask("/olla/openai/v1/models")[1])["data"]} != {CHAT, VECTORS, OTHER}:
        assert time.monotonic() < until, ship.log[-4000:]
        time.sleep(0.5)
    document = ship.verify()
    assert check(document, "hosts")["measured"] == "5 of 5 answer"
    assert dead(document) == set()
    [front] = [member for member in document["members"] if member["role"] == "proxy"]
    broken = [one for one in front["checks"] if one["status"] == "broken"]
    assert broken == [], json.dumps(broken, indent=1) + ship.log[-6000:]
    before = ship.served()
    for model in (CHAT, OTHER):
        question = {"model": model, "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 4}
        assert ship.ask("/olla/openai/v1/chat/completions", question)[0] == 200
    assert ship.ask("/olla/openai/v1/embeddings", {"model": VECTORS, "input": "A short text."})[0] == 200
    assert sum(ship.served().values()) == sum(before.values()) + 3
