import hashlib
import json
import os
import stat
from pathlib import Path

import pytest

from setupgen.errors import RefusedError, UsageError
from setupgen.output import compare
from setupgen.output.write import MANIFEST, plan_writes, read_state, write

FILES = {"compose.yaml": "a: 1\n", "clients/opencode.json": "{}\n", "start.sh": "#!/bin/sh\n"}
MODES = {"start.sh": "0755"}


def words(changes):
    return {change.path: change.word for change in changes}


def tree(directory):
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in sorted(Path(directory).rglob("*")) if path.is_file()}


def test_a_new_directory_gets_every_file_with_its_mode(tmp_path):
    target = tmp_path / "deep" / "setup"
    assert set(words(write(FILES, target, modes=MODES)).values()) == {compare.CREATE}
    assert {path: text.encode() for path, text in FILES.items()} == {path: text for path, text in tree(target).items() if path != MANIFEST}
    assert os.access(target / "start.sh", os.X_OK)
    assert not os.access(target / "compose.yaml", os.X_OK)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["setup"]


def test_a_second_run_changes_nothing(tmp_path):
    target = tmp_path / "setup"
    write(FILES, target, modes=MODES)
    before = {path: path.stat().st_mtime_ns for path in target.rglob("*")}
    assert set(words(write(FILES, target, modes=MODES)).values()) == {compare.UNCHANGED}
    assert {path: path.stat().st_mtime_ns for path in target.rglob("*")} == before


def test_our_own_unedited_file_is_updated_and_one_no_longer_made_is_removed(tmp_path):
    write(FILES, tmp_path)
    changes = write({"compose.yaml": "a: 2\n", "start.sh": FILES["start.sh"]}, tmp_path)
    assert words(changes) == {"compose.yaml": compare.UPDATE, "start.sh": compare.UNCHANGED, "clients/opencode.json": compare.REMOVE}
    assert set(tree(tmp_path)) == {"compose.yaml", "start.sh", MANIFEST}
    assert set(read_state(tmp_path)) == {"compose.yaml", "start.sh"}


def test_an_edited_file_no_longer_made_is_left(tmp_path):
    write(FILES, tmp_path)
    (tmp_path / "start.sh").write_text("mine\n")
    changes = write({"compose.yaml": "a: 1\n", "clients/opencode.json": "{}\n"}, tmp_path)
    assert words(changes)["start.sh"] == compare.LEFT
    assert (tmp_path / "start.sh").read_text() == "mine\n"


def test_some_files_of_a_setup_leave_the_others_alone(tmp_path):
    write(FILES, tmp_path)
    assert words(write({"compose.yaml": "a: 2\n"}, tmp_path, partial=True)) == {"compose.yaml": compare.UPDATE}
    assert set(read_state(tmp_path)) == set(FILES)
    assert set(tree(tmp_path)) == {*FILES, MANIFEST}


def test_edited_and_foreign_files_are_refused_together_and_nothing_is_written(tmp_path):
    write(FILES, tmp_path)
    (tmp_path / "compose.yaml").write_text("mine: 1\n")
    (tmp_path / "README.md").write_text("mine\n")
    before = tree(tmp_path)
    with pytest.raises(RefusedError) as caught:
        write({**FILES, "README.md": "new\n", "start.sh": "changed\n"}, tmp_path)
    assert "README.md" in str(caught.value)
    assert "compose.yaml" in str(caught.value)
    assert "start.sh" not in str(caught.value)
    assert "--overwrite" in str(caught.value)
    assert tree(tmp_path) == before


def test_overwrite_replaces_edited_and_foreign_files(tmp_path):
    write(FILES, tmp_path)
    (tmp_path / "compose.yaml").write_text("mine: 1\n")
    (tmp_path / "README.md").write_text("mine\n")
    changes = write({**FILES, "README.md": "new\n"}, tmp_path, overwrite=True)
    assert words(changes)["compose.yaml"] == words(changes)["README.md"] == compare.OVERWRITE
    assert (tmp_path / "compose.yaml").read_text() == "a: 1\n"
    assert set(words(write({**FILES, "README.md": "new\n"}, tmp_path)).values()) == {compare.UNCHANGED}


