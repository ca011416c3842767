"""`setupgen verify` on a fleet of real llama-servers: copies that are alike, one with another context, one that ended.

No program stands in front of them here (tests/verify/test_fleet.py has a proxy), so the plan says that a cluster takes the proxy's place.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

CHAT = ("--use-case", "chat", "--context", "4096")
QUICK = ("--skip", "speed", "--skip", "context", "--skip", "structured", "--skip", "streaming")
ONE = ("--threads", "1")


def verify(folder):
    command = [sys.executable, "-m", "setupgen", "verify", str(folder), "--json", *QUICK]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert result.stderr == ""
    document = json.loads(result.stdout)
    assert result.returncode == (1 if document["verdict"] == "broken" else 0)
    return document


def check(part, id_):
    (found,) = [check for check in part["checks"] if check["id"] == id_]
    return found


def test_copies_of_a_model(setup_of, chat_model, tmp_path):
    setups = {name: setup_of(*CHAT, "--weights-file", str(chat_model)).start(*ONE) for name in ("alpha", "beta", "gamma")}
    fleet = tmp_path / "fleet"

    def write():
        placements = []
        for name, setup in setups.items():
            shutil.copytree(setup.folder, fleet / "hosts" / name, dirs_exist_ok=True)
            address, alias = f"http://127.0.0.1:{setup.port}", setup.choice["connection"]["model"]
            placements.append({"name": name, "host": name, "folder": f"hosts/{name}", "address": address, "alias": alias, "users": 1})
        document = {"schema": 1, "proxy": {"id": "kubernetes"}, "placements": placements, "backends": []}
        (fleet / "setupgen.fleet.json").write_text(json.dumps(document), "utf-8")

    write()
    document = verify(fleet)
    assert document["verdict"] == "kept"
    assert check(document, "alike")["measured"] == "same 4,096 context, 2,494,208 parameters, 2,656,864 bytes of weights"

    setups["beta"].stop()
    setups["beta"].start(*ONE, "--ctx-size", "2048")
    write()
    found = check(verify(fleet), "alike")
    assert found["status"] == "broken"
    assert "The context differs: alpha 4,096; beta 2,048; gamma 4,096" in found["text"]

    setups["beta"].stop()
    document = verify(fleet)
    assert check(document, "hosts")["measured"] == "2 of 3 answer"
    (beta,) = [member for member in document["members"] if member["title"] == "beta"]
    assert check(beta, "health")["measured"] == "nothing listens"
    assert check(document, "alike")["status"] == "kept"
