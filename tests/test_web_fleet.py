"""Fleets through the browser's door: what the command writes, problems all at once, and links that hold no secret."""

import io
import json
import zipfile
import zlib
from base64 import b64decode, urlsafe_b64encode

import pytest

from case_tools import FLEETS
from setupgen.cli.main import main
from setupgen.web import Engine
from test_web import TEXT

ENGINE = Engine(TEXT)
HOME = (FLEETS / "home.yaml").read_text("utf-8")
SMALL = """\
name: small
hosts:
  - {name: tower, address: "http://10.9.8.7:11434", hardware: rtx-3090, ram: 64G, headers: {X-Site: attic, Authorization: {env: TOWER_TOKEN}}}
  - {name: desk, address: "http://127.0.0.1:11434", facts: desk.json}
needs:
  - {use_case: chat, users: 2}
"""
DESK = json.dumps(
    {
        "schema": 1, "os": {"family": "linux"}, "cpu": {"name": "AMD Ryzen 9 7950X", "threads": 32}, "memory": {"total_bytes": 64 * 1024**3},
        "accelerators": [{"name": "NVIDIA GeForce RTX 3090", "vendor": "nvidia", "memory_bytes": 24 * 1024**3, "compute_capability": "8.6"}],
        "tools": {"docker": "28.2.2"}, "disk": {"free_bytes": 10**12},
    }
)  # fmt: skip
GIVEN = json.dumps({"desk.json": DESK})


def asked(name, *arguments):
    return json.loads(getattr(ENGINE, name)(*arguments))


@pytest.fixture(scope="module")
def natively(tmp_path_factory):
    """The folder that the command writes, and the document that it prints."""
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "small.yaml").write_text(SMALL, encoding="utf-8")
    (folder / "desk.json").write_text(DESK, encoding="utf-8")
    captured = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", captured)
        assert main(["fleet", str(folder / "small.yaml"), "-o", str(folder / "small"), "--json"]) == 0
    return folder / "small", json.loads(captured.getvalue())


def test_a_plan_can_be_made_step_by_step_and_be_given_up():
    engine = Engine(TEXT)
    steps = [json.loads(step) for step in engine.fleet_steps(SMALL, "small.yaml", GIVEN)]
    total = steps[-1]["total"]
    assert [step["done"] for step in steps] == list(range(total + 1))
    made = engine._fleets._made
    engine.fleet(SMALL, "small.yaml", GIVEN)
    assert engine._fleets._made is made, "whoever asks next gets what the steps made"
    given_up = engine.fleet_steps(SMALL.replace("users: 2", "users: 3"), "small.yaml", GIVEN)
    next(given_up)
    given_up.close()
    assert engine._fleets._made is made
    assert list(engine.fleet_steps("hosts: 5", "small.yaml", GIVEN)) == [], "what is wrong is told by the plan"