def test_a_foreign_file_with_the_same_text_is_adopted(tmp_path):
    (tmp_path / "compose.yaml").write_text("a: 1\n")
    assert words(write({"compose.yaml": "a: 1\n"}, tmp_path)) == {"compose.yaml": compare.UNCHANGED}
    assert set(read_state(tmp_path)) == {"compose.yaml"}


def test_the_users_other_files_are_never_touched(tmp_path):
    (tmp_path / "compose.override.yaml").write_text("mine\n")
    write(FILES, tmp_path)
    assert (tmp_path / "compose.override.yaml").read_text() == "mine\n"


@pytest.mark.parametrize("kind", ["link", "link to nowhere", "directory link", "directory", "file in the way", "pipe"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_links_and_other_obstacles_are_refused_even_with_overwrite(tmp_path, kind, overwrite):
    target, outside = tmp_path / "setup", tmp_path / "outside"
    target.mkdir()
    outside.mkdir()
    (outside / "secret").write_text("theirs\n")
    path = "sub/file.yaml" if kind in {"directory link", "file in the way"} else "file.yaml"
    {
        "link": lambda: (target / "file.yaml").symlink_to(outside / "secret"),
        "link to nowhere": lambda: (target / "file.yaml").symlink_to(outside / "nowhere"),
        "directory link": lambda: (target / "sub").symlink_to(outside),
        "directory": (target / "file.yaml").mkdir,
        "file in the way": lambda: (target / "sub").write_text("x"),
        "pipe": lambda: os.mkfifo(target / "file.yaml"),
    }[kind]()
    with pytest.raises(RefusedError, match=r"file\.yaml (is|lies)"):
        write({path: "new\n", "other.yaml": "x\n"}, target, overwrite=overwrite)
    assert tree(outside) == {"secret": b"theirs\n"}
    assert not (target / "other.yaml").exists()
    assert not (target / MANIFEST).exists()


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "a/../../x",
        "/etc/x",
        "",
        "a//b",
        "./a",
        "a\\b",
        "C:x",
        "a\nb",
        "a\x00b",
        "\u202ea",
        MANIFEST,
        ".setupgen.tmp/x",
        "a/",
        "x" * 300,
        "a. ",
        "con?",
    ],
)
def test_paths_that_leave_the_directory_are_refused(tmp_path, path):
    with pytest.raises(UsageError, match="not a path inside"):
        write({path: "x\n"}, tmp_path / "setup")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    for target in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UsageError, match="is not a directory"):
            write(FILES, target)


@pytest.mark.parametrize("target", ["/proc/setupgen-test", "/proc/setupgen/deep"])
def test_a_directory_that_cannot_be_written_is_refused_with_the_reason(target):
    with pytest.raises(UsageError, match=r"No such file|Permission|not permitted|Read-only") as caught:
        write(FILES, target)
    assert "/proc" in caught.value.place


def test_a_name_that_is_no_path_is_refused():
    with pytest.raises(UsageError):
        write(FILES, "a\x00b")


def test_a_manifest_that_cannot_be_read_is_said_so(tmp_path):
    for text in ("{", "[]", '{"files": {"a": 1}}', '{"files": []}'):
        (tmp_path / MANIFEST).write_text(text)
        with pytest.raises(UsageError, match=r"cannot be read"):
            write(FILES, tmp_path)


