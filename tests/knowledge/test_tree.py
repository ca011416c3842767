"""The knowledge base of this repository is sound."""

from __future__ import annotations

from pathlib import Path

from setupgen.maintain.report import examine
from setupgen.maintain.tree import load_tree

ROOT = Path(__file__).parents[2]


def test_the_knowledge_base_has_no_errors():
    report = examine(load_tree(ROOT, tolerant=True))
    assert [str(problem) for problem in report.errors] == []


def test_the_knowledge_base_covers_what_it_promises():
    tree = load_tree(ROOT)
    attention = {kind for document in tree.files["model"].values() for kind in document.data["architecture"]["attention"]}
    assert attention == set(tree.ids("attention-kinds"))
    assert len(tree.files["model"]) >= 15
    assert len(tree.files["device"]) >= 25
    assert {document.data["kind"] for document in tree.files["device"].values()} == set(tree.ids("device-kinds"))
    assert {"ollama", "llama-cpp", "vllm", "hops"} <= set(tree.files["server"])
    assert {"open-webui", "opencode", "claude-code"} <= set(tree.files["client"])
    assert sum(1 for _ in tree.rules()) >= 25


def test_every_file_names_its_schema_in_its_first_line():
    tree = load_tree(ROOT)
    for kind, _, document in tree.documents():
        path = ROOT / document.name
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        prefix = "# yaml-language-server: $schema="
        assert first.startswith(prefix), document.name
        target = (path.parent / first.removeprefix(prefix)).resolve()
        assert target == ROOT / "knowledge" / "schema" / f"{kind}.schema.json", document.name


def test_every_template_file_is_there_and_used():
    tree = load_tree(ROOT)
    used = {(target, file["template"]) for target, document in tree.files["template"].items() for file in document.data["files"]}
    there = {(target, name) for target, texts in tree.texts.items() for name in texts if name.endswith(".j2") and not name.startswith("_")}
    assert used <= {(target, name) for target, texts in tree.texts.items() for name in texts}
    assert {
        entry for entry in there - used if not any(entry[1] in text for texts in tree.texts.values() for text in texts.values())
    } == set()
