"""`write`: what it writes, what it refuses, and what it never touches."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from cli_result import QUICK

NEED = (*QUICK, "--use-case", "chat")


def tree(folder) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def setup(run, tmp_path):
    """A setup that was written into `out`."""
    result = run("write", "out", *NEED)
    assert result.code == 0, result.err
    return tmp_path / "out"


def test_it_writes_and_says_what(run, tmp_path):
    result = run("write", "deep/er/out", *NEED)
    assert result.code == 0
    listed = {line.split(maxsplit=1)[1] for line in result.out.splitlines() if line}
    assert listed == set(tree(tmp_path / "deep/er/out")) - {".setupgen.json"}
    assert "README.md" in result.err
    assert all(line.startswith("create") for line in result.out.splitlines() if line)


def test_the_plan_lies_beside_the_files(setup, valid):
    plan = json.loads((setup / "setupgen.plan.json").read_text("utf-8"))
    answers = plan.pop("answers", {})
    valid("plan", plan)
    valid("answers", answers)


def test_the_answers_make_the_same_setup_again(setup, run, valid, tmp_path):
    valid("answers", yaml.safe_load((setup / "setupgen.answers.yaml").read_text("utf-8")))
    first = json.loads((setup / "setupgen.plan.json").read_text("utf-8"))["choice"]
    again = run("plan", "--json", "--answers", str(setup / "setupgen.answers.yaml"))
    assert again.json["choice"] == first


def test_the_command_that_a_file_names_makes_it_again(setup, run, monkeypatch):
    header = (setup / "compose.yaml").read_text("utf-8")
    words = re.search(r"Make it again: setupgen (write .*)", header)[1].split()
    monkeypatch.chdir(setup)
    result = run(*words, "--dry-run", "--json")
    assert set(result.json["files"].values()) == {"unchanged"}


def test_a_second_time_changes_nothing(setup, run):
    before = tree(setup)
    result = run("write", "out", *NEED)
    assert result.code == 0
    assert {line.split()[0] for line in result.out.splitlines() if line} == {"unchanged"}
    assert tree(setup) == before


def test_an_edited_file_is_refused(setup, run):
    (setup / "README.md").write_text("mine\n")
    before = tree(setup)
    message = run("write", "out", *NEED).refused("README.md", "--overwrite", code=3)
    assert "Nothing was written" in message
    assert tree(setup) == before
    assert run("write", "out", *NEED, "--overwrite").code == 0
    assert (setup / "README.md").read_text("utf-8") != "mine\n"


def test_somebody_elses_file_is_refused(run, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "compose.yaml").write_text("services: {}\n")
    run("write", "out", *NEED).refused("compose.yaml", code=3)
    assert tree(tmp_path / "out") == {"compose.yaml": b"services: {}\n"}


def test_secrets_are_kept(run, tmp_path):
    need = (*NEED, "--exposure", "lan")
    run("write", "out", *need)
    env = tmp_path / "out" / ".env"
    first = env.read_text("utf-8")
    assert re.search(r"^[A-Z_]*KEY=\S{32,}$", first, re.MULTILINE)
    assert env.stat().st_mode & 0o777 == 0o600
    env.write_text(first.replace("SITE_HOST=", "SITE_HOST=box.lan"))
    assert run("write", "out", *need, "--overwrite").code == 0
    assert env.read_text("utf-8") == first.replace("SITE_HOST=", "SITE_HOST=box.lan")


def test_two_setups_have_two_keys(run, tmp_path):
    for name in ("a", "b"):
        run("write", name, *NEED, "--exposure", "lan")
    keys = [re.search(r"KEY=(\S+)", (tmp_path / name / ".env").read_text("utf-8"))[1] for name in ("a", "b")]
    assert keys[0] != keys[1]


def test_dry_run_writes_nothing(run, tmp_path):
    result = run("write", "out", *NEED, "--dry-run")
    assert result.code == 0
    assert "compose.yaml" in result.out
    assert "Nothing was written" in result.err
    assert list(tmp_path.iterdir()) == []


def test_dry_run_tells_what_would_be_refused(setup, run):
    (setup / "README.md").write_text("mine\n")
    result = run("write", "out", *NEED, "--dry-run")
    assert re.search(r"^edited +README.md$", result.out, re.MULTILINE)
    assert (setup / "README.md").read_text("utf-8") == "mine\n"


def test_diff_writes_nothing(setup, run):
    before = tree(setup)
    assert run("write", "out", *NEED, "--diff").out == ""
    result = run("write", "out", *NEED, "--users", "2", "--context", "8k", "--diff")
    assert result.code == 0
    assert "--- a/compose.yaml" in result.out
    assert tree(setup) == before


def test_diff_shows_no_secret(run, tmp_path):
    need = (*NEED, "--exposure", "lan")
    run("write", "out", *need)
    key = re.search(r"KEY=(\S+)", (tmp_path / "out" / ".env").read_text("utf-8"))[1]
    (tmp_path / "out" / ".env").write_text("# short\n" + f"LLAMA_API_KEY={key}\n")
    assert key not in run("write", "out", *need, "--diff").out
    assert key not in run("write", "out", *need, "--json").out


def test_json(run):
    document = run("write", "out", *NEED, "--json").json
    assert document["written"] is True
    assert document["files"]["compose.yaml"] == "create"
    assert run("write", "out", *NEED, "--json", "--dry-run").json["written"] is False


def test_a_target_alone(run, tmp_path):
    assert run("write", "out", *QUICK, "--use-case", "coding-agent", "--target", "clients").code == 0
    assert {name.split("/")[0] for name in tree(tmp_path / "out")} == {"clients", ".setupgen.json"}
    run("write", "out2", *NEED, "--target", "clients").refused("--target", "clients", code=1)
    run("write", "out2", *NEED, "--target", "no-such-target").refused("no-such-target")
    assert not (tmp_path / "out2").exists()


def test_a_file_where_the_folder_should_be(run, tmp_path):
    (tmp_path / "out").write_text("a file\n")
    run("write", "out", *NEED).refused("out")
    assert (tmp_path / "out").read_text("utf-8") == "a file\n"


def test_setup_without_a_terminal_takes_defaults(run, tmp_path):
    result = run("setup", "mine", *QUICK, "--users", "2")
    assert result.code == 0
    assert "Taken: use case = chat" in result.err
    assert "users" not in [line.split()[1] for line in result.err.splitlines() if line.startswith("Taken:")]
    assert "README.md" in tree(tmp_path / "mine")


def test_nothing_leads_out_of_the_folder(run, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "clients").symlink_to(tmp_path / "elsewhere")
    result = run("write", "out", *QUICK, "--use-case", "coding-agent")
    assert result.code != 0
    assert list((tmp_path / "elsewhere").iterdir()) == []