def test_a_manifest_cannot_make_us_delete_outside(tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("x")
    target = tmp_path / "setup"
    write(FILES, target)
    manifest = json.loads((target / MANIFEST).read_text())
    manifest["files"]["../outside"] = {"sha256": hashlib.sha256(b"x").hexdigest()}
    (target / MANIFEST).write_text(json.dumps(manifest))
    write(FILES, target)
    assert outside.read_text() == "x"


def test_planning_changes_nothing(tmp_path):
    write(FILES, tmp_path)
    before = tree(tmp_path)
    changes = plan_writes({"compose.yaml": "a: 2\n", ".env": "KEY=\n"}, tmp_path, secrets={".env": ["KEY"]})
    assert words(changes) == {
        ".env": compare.CREATE,
        "compose.yaml": compare.UPDATE,
        "clients/opencode.json": compare.REMOVE,
        "start.sh": compare.REMOVE,
    }
    assert tree(tmp_path) == before
    assert words(plan_writes(FILES, tmp_path / "new")) == dict.fromkeys(FILES, compare.CREATE)
    assert not (tmp_path / "new").exists()


def test_a_table_and_a_diff_show_what_would_happen(tmp_path):
    write(FILES | {".env": "KEY=\n"}, tmp_path, secrets={".env": ["KEY"]})
    key = (tmp_path / ".env").read_text().strip().partition("=")[2]
    changes = plan_writes({"compose.yaml": "a: 2\n", "new.yaml": "n\n", ".env": "KEY=\nOTHER=5\n"}, tmp_path, secrets={".env": ["KEY"]})
    table = compare.table(changes)
    assert "update  compose.yaml\n" in table
    assert "create  new.yaml\n" in table
    diff = compare.diff(changes)
    assert "-a: 1\n+a: 2\n" in diff
    assert "--- /dev/null\n+++ b/new.yaml\n" in diff
    assert "+OTHER=…\n" in diff
    assert key
    assert key not in diff


def test_secrets_are_made_once_and_kept(tmp_path):
    env = {".env": "# note\nKEY=\nHOST=box\n"}
    write(env, tmp_path, secrets={".env": ["KEY"]})
    first = (tmp_path / ".env").read_text()
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    key = first.splitlines()[1].partition("=")[2]
    assert len(key) >= 40
    (tmp_path / ".env").write_text(first.replace("HOST=box", "HOST=other") + "MINE=1\n")
    changes = write({".env": "# note\nKEY=\nHOST=box\n\n# more\nNEW=\n"}, tmp_path, secrets={".env": ["KEY", "NEW"]})
    assert words(changes) == {".env": compare.UPDATE}
    second = (tmp_path / ".env").read_text()
    assert f"KEY={key}\n" in second
    assert "HOST=other\n" in second
    assert "MINE=1\n" in second
    assert len(second.partition("NEW=")[2].strip()) >= 40
    assert key not in (tmp_path / MANIFEST).read_text()
    assert words(write({".env": "# note\nKEY=\nHOST=box\n\n# more\nNEW=\n"}, tmp_path, secrets={".env": ["KEY", "NEW"]})) == {
        ".env": compare.UNCHANGED
    }


def test_two_setups_get_different_keys(tmp_path):
    for name in ("a", "b"):
        write({".env": "KEY=\n"}, tmp_path / name, secrets={".env": ["KEY"]})
    assert (tmp_path / "a" / ".env").read_text() != (tmp_path / "b" / ".env").read_text()


def test_a_foreign_env_is_kept_and_closed_to_others(tmp_path):
    (tmp_path / ".env").write_text('export KEY="theirs"\nLONG="a\nb"\n')
    (tmp_path / ".env").chmod(0o644)
    write({".env": "KEY=\nNEW=\n"}, tmp_path, secrets={".env": ["KEY", "NEW"]})
    text = (tmp_path / ".env").read_text()
    assert 'export KEY="theirs"\nLONG="a\nb"\n' in text
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_env_is_never_removed(tmp_path):
    write({".env": "KEY=\n", "a": "x\n"}, tmp_path, secrets={".env": ["KEY"]})
    assert words(write({"a": "x\n"}, tmp_path))[".env"] == compare.LEFT
    assert (tmp_path / ".env").exists()
