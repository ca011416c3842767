"""An interrupted run leaves the old files or the new ones, never a mixture: a fault is put at every step."""

import errno
import os
from pathlib import Path

import pytest

from setupgen.errors import UsageError
from setupgen.output import transaction
from setupgen.output.paths import STAGE
from setupgen.output.write import MANIFEST, write

OLD = {"a.yaml": "old a\n", "b.yaml": "old b\n", "gone.yaml": "old\n", "deep/c.yaml": "old c\n"}
NEW = {"a.yaml": "new a\n", "b.yaml": "new b\n", "deep/c.yaml": "new c\n", "deep/er/d.yaml": "new d\n", ".env": "KEY=\n"}
SECRETS = {".env": ["KEY"]}


def tree(directory):
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in sorted(Path(directory).rglob("*")) if path.is_file()}


def steps_of(action, monkeypatch):
    """Names of the steps that an action goes through."""
    names = []
    monkeypatch.setattr(transaction, "checkpoint", names.append)
    action()
    monkeypatch.setattr(transaction, "checkpoint", lambda name: None)
    return names


def killed_at(step, action):
    """Run the action in a process that is killed at the given step, without a chance to clean up."""
    process = os.fork()
    if process == 0:
        seen = [0]

        def die(name):
            if seen[0] == step:
                os._exit(9)
            seen[0] += 1

        transaction.checkpoint = die
        try:
            action()
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 9


def is_new(files):
    expected = {path: text.encode() for path, text in NEW.items() if path != ".env"}
    assert files[".env"].startswith(b"KEY=")
    assert len(files[".env"]) > 40
    return {path: text for path, text in files.items() if path not in {".env", MANIFEST}} == expected


def count_steps(tmp_path, monkeypatch):
    write(OLD, tmp_path / "count")
    return len(steps_of(lambda: write(NEW, tmp_path / "count", secrets=SECRETS), monkeypatch))


def test_a_kill_at_any_step_is_finished_or_forgotten_by_the_next_run(tmp_path, monkeypatch):
    outcomes = []
    for step in range(count_steps(tmp_path, monkeypatch)):
        target = tmp_path / str(step)
        write(OLD, target)
        before = tree(target)
        killed_at(step, lambda target=target: write(NEW, target, secrets=SECRETS))
        transaction.recover(target)
        after = tree(target)
        assert after == before or is_new(after), step
        assert not (target / STAGE).exists()
        outcomes.append(after == before)
        write(NEW, target, secrets=SECRETS)
        assert is_new(tree(target))
    assert outcomes == sorted(outcomes, reverse=True)
    assert {True, False} == set(outcomes)


def test_a_kill_during_recovery_is_recovered_too(tmp_path, monkeypatch):
    total = count_steps(tmp_path, monkeypatch)
    for step in range(3):
        target = tmp_path / str(step)
        write(OLD, target)
        killed_at(total - 4, lambda target=target: write(NEW, target, secrets=SECRETS))
        killed_at(step, lambda target=target: transaction.recover(target))
        transaction.recover(target)
        assert is_new(tree(target)), step


@pytest.mark.parametrize(
    "fault", [KeyboardInterrupt, OSError(errno.ENOSPC, "No space left on device"), PermissionError(errno.EACCES, "Permission denied")]
)
def test_a_fault_at_any_step_puts_the_old_files_back_at_once(tmp_path, monkeypatch, fault):
    for step in range(count_steps(tmp_path, monkeypatch) - 1):
        target = tmp_path / str(step)
        write(OLD, target)
        before = tree(target)
        seen = []

        def fail(name, seen=seen, step=step):
            seen.append(name)
            if len(seen) == step + 1:
                raise fault

        monkeypatch.setattr(transaction, "checkpoint", fail)
        with pytest.raises(KeyboardInterrupt if fault is KeyboardInterrupt else UsageError) as caught:
            write(NEW, target, secrets=SECRETS)
        monkeypatch.setattr(transaction, "checkpoint", lambda name: None)
        assert tree(target) == before, seen
        assert not (target / "deep" / "er").exists()
        assert not (target / STAGE).exists()
        if fault is not KeyboardInterrupt:
            assert fault.strerror in str(caught.value)


def test_a_new_directory_appears_complete_or_not_at_all(tmp_path, monkeypatch):
    total = len(steps_of(lambda: write(NEW, tmp_path / "count", secrets=SECRETS), monkeypatch))
    for step in range(total):
        target = tmp_path / "parent" / str(step)
        target.parent.mkdir(exist_ok=True)
        killed_at(step, lambda target=target: write(NEW, target, secrets=SECRETS))
        assert not target.exists()
        write(NEW, target, secrets=SECRETS)
        assert is_new(tree(target))
        assert sorted(path.name for path in target.parent.iterdir()) == sorted(str(number) for number in range(step + 1))


def test_a_full_disk_leaves_no_new_directory(tmp_path, monkeypatch):
    def full(path, content, mode):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(transaction, "_write", full)
    with pytest.raises(UsageError, match=r"No space left on device.*Free some space"):
        write(NEW, tmp_path / "deep" / "setup", secrets=SECRETS)
    assert list(tmp_path.iterdir()) == []


def test_what_the_user_edited_after_an_interruption_is_kept(tmp_path, monkeypatch):
    write(OLD, tmp_path / "x")
    total = count_steps(tmp_path, monkeypatch)
    killed_at(total - 4, lambda: write(NEW, tmp_path / "x", secrets=SECRETS))
    changed = [path for path in ("a.yaml", "b.yaml", "deep/c.yaml") if (tmp_path / "x" / path).read_text().startswith("old")]
    for path in changed:
        (tmp_path / "x" / path).write_text("mine\n")
    transaction.recover(tmp_path / "x")
    assert all((tmp_path / "x" / path).read_text() == "mine\n" for path in changed)


def test_two_writers_do_not_meet(tmp_path):
    with transaction.locked(tmp_path), pytest.raises(UsageError, match="another setupgen"):
        write(NEW, tmp_path, secrets=SECRETS)
