"""What another pin changes in every case: `python -m setupgen.maintain changes`."""

import subprocess

import pytest

from case_tools import ROOT, pack
from setupgen.errors import UsageError
from setupgen.knowledge import Pack
from setupgen.maintain.__main__ import main
from setupgen.maintain.cases import cases_at
from setupgen.maintain.changes import changes, pack_at, with_pin

STORIES = ("solo-coder-on-a-3090", "ollama-for-a-newcomer")


@pytest.fixture(scope="module")
def cases():
    return [case for story in STORIES for case in cases_at(ROOT / "tests" / "cases" / f"{story}.yaml", ROOT)]


def server_of(id_):
    return pack().raw["servers"][id_]


def test_another_pin_shows_in_the_files_of_the_cases_that_use_it_and_in_no_other(cases):
    old = server_of("llama-cpp")["version"]["pinned"]
    found = {change.case: change for change in changes(pack(), with_pin(pack(), "llama-cpp=b99999"), cases)}
    assert list(found) == ["solo-coder-on-a-3090"]
    change = found["solo-coder-on-a-3090"]
    assert change.trouble == ""
    assert "compose.yaml" in change.paths
    lines = change.lines("compose.yaml")
    assert [line[:1] for line in lines if line[:1] in "+-"] == ["-", "+"]
    assert old in next(line for line in lines if line.startswith("-"))
    assert "b99999" in next(line for line in lines if line.startswith("+"))
    assert change.shown("compose.yaml") == "compose.yaml (+1 -1)"


def test_a_pin_touches_only_what_names_the_version_in_use(cases):
    new = with_pin(pack(), "olla=9.9.9").raw
    assert new["servers"]["olla"]["backends"]["cpu"]["image"] == "ghcr.io/thushan/olla:v9.9.9"
    assert new["templates"]["olla"]["images"] == {"olla": "ghcr.io/thushan/olla:v9.9.9"}
    assert new["servers"]["olla"]["hosts_file"]["since"] == server_of("olla")["hosts_file"]["since"]
    assert new["servers"]["olla"]["version"]["minimum"] == server_of("olla")["version"]["minimum"]
    assert {id_: raw for id_, raw in new["servers"].items() if id_ != "olla"} == {
        id_: raw for id_, raw in pack().raw["servers"].items() if id_ != "olla"
    }


def test_files_that_can_no_longer_be_made_are_told_with_the_option(cases):
    server = server_of("llama-cpp")
    flags = server["flags"] | {"--ctx-size": server["flags"]["--ctx-size"] | {"until": "b50000"}}
    known = Pack({**pack().raw, "servers": {**pack().raw["servers"], "llama-cpp": server | {"flags": flags}}})
    [change] = changes(known, with_pin(known, "llama-cpp=b99999"), cases)
    assert change.case == "solo-coder-on-a-3090"
    assert "--ctx-size" in change.trouble


@pytest.mark.parametrize("pin", ["llama-cpp", "llama-cpp=", "nobody=1", "=1", ""])
def test_a_pin_that_names_no_version_of_a_server_is_refused(pin):
    with pytest.raises(UsageError, match="no SERVER=VERSION"):
        with_pin(pack(), pin)


def test_the_tree_of_a_commit(tmp_path):
    def git(*words):
        subprocess.run(
            ["git", "-C", tmp_path, "-c", "user.name=x", "-c", "user.email=x@example.org", *words], check=True, capture_output=True
        )

    for folder in ("knowledge", "templates", "tests/cases"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "README.md").write_text("x")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "x")
    assert pack_at(tmp_path, "HEAD").raw["servers"] == {}
    with pytest.raises(UsageError, match="git knows no 'nothing-of-this-name'"):
        pack_at(tmp_path, "nothing-of-this-name")


def test_options_of_another_command_are_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["compile", "--diff"])
    assert ended.value.code == 2
    assert "belong to the command changes" in capsys.readouterr().err
