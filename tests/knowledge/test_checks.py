"""Each belief is shown to fail on a file that breaks it, and a sound tree passes them all."""

from __future__ import annotations

import datetime as dt

import pytest

from setupgen.maintain.checks import all_checks, review_ages
from setupgen.maintain.problems import Check, Problem, problem
from setupgen.maintain.report import run_check
from setupgen.maintain.tree import load_tree

MODEL = "knowledge/models/lab/talker-8b.yaml"
CARD = "knowledge/hardware/nvidia/card.yaml"
CHIP = "knowledge/hardware/intel/chip.yaml"
SERVER = "knowledge/servers/tester.yaml"
RULES = "knowledge/rules/serving.yaml"
QUESTION = "knowledge/questions/use-case.yaml"

MEASUREMENT = """
device: nvidia/cart
model: lab/talker-8b
quant: Q8_0
server: tester
date: 2026-11-01
results: [{decode_tps: 3}]
sources: [test-page]
reviewed: 2026-11-01
"""

OFFER = """
name: Seller
offers: [{name: X, model: lab/nobody, input_per_mtok_usd: 1, output_per_mtok_usd: 2.5, date: 2026-11-01, source: test-page}]
sources: [test-page]
reviewed: 2026-11-01
"""

DISPUTED = """disputed:
  - {fact: context.native, values: [{value: 32768, source: test-page}, {value: 4096, source: nowhere}], because: The card says so.}
"""

INSTANCE = """
name: Cloud One
provider: cloud
devices: [{id: nvidia/card, count: 2}]
ram_gib: 64
usd_per_hour: {value: 1.5, date: 2026-10-01, source: test-page}
sources: [test-page]
reviewed: 2026-11-01
"""

SETUP = """
name: One card for talking
devices: [nvidia/card]
use_case: chat
model: lab/talker-8b
quant: Q4_K_M
server: tester
client: shell
versions: {tester: "1.2", shell: "1"}
evidence: [{says: It ran at 90 tokens a second., kind: published-run, exact: true, source: test-page}]
sources: [test-page]
reviewed: 2026-11-01
"""

SECOND_RULE = """  - id: few-users
    when: {fact: needs.users, below: 20}
    then:
      - {set: {parallel: 1}}
    because: Few.
    sources: [test-page]
    reviewed: 2026-11-01
"""


def test_a_sound_tree_has_no_problems(base):
    report = base.examine()
    assert [str(found) for found in report.problems] == []
    assert report.counts["models"] == 1
    assert report.counts["rules"] == 1