def test_the_plan_and_the_files_are_those_of_the_command(natively):
    folder, document = natively
    assert asked("fleet_document", SMALL, "small.yaml", GIVEN) == document
    found = asked("fleet_setup", SMALL, "small.yaml", GIVEN)
    assert set(found["files"]) == {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {".setupgen.json"}
    for path, text in found["files"].items():
        if path not in found["secrets"]:
            assert (folder / path).read_text("utf-8") == text, path
    for path, mode in found["modes"].items():
        assert folder.joinpath(path).stat().st_mode & 0o777 == int(mode, 8), path


def test_the_archive_has_each_key_once_and_tells_it_to_the_proxy(natively):
    folder, _ = natively
    found = asked("fleet_setup", SMALL, "small.yaml", GIVEN)
    keys = {path: {name: f"key-{number}-{name}" for name in names} for number, (path, names) in enumerate(sorted(found["secrets"].items()))}
    made = asked("fleet_archive", SMALL, "small.yaml", GIVEN, json.dumps(keys))
    assert made["name"] == "small.zip"
    packed = zipfile.ZipFile(io.BytesIO(b64decode(made["base64"])))
    inside = {name: packed.read(name).decode() for name in packed.namelist()}
    assert inside["small.yaml"] == SMALL
    assert inside["desk.json"] == DESK
    assert {name.removeprefix("small/") for name in inside} - {"small.yaml", "desk.json"} == {*found["files"], ".setupgen.json"}
    host = next(path for path in keys if path.startswith("hosts/tower") and keys[path])
    name, key = next(iter(keys[host].items()))
    assert f"{name}={key}\n" in inside[f"small/{host}"]
    assert key in inside["small/proxy/.env"], "the proxy knows the key of the host"
    mine, written = (
        {line.partition("=")[0] for line in text.splitlines() if line.endswith("=")}
        for text in (inside["small/proxy/.env"], (folder / "proxy/.env").read_text("utf-8"))
    )
    assert mine == written, "what only the user knows stays empty, and nothing else"
    for path in found["secrets"]:
        assert packed.getinfo(f"small/{path}").external_attr >> 16 & 0o777 == 0o600


def test_a_fleet_is_told_host_by_host():
    found = asked("fleet", SMALL, "small.yaml", GIVEN)
    assert found["command"] == "setupgen fleet small.yaml -o small"
    told = found["told"]
    document = asked("fleet_document", SMALL, "small.yaml", GIVEN)
    assert [host["name"] for host in told["hosts"]] == ["tower", "desk"]
    assert sum(len(host["servers"]) for host in told["hosts"]) == len(document["placements"])
    for host in told["hosts"]:
        for server in host["servers"]:
            assert 0 < server["percent"] <= 100
            assert server["level"] in {"comfortable", "full", "brim"}
    assert [need["label"] for need in told["needs"]] == ["chat"]
    assert told["title"] in told["announcement"]


def test_a_link_opens_as_the_same_fleet_and_holds_no_address_and_no_value_of_a_header():
    found = asked("fleet", SMALL, "small.yaml", GIVEN)
    text = asked("fleet_text", found["link"])["text"]
    for secret in ("10.9.8.7", "attic", "7950X"):
        assert secret not in text
    assert "127.0.0.1" in text, "the planner's own machine stays that"
    assert "TOWER_TOKEN" in text
    again = asked("fleet", text, "small.yaml", "")

    def placed(told):
        return [
            (host["name"], [(server["model"], server["users"], server["percent"]) for server in host["servers"]])
            for host in told["told"]["hosts"]
        ]

    assert placed(again)[0] == placed(found)[0]
    assert [name for name, servers in placed(again)] == ["tower", "desk"]


def test_the_inventory_to_begin_with_is_one():
    told = asked("fleet", asked("fleet_text")["text"])["told"]
    assert told["unplaced"] == []
    assert all(need["copies"] != "none" for need in told["needs"])


def test_all_problems_are_told_at_once_with_their_lines():
    text = HOME.replace("rtx-3090", "rtx-9999").replace("users: 2", "users: 0").replace("proxy: auto", "proxy: apache")
    found = asked("fleet", text, "home.yaml")
    places = " ".join(problem["place"] for problem in found["problems"])
    assert all(f"home.yaml, line {line}" in places for line in (3, 13, 15))
    assert len(found["problems"]) == 3


@pytest.mark.parametrize(
    ("text", "files", "words"),
    [
        ("", "", "hosts and needs"),
        ("[1]", "", "hosts and needs"),
        ("a: &x 1", "", "anchors"),
        ("\0", "", "control character"),
        ("{" * 100, "", ""),
        (SMALL, "", "was not given the file"),
        (SMALL, "[]", "names and texts"),
        (SMALL, '{"desk.json": "[1]"}', "expected a JSON object"),
        (SMALL, '{"desk.json": "{"}', "not JSON"),
        (SMALL.replace("facts: desk.json", "hardware: cpu") + "facts: facts\n", "", "no files of facts"),
    ],
)
def test_a_problem_is_a_document_and_never_an_exception(text, files, words):
    found = asked("fleet", text, "fleet.yaml", files)
    assert {"error", "place", "hint"} <= set(found)
    assert words in json.dumps(found)


@pytest.mark.parametrize("letters", ["x", "====", "eJwDAAAAAAE", "A" * 20_000, "\N{SNOWMAN}"])
def test_letters_that_hold_no_inventory_are_told(letters):
    assert "no inventory" in asked("fleet_text", letters)["error"]


def test_letters_that_unfold_to_very_much_are_refused():
    letters = urlsafe_b64encode(zlib.compress(b'{"hosts": [], "needs": [], "x": "' + b"a" * 5_000_000 + b'"}')).decode()
    assert "no inventory" in asked("fleet_text", letters)["error"]
