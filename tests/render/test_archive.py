"""The archive that the page offers."""

import base64
import io
import json
import stat
import zipfile

import pytest

from case_tools import ROOT
from setupgen.errors import UsageError
from setupgen.output.write import plan_writes, write
from setupgen.render.archive import archive, with_values
from setupgen.render.files import Rendered
from setupgen.web import Engine

RENDERED = Rendered({".env": "# keys\nA_KEY=\nB=1\n", "run.sh": "#!/bin/sh\n", "x/ü.md": "ü\n"}, {"run.sh": "0755"}, {".env": ["A_KEY"]})


def opened(content):
    return zipfile.ZipFile(io.BytesIO(content))


def test_files_lie_in_one_folder_with_their_modes():
    packed = opened(archive(RENDERED, "it", {"A_KEY": "abc-_1"}))
    modes = {entry.filename: stat.S_IMODE(entry.external_attr >> 16) for entry in packed.infolist()}
    assert modes == {"it/.env": 0o600, "it/.setupgen.json": 0o644, "it/run.sh": 0o755, "it/x/ü.md": 0o644}
    assert packed.read("it/.env") == b"# keys\nA_KEY=abc-_1\nB=1\n"
    assert packed.read("it/x/ü.md").decode() == "ü\n"


def test_the_same_files_and_keys_make_the_same_bytes():
    assert archive(RENDERED, "it", {"A_KEY": "k"}) == archive(RENDERED, "it", {"A_KEY": "k"})


@pytest.mark.parametrize("value", ["", "two words", "a\nB=2", "ü", "$(x)", "'"])
def test_a_key_that_would_need_quoting_is_refused(value):
    with pytest.raises(UsageError, match="letters, digits"):
        with_values("A_KEY=\n", ["A_KEY"], {"A_KEY": value})


def test_a_value_that_stands_there_is_kept():
    assert with_values("A_KEY=set\n", ["A_KEY"], {}) == "A_KEY=set\n"


def test_the_door_packs_what_it_shows():
    engine = Engine((ROOT / "src/setupgen/_data/pack.jsonl").read_text("utf-8"))
    answers = json.dumps({"hardware": "rtx-3090", "exposure": "lan"})
    shown = json.loads(engine.setup(answers))
    names = [name for names in shown["secrets"].values() for name in names]
    assert names
    found = json.loads(engine.archive(answers, "", json.dumps(dict.fromkeys(names, "k" * 43))))
    packed = opened(base64.b64decode(found["base64"]))
    folder = found["name"].removesuffix(".zip")
    assert {name.removeprefix(f"{folder}/") for name in packed.namelist()} == {*shown["files"], ".setupgen.json"}
    assert "error" in json.loads(engine.archive(answers, "", "{}"))
    assert "error" in json.loads(engine.archive("{", "", "{}"))


def test_what_was_unpacked_is_known_as_setupgens_own(tmp_path):
    packed = opened(archive(RENDERED, "it", {"A_KEY": "k"}))
    packed.extractall(tmp_path)
    changes = plan_writes(RENDERED.files, tmp_path / "it", modes=RENDERED.modes, secrets=RENDERED.secrets)
    words = {change.path: change.word for change in changes}
    assert words.pop(".env") in {"unchanged", "update"}, "modes are for the program that unpacks"
    assert set(words.values()) == {"unchanged"}
    write({**RENDERED.files, "run.sh": "#!/bin/sh\ntrue\n"}, tmp_path / "it", modes=RENDERED.modes, secrets=RENDERED.secrets)
    assert "A_KEY=k" in (tmp_path / "it/.env").read_text()