# check, file, text there, text instead, words of the message
BREAKS = [
    ("sources-resolve", MODEL, "sources: [test-page]", "sources: [test-pages]", "not listed"),
    ("sources-resolve", MODEL, "sources: [test-page]", "sources: []", "nothing says where"),
    ("review-ages", MODEL, "reviewed: 2026-11-01", "reviewed: 2999-01-01", "future"),
    ("review-ages", MODEL, "reviewed: 2026-11-01", "reviewed: 2020-01-01", "days ago"),
    ("review-ages", MODEL, "reviewed: 2026-11-01", "reviewed: 2026-02-31", "no such day"),
    ("attention-layers", MODEL, "full: {layers: 36", "full: {layers: 35", "do not add up"),
    ("attention-layers", MODEL, "heads: 32, kv_heads: 8", "heads: 32, kv_heads: 7", "evenly"),
    ("attention-layers", MODEL, "head_dim: 128}", "head_dim: 128, cached_layers: 40}", "more caches"),
    ("attention-layers", MODEL, "  attention:\n", "  pattern: [full, sliding]\n  attention:\n", "other counts"),
    ("parameter-counts", MODEL, "total: 8190735360", "total: 9190735360", "not what the architecture gives"),
    ("parameter-counts", MODEL, "total: 8190735360", "total: 8190735360, active: 9000000000", "more active"),
    ("parameter-counts", MODEL, "total: 8190735360", "total: 8190735360, active: 1000000000", "do not go together"),
    ("context-sizes", MODEL, "native: 32768", "native: 32768, extended: 16384", "shorter"),
    ("context-sizes", MODEL, "native: 32768", "native: 32", "plausible"),
    ("license-classes", MODEL, "class: open", "class: restricted", "not the class"),
    ("license-classes", MODEL, "id: apache-2.0", "id: my-own", "not among the open"),
    ("weights-and-quants", MODEL, "quants: [BF16]", "quants: [Q8_0]", "does not have"),
    ("weights-and-quants", MODEL, 'ollama: {Q4_K_M: "talker:8b"}', 'ollama: {BF16: "talker:8b"}', "not among the quantisations"),
    ("weights-and-quants", MODEL, "Q4_K_M: 5027783488", "Q4_K_M: 5", "plausible size"),
    ("weights-and-quants", MODEL, "talker-{quant}.gguf", "talker.gguf", "one file name"),
    ("weights-and-quants", MODEL, "repository: Lab/Talker-8B}", "repository: Lab/Talker-8B, file: x}", "only GGUF"),
    ("quantisations-computable", "knowledge/vocabulary/quantisations.yaml", "{id: Q8_0", "{id: Q9_X", "no size"),
    ("device-aliases", CHIP, "name: Intel Chip", "name: Intel Chip\naliases: [NVIDIA CARD]", "also a name of"),
    ("device-aliases", CHIP, "name: Intel Chip", 'name: Intel Chip\naliases: ["..."]', "without letters"),
    ("device-numbers", CARD, "bandwidth_gb_s: 936.2", "bandwidth_gb_s: 9.362", "not plausible"),
    ("device-numbers", CARD, "memory_gib: [24]", "memory_gib: [24576]", "not plausible"),
    ("device-numbers", CARD, "memory_gib: [24]", "memory_gib: []", "without memory"),
    ("device-numbers", CARD, "power_w: 350", "power_w: 350000", "not plausible"),
    ("device-numbers", CARD, "fp8: 142.4", "fp8: 14.24", "beside fp16"),
    ("device-numbers", CARD, "power_w: 350", 'variants: {"48": {bandwidth_gb_s: 900}}', "not sold"),
    ("device-numbers", CARD, "power_w: 350", "gpu_share: 0.5", "only unified"),
    ("ids-well-formed", CHIP, "vendor: intel", "vendor: amd", "not the folder"),
    ("bandwidth-from-bus", CARD, "power_w: 350", "bus_bits: 384\ndata_rate_gbps: 18", "expected 864"),
    ("published-sizes", MODEL, "Q4_K_M: 5027783488", "Q4_K_M: 7027783488", "not what parameters and bits give"),
    ("dates-in-order", MODEL, "released: 2026-10", "released: 2026-12", "later than the review"),
    (
        "references-exist",
        MODEL,
        "use_cases: {chat: 3}",
        "use_cases: {chat: 3}\nsuperseded_by: lab/nobody",
        "there is no model 'lab/nobody'",
    ),
    (
        "references-exist",
        SERVER,
        "status: active",
        "status: dormant\ninstead: {use: [nobody], because: Gone.}",
        "there is no server 'nobody'",
    ),
    ("nothing-unknown", MODEL, "released: 2026-10", "released: unknown", "the release is unknown"),
    ("nothing-unknown", MODEL, "repository: Lab/Talker-8B}", "repository: unknown/unknown}", "the repository is unknown"),
    ("sources-resolve", MODEL, "reviewed: 2026-11-01", DISPUTED + "reviewed: 2026-11-01", "'nowhere' is not listed"),
    ("server-flags", SERVER, "flag: --port", "flag: --old", "exists only before 1.1"),
    (
        "rules-are-sound",
        RULES,
        "    because: Many users want batches.",
        "    because: Batches.\n    overrides: nothing",
        "there is no rule",
    ),
    ("parsers-exist", MODEL, "capabilities: [tools]", "capabilities: [tools]\nparsers: {tester: {tool: qwen}}", "no parser 'qwen'"),
    ("parsers-exist", MODEL, "capabilities: [tools]", "capabilities: [tools]\nsampling: {chatting: {top_k: 20}}", "Did you mean chat?"),
    ("pins-are-safe", SERVER, 'minimum: "1.0"', 'minimum: "1.10"', "older than the minimum"),
    ("pins-are-safe", SERVER, "launch:", 'security: [{id: CVE-1, fixed_in: "1.3", source: test-page}]\nlaunch:', "fixed only in 1.3"),
    ("pins-are-safe", SERVER, "launch:", 'backends: {cuda: {image: "tester:latest"}}\nlaunch:', "not of the pinned version"),
    ("rules-have-cases", "tests/cases/many.yaml", "covers: [many-users]", "covers: []", "no case covers"),
    ("rules-have-cases", "tests/cases/many.yaml", "covers: [many-users]", "covers: [many-users, gone]", "there is no rule"),
    ("rules-select-known", RULES, "prefer: {server: tester}", "prefer: {server: testa}", "Did you mean tester"),
    ("rules-select-known", RULES, "prefer: {server: tester}", "prefer: {servers: tester}", "unknown selector"),
    ("rules-select-known", RULES, "is: tester", "is: toaster", "does not exist"),
    ("questions-are-asked", QUESTION, "default: chat", "default: talk", "not among the choices"),
    ("questions-are-asked", QUESTION, "order: 10", "order: 20", "same place"),
    ("questions-are-asked", QUESTION, "sets: needs.use_case", "sets: needs.experience", "same fact"),
    ("questions-are-asked", QUESTION, "choices_from: use-cases\n", "", "either choices or choices_from"),
    ("questions-are-asked", QUESTION, "sets: needs.use_case", "sets: needs.users", "no question offers chat"),
    ("use-cases-are-served", MODEL, "use_cases: {chat: 3}", "use_cases: {}", "no model is for chat"),
    ("use-cases-are-served", "knowledge/vocabulary/use-cases.yaml", "task: text-generation", "task: dreaming", "no model has this task"),
    ("use-cases-are-served", "knowledge/vocabulary/use-cases.yaml", "clients: [shell]", "clients: [shelf]", "there is no 'shelf'"),
]


