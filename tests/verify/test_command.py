"""`setupgen verify` as a command: documents, tables, exit codes, bad input, and the measurement that it contributes."""

from __future__ import annotations

import json
import re
import shutil
import stat
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from verify_tools import check

import setupgen.verify.check_access
from setupgen.cli.main import main
from setupgen.maintain.report import examine
from setupgen.maintain.tree import load_tree
from setupgen.output.verify import Bar

ROOT = Path(__file__).parents[2]


def test_the_document_is_what_its_schema_says(chat, stub_of, verify):
    schema = json.loads(files("setupgen").joinpath("schemas", "verify.schema.json").read_text("utf-8"))
    validator = Draft202012Validator(schema)
    for stub in (stub_of(model=chat.model), stub_of(model="other", context=512)):
        document = verify(chat, stub, "--contribute")
        assert [error.message for error in validator.iter_errors(document)] == []
        statuses = [one["status"] for one in document["checks"]]
        assert document["counts"] == {status: statuses.count(status) for status in ("kept", "broken", "unclear", "skipped")}


def test_the_table_without_a_terminal(chat, stub_of, run):
    found = run("verify", str(chat.path), "--url", stub_of(model="other").url, "--skip", "context", "--timeout", "2")
    assert (found.code, found.err) == (1, "")
    assert "\x1b" not in found.out
    assert re.search(r"^broken +Model +\S+ +other", found.out, re.MULTILINE)
    assert f"Clients ask for {chat.model}" in found.out
    assert re.search(r"A promise is broken: \d+ kept, 1 broken", found.out)
    assert max(len(line) for line in found.out.splitlines()) <= 100


def test_a_bar_on_a_terminal(chat, stub_of, run, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Bar() as bar:
        bar.begin("tower", 2)
        bar.step("tower", "Health")
        bar.step("tower", "Chat")
        bar.end("tower")
        assert bar._progress.finished


class TestBadInput:
    def test_no_folder(self, run, tmp_path):
        run("verify", str(tmp_path / "nowhere")).refused("is no folder")

    def test_a_folder_without_a_plan(self, run, tmp_path):
        run("verify", str(tmp_path)).refused("holds no setupgen.plan.json")

    @pytest.mark.parametrize(
        "text", ["", "[]", "{}", "null", '{"choice": null, "facts": {}}', "{" * 100_000, '{"choice": {"connection": 1}}']
    )
    def test_plans_that_are_none(self, run, tmp_path, text):
        (tmp_path / "setupgen.plan.json").write_text(text, "utf-8")
        run("verify", str(tmp_path)).refused("setupgen.plan.json")

    @pytest.mark.parametrize(
        ("part", "values"),
        [
            ("connection", {"base_url": "ftp://x"}),
            ("connection", {"base_url": 7}),
            ("connection", {"openai_url": None, "anthropic_url": None, "ollama_url": None}),
            ("connection", {"openai_url": 7}),
            ("connection", {"context": "many"}),
            ("connection", {"model": ["a"], "key_env": 7}),
            ("settings", {"parallel": [1]}),
            ("settings", {"offload": 7, "context": None}),
            ("settings", {"port": "x", "replicas": -4}),
            ("server", {"endpoints": []}),
            ("server", {"endpoints": {"health": 7}}),
            (None, {"proxy": 3}),
            (None, {"proxy": {"port": "x"}}),
            (None, {"speed": []}),
            (None, {"speed": {"decode_tps": {"low": "a"}}}),
            (None, {"model": "x", "weights": None, "clients": 7}),
        ],
        ids=json.dumps,
    )
    def test_plans_that_somebody_changed(self, chat, run, stub_of, part, values):
        chat.change(lambda plan: (plan["choice"][part] if part else plan["choice"]).update(values))
        stub = stub_of(model=chat.model)
        found = run("verify", str(chat.path), "--url", stub.url, "--contribute", "--skip", "context", "--timeout", "2")
        assert found.code in {0, 1, 2}
        assert "Traceback" not in found.err
        if found.code == 2:
            found.refused("setupgen.plan.json")

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (("--url", "127.0.0.1:9931"), "is no address"),
            (("--url", ""), "nothing is given"),
            (("--url", "http://user:pass@host"), "Keys belong into .env"),
            (("--url", "http://[::1"), "is no address"),
            (("--url", "http://host:99999"), "is no address"),
            (("--url", "http://a b"), "is no address"),
            (("--wait", "soon"), "--wait"),
            (("--wait", "nan"), "--wait"),
            (("--timeout", "0"), "--timeout"),
            (("--budget", "-3"), "--budget"),
            (("--skip", "healt"), "Did you mean health"),
        ],
    )
    def test_options(self, chat, run, options, words):
        message = run("verify", str(chat.path), *options).refused(words)
        assert "pass@" not in message

    def test_a_key_that_breaks_out_of_its_header(self, folder_of, run, stub_of):
        guarded = folder_of("--use-case", "chat", "--exposure", "lan", "--context", "4096")
        (guarded.path / ".env").write_text("LLAMA_API_KEY='a\tb'\n", "utf-8")
        message = run("verify", str(guarded.path), "--url", stub_of().url).refused("cannot stand in a header")
        assert "a\tb" not in message

    def test_the_env_file_of_somebody_else(self, folder_of, run, stub_of, monkeypatch):
        guarded = folder_of("--use-case", "chat", "--exposure", "lan", "--context", "4096")
        real = Path.read_text

        def denied(path, *arguments, **named):
            if path.name == ".env":
                raise PermissionError(13, "Permission denied")
            return real(path, *arguments, **named)

        monkeypatch.setattr(Path, "read_text", denied)
        run("verify", str(guarded.path), "--url", stub_of().url).refused("Permission denied", "user who owns the setup")


