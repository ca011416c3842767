"""`setupgen fleet --keep`: a fleet that runs and is edited moves as little as possible."""

import json

import pytest
import yaml
from fleet_runs import planned, run

HOSTS = {
    "one": {"address": "http://10.0.0.1:8000", "hardware": "rtx-4090", "ram": "64G"},
    "two": {"address": "http://10.0.0.2:8000", "hardware": "rtx-4090", "ram": "64G"},
    "three": {"address": "http://10.0.0.3:8000", "hardware": "rtx-3060-12gb", "ram": "32G"},
    "four": {"address": "http://10.0.0.4:8000", "hardware": "rtx-3060-12gb", "ram": "32G"},
    "five": {"address": "http://10.0.0.5:8000", "hardware": "cpu", "ram": "32G"},
}
NEEDS = [{"use_case": "chat", "users": 8, "replicas": 2}, {"use_case": "embeddings", "users": 2}]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """Makes a file of an inventory with these hosts and needs."""
    folder = tmp_path_factory.mktemp("fleet")

    def made(names=tuple(HOSTS), needs=NEEDS, name="fleet"):
        hosts = [{"name": host, **HOSTS[host]} for host in names]
        path = folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump({"hosts": hosts, "needs": needs, "proxy": "nginx"}), encoding="utf-8")
        return str(path)

    return made


@pytest.fixture(scope="module")
def before(fleet, tmp_path_factory):
    """The whole fleet, written: its plan and its folder."""
    folder = tmp_path_factory.mktemp("written") / "fleet"
    return planned(fleet(), "-o", str(folder)), folder


def place(item):
    """What runs where."""
    return item["host"], item["model"], item["quant"], item["settings"]["port"]


def test_an_unchanged_fleet_keeps_everything(fleet, before, valid):
    document, folder = before
    again = planned(fleet(), "--keep", str(folder))
    valid("fleet", again)
    assert [place(item) for item in again["placements"]] == [place(item) for item in document["placements"]]
    assert again["edit"] == {"kept": len(document["placements"]), "new": [], "gone": []}
    assert again.pop("edit")
    assert again == document | {"files": again["files"]}


def test_the_loss_of_a_host_moves_no_need_that_had_nothing_on_it(fleet, before):
    document, folder = before
    assert len({item["host"] for item in document["placements"]}) > 2
    for lost in HOSTS:
        left = [host for host in HOSTS if host != lost]
        found = json.loads(run("fleet", fleet(left, name=lost), "--json", "--keep", str(folder)).out)
        hurt = {item["need"] for item in document["placements"] if item["host"] == lost}
        stays = {place(item) for item in document["placements"] if item["need"] not in hurt}
        assert stays <= {place(item) for item in found["placements"]}, lost
        assert found["edit"]["kept"] == len(document["placements"]) - len(found["edit"]["gone"])
        assert [item["host"] for item in found["edit"]["gone"]].count(lost) == [item["host"] for item in document["placements"]].count(lost)
        assert all(item["users_served"] == item["users"] for item in found["capacity"])


def test_a_host_that_comes_and_a_need_that_goes_move_nothing_else(fleet, before):
    _, folder = before
    smaller = planned(fleet(["one", "two", "three", "five"], name="smaller"))
    path = folder.parent / "smaller.json"
    path.write_text(json.dumps(smaller), encoding="utf-8")
    grown = planned(fleet(name="grown"), "--keep", str(path))
    assert grown["edit"]["gone"] == []
    assert grown["edit"]["kept"] == len(smaller["placements"])
    fewer = planned(fleet(needs=NEEDS[:1], name="fewer"), "--keep", str(folder))
    assert {item["model"] for item in fewer["edit"]["gone"]} == {item["model"] for item in before[0]["placements"] if item["need"] == 1}
    assert fewer["edit"]["new"] == []


def test_what_is_no_plan_of_a_fleet_is_refused(fleet, tmp_path):
    for name, text in (("a.json", "{}"), ("b.json", "[]"), ("c.json", "no JSON"), ("d.json", '{"placements": [{}], "capacity": []}')):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        result = run("fleet", fleet(), "--keep", str(path))
        assert (result.code, result.out) == (2, "")
        assert "this is no plan of a fleet" in result.err
        assert name in result.err
    missing = run("fleet", fleet(), "--keep", str(tmp_path / "nowhere"))
    assert missing.code == 2
    assert "nowhere" in missing.err


def test_the_report_counts_what_moves(fleet, before):
    _, folder = before
    result = run("fleet", fleet(["one", "two", "three"], name="three"), "--keep", str(folder))
    assert "Against the plan before:" in result.out
    assert " kept, " in result.out