@pytest.mark.parametrize(("check", "file", "old", "new", "words"), BREAKS)
def test_a_break_is_found(base, check, file, old, new, words):
    base.change(file, old, new)
    report = base.examine()
    found = [str(problem) for problem in report.errors if problem.check == check]
    assert any(words in text for text in found), [str(problem) for problem in report.problems]


@pytest.mark.parametrize(
    ("check", "file", "text", "words"),
    [
        (
            "sources-unique",
            "knowledge/sources/more.yaml",
            'sources: [{id: test-page, title: x, url: "https://example.com", retrieved: 2026-11-01}]\n',
            "comes twice",
        ),
        (
            "sources-resolve",
            "knowledge/sources/more.yaml",
            'sources: [{id: idle, title: x, url: "https://example.com", retrieved: 2026-11-01}]\n',
            "nothing cites",
        ),
        (
            "review-ages",
            "knowledge/sources/more.yaml",
            'sources: [{id: idle, title: x, url: "https://example.com", retrieved: 2999-11-01}]\n',
            "future",
        ),
        (
            "pairings-exist",
            "knowledge/pairings/nobody/talker-8b.yaml",
            "notes: [x]\nsources: [test-page]\nreviewed: 2026-11-01\n",
            "there is no server",
        ),
        (
            "pairings-exist",
            "knowledge/pairings/tester/nobody.yaml",
            "notes: [x]\nsources: [test-page]\nreviewed: 2026-11-01\n",
            "there is no model",
        ),
        ("pairings-exist", "knowledge/hosted/seller.yaml", OFFER, "there is no model"),
        ("references-exist", "knowledge/instances/cloud/one.yaml", INSTANCE.replace("nvidia/card", "nvidia/cart"), "there is no device"),
        ("references-exist", "knowledge/instances/cloud/one.yaml", INSTANCE.replace("[{id: nvidia/card, count: 2}]", "[]"), "neither"),
        ("dates-in-order", "knowledge/instances/cloud/one.yaml", INSTANCE.replace("2026-10-01", "2026-12-01"), "later than"),
        ("references-exist", "knowledge/setups/one.yaml", SETUP.replace("client: shell", "client: shelf"), "there is no client"),
        ("references-exist", "knowledge/setups/one.yaml", SETUP.replace(', shell: "1"', ""), "has no version"),
        (
            "names-unique",
            "knowledge/clients/other.yaml",
            "name: Shell\napis: [openai]\nsources: [test-page]\nreviewed: 2026-11-01\n",
            "also a name",
        ),
        (
            "pairings-exist",
            "knowledge/measurements/card/run.yaml",
            MEASUREMENT,
            "there is no device",
        ),
    ],
)
def test_a_bad_new_file_is_found(base, check, file, text, words):
    base.write(file, text)
    assert any(words in str(found) for found in base.examine().errors if found.check == check), [
        str(found) for found in base.examine().problems
    ]


def test_instances_and_setups_in_order_are_no_problem(base):
    base.write("knowledge/instances/cloud/one.yaml", INSTANCE)
    base.write("knowledge/setups/one.yaml", SETUP)
    assert [str(found) for found in base.examine().problems] == []


def test_a_setup_that_was_blessed_with_another_version_is_a_warning(base):
    base.write("knowledge/setups/one.yaml", SETUP.replace('tester: "1.2"', 'tester: "1.1"'))
    report = base.examine()
    assert report.errors == []
    assert [found.expected for found in report.problems] == ["1.2"]