class TestContribution:
    def test_the_knowledge_base_takes_it(self, chat, stub_of, verify, tmp_path):
        document = verify(chat, stub_of(model=chat.model), "--contribute")
        file = Path(document["contribution"]["file"])
        assert file.parts[-3:-1] == ("measurements", "ryzen-9-7950x")
        found = yaml.safe_load(file.read_text("utf-8"))
        choice = chat.plan["choice"]
        assert (found["device"], found["model"], found["quant"]) == ("amd/ryzen-9-7950x", choice["model"]["id"], choice["weights"]["quant"])
        reading, writing = found["results"]
        assert reading["prefill_tps"] == pytest.approx(check(document, "reading")["numbers"]["reading_tps"], rel=1e-3)
        assert writing["decode_tps"] == pytest.approx(check(document, "writing")["numbers"]["writing_tps"], rel=1e-3)

        tree = tmp_path / "tree"
        tree.mkdir()
        for name in ("knowledge", "templates", "tests/cases", "pyproject.toml"):
            (tree / name).parent.mkdir(exist_ok=True)
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tree / name)
        target = tree / "knowledge" / "measurements" / file.parent.name
        target.mkdir(parents=True)
        shutil.copy(file, target)
        assert lint(tree) == []
        (target / file.name).write_text(re.sub(r"(?m)^by:.*\n", "", file.read_text("utf-8")), "utf-8")
        assert lint(tree)

    def test_not_without_a_speed(self, chat, stub_of, verify):
        document = verify(chat, stub_of(model=chat.model), "--contribute", "--skip", "speed")
        assert document["contribution"] == {"file": None, "because": "no speed was measured."}
        assert not (chat.path / "measurements").exists()

    def test_not_of_another_model(self, chat, stub_of, verify):
        document = verify(chat, stub_of(model=chat.model, meta={"meta": {"n_params": 1000}}), "--contribute")
        assert document["contribution"]["file"] is None

    @pytest.mark.parametrize(
        ("key", "value", "words"),
        [
            ("facts.origins", {"hardware.cpu": "assumed"}, "the processor was assumed"),
            ("facts.hardware", {"cpu": "Something else"}, "does not have this processor"),
            ("choice.settings.offload", {"kind": "full"}, "devices of one kind"),
            ("choice.settings.offload", {"kind": "partial"}, "main memory"),
        ],
    )
    def test_not_of_what_nobody_knows(self, chat, stub_of, verify, key, value, words):
        def change(plan):
            if "offload" in key:
                plan["choice"]["backend"] = "cuda"
            place = plan
            for part in key.split("."):
                place = place[part]
            place.update(value)

        chat.change(change)
        assert words in verify(chat, stub_of(model=chat.model), "--contribute", "--skip", "context")["contribution"]["because"]


def lint(tree):
    return [str(found) for found in examine(load_tree(tree)).errors]


def test_the_key_is_sent_and_the_env_file_left_alone(folder_of, stub_of, verify):
    guarded = folder_of("--use-case", "chat", "--exposure", "lan", "--context", "4096")
    before = (guarded.path / ".env").read_bytes()
    stub = stub_of(model=guarded.model, key=guarded.key)
    verify(guarded, stub, "--skip", "context")
    assert (guarded.path / ".env").read_bytes() == before
    assert stat.S_IMODE((guarded.path / ".env").stat().st_mode) == 0o600
    keys = {request.headers.get("authorization") for request in stub.seen}
    assert keys == {f"Bearer {guarded.key}", None, "Bearer setupgen-verify-wrong-key"}


def test_interrupted(chat, stub_of, capsys, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(setupgen.verify.check_access, "names_of", interrupt)
    assert main(["verify", str(chat.path), "--url", stub_of(model=chat.model).url]) == 130
    assert capsys.readouterr().err == "interrupted\n"