def test_weights_of_a_setup_are_published(base):
    base.write("knowledge/setups/one.yaml", SETUP.replace("Q4_K_M", "BF16").replace("BF16", "Q8_0"))
    assert base.examine().errors == []
    base.change("knowledge/models/lab/talker-8b.yaml", "quants: [Q4_K_M, Q8_0]", "quants: [Q4_K_M]")
    assert any("not published so" in str(found) for found in base.examine().errors)


def test_sizes_that_differ_a_little_are_a_warning(base):
    base.change(MODEL, "Q4_K_M: 5027783488", "Q4_K_M: 5727783488")
    report = base.examine()
    assert report.errors == []
    assert [found.check for found in report.problems] == ["published-sizes"]


def test_ids_are_paths(base):
    text = (base.root / MODEL).read_text(encoding="utf-8")
    base.write("knowledge/models/talker.yaml", text)
    base.write("knowledge/models/lab/Talker_9B.yaml", text)
    found = {problem.file: problem.message for problem in base.examine().errors if problem.check == "ids-well-formed"}
    assert found == {
        "knowledge/models/talker.yaml": "the file lies at the wrong depth.",
        "knowledge/models/lab/Talker_9B.yaml": "the path is no id.",
    }


def test_two_rules_may_not_set_the_same_thing(base):
    path = base.root / RULES
    text = path.read_text(encoding="utf-8")
    base.write("tests/cases/many.yaml", "story: Many\ncovers: [many-users, few-users]\n")
    setting = text.replace("{prefer: {server: tester}, weight: 3}", "{set: {parallel: 4}}")
    path.write_text(setting + SECOND_RULE, encoding="utf-8")
    assert [problem.check for problem in base.examine().errors] == ["rules-are-sound"]
    path.write_text(setting + SECOND_RULE + "    overrides: many-users\n", encoding="utf-8")
    assert base.examine().problems == ()
    path.write_text(setting + SECOND_RULE.replace("fact: needs.users, below: 20", "fact: server.id, is: other"), encoding="utf-8")
    assert "rules-are-sound" not in [problem.check for problem in base.examine().errors], "their conditions exclude each other"
    for most, sound in (("7", True), ("8", False)):
        path.write_text(setting + SECOND_RULE.replace("below: 20", f"at_most: {most}"), encoding="utf-8")
        found = "rules-are-sound" not in [problem.check for problem in base.examine().errors]
        assert found is sound, "numbers that do not meet exclude each other"


def test_two_rules_may_not_share_an_id(base):
    path = base.root / RULES
    path.write_text(path.read_text(encoding="utf-8") + SECOND_RULE.replace("few-users", "many-users"), encoding="utf-8")
    assert any("comes twice" in problem.message for problem in base.examine().errors if problem.check == "rules-are-sound")


def test_two_servers_on_one_port_are_a_warning(base):
    base.write("knowledge/servers/other.yaml", (base.root / SERVER).read_text(encoding="utf-8").replace("name: Tester", "name: Other"))
    report = base.examine()
    assert report.errors == []
    assert [problem.check for problem in report.problems] == ["one-port-per-server"]


def test_ages_have_a_warning_before_the_error(base):
    tree = load_tree(base.root)
    reviewed = dt.date(2026, 11, 1)
    for days, warning in ((0, None), (120, None), (121, True), (365, True), (366, False)):
        found = [item for item in review_ages.find(tree, reviewed + dt.timedelta(days=days)) if item.file == MODEL]
        assert [item.warning for item in found] == ([] if warning is None else [warning]), days


def test_exceptions_must_keep_failing(base):
    def offend(tree):
        yield problem(tree.files["model"]["lab/talker-8b"], ("name",), "offends.")

    tree = load_tree(base.root)
    assert list(run_check(Check("x", "x", offend, frozenset({f"{MODEL}#name"})), tree)) == []
    (found,) = run_check(Check("x", "x", lambda _: (), frozenset({f"{MODEL}#name"})), tree)
    assert "unnecessary exception" in found.message


def test_every_check_is_named_once_and_described():
    checks = all_checks()
    assert len({check.name for check in checks}) == len(checks)
    assert all(check.description.endswith(".") for check in checks)


def test_every_check_is_shown_to_fail():
    shown = {entry[0] for entry in BREAKS} | {"sources-unique", "pairings-exist", "one-port-per-server", "names-unique"}
    assert {check.name for check in all_checks()} == shown


def test_a_problem_is_one_line_with_place_and_advice():
    text = str(Problem("a.yaml", 3, "b.c", "wrong.", actual="1", expected="2", tip="Mend it.", check="x"))
    assert text == "a.yaml:3 b.c: wrong. Found 1, expected 2. Mend it. [x]"
