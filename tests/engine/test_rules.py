"""Rules: effects that do not depend on order, settings that override others, and a shorter book for one host."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planner import facts, pack

from setupgen.engine.candidates import SHARED
from setupgen.engine.deployments import excluding
from setupgen.engine.host import Host
from setupgen.engine.rules import RuleBook, without_overridden
from setupgen.knowledge import Pack

ALWAYS = {"all": []}


def rule(then, when=ALWAYS, **more):
    return {"topic": "test", "when": when, "then": then, "because": "It is so.", "sources": [], **more}


def book(rules, pairings=None, models=()):
    raw = {
        "digest": "", "version": "", "oldest_review": "", "rules": rules, "pairings": pairings or {}, "models": {},
        "vocabulary": {
            "facts": [
                {"id": "needs.users", "scope": "host", "ask": "How many people?"},
                {"id": "server.id", "scope": "candidate"},
                {"id": "model.id", "scope": "candidate"},
            ]
        },
    }  # fmt: skip
    made = Pack(raw)
    made.__dict__["models"] = dict.fromkeys(models)
    return RuleBook(made)


def values(effects):
    return [dict(effect.values) for effect in effects if effect.kind == "set"]


TAGS = [{"server": server, "backend": backend} for server in ("ollama", "vllm") for backend in ("cuda", "rocm", "cpu")]
SELECTING = [
    rule([{"exclude": {"backend": "cpu"}}]),
    rule([{"require": {"backend": ["cuda", "rocm"]}}]),
    rule([{"exclude": {"server": "vllm", "backend": "rocm"}}]),
    rule([{"require": {"server": ["ollama", "vllm"]}}, {"exclude": {"server": "ollama", "backend": "rocm"}}]),
]


@pytest.mark.parametrize("order", list(permutations("abcd")))
def test_what_is_excluded_and_required_does_not_depend_on_order(order):
    judgement = book(dict(zip(order, SELECTING, strict=True))).judge_host(lambda name: None)
    kept = [tags for tags in TAGS if not any(excluding(judgement, tags, partial=True))]
    assert kept == [{"server": "ollama", "backend": "cuda"}, {"server": "vllm", "backend": "cuda"}]


def test_rules_are_judged_in_order_of_id_however_the_file_lists_them():
    rules = {name: rule([{"warn": {"text": name}}]) for name in ("c", "a", "b")}
    effects = book(rules).judge_host(lambda name: None).effects
    assert [effect.text for effect in effects] == ["a", "b", "c"]


def test_an_empty_selector_covers_everything_and_a_list_any_of_its_items():
    judgement = book({"a": rule([{"prefer": {}, "weight": 3}]), "b": rule([{"prefer": {"attention": ["recurrent"]}}])}).judge_host(
        lambda name: None
    )
    everything, hybrid = judgement.effects
    assert (everything.weight, hybrid.weight) == (3.0, 1.0)
    assert everything.selects({})
    assert hybrid.selects({"attention": ["full", "recurrent"]})
    assert not hybrid.selects({"attention": ["full"]})
    assert not hybrid.selects({})


def test_a_selector_waits_for_tags_that_are_not_known_yet():
    judgement = book({"a": rule([{"exclude": {"server": "vllm", "offload": "layers"}}])}).judge_host(lambda name: None)
    assert not list(excluding(judgement, {"server": "vllm"}, partial=True))
    assert list(excluding(judgement, {"server": "vllm", "offload": "layers"}, partial=True))


def test_a_rule_takes_back_the_settings_of_the_one_that_it_overrides():
    rules = {"general": rule([{"set": {"settings.port": 1}}]), "special": rule([{"set": {"settings.port": 2}}], overrides="general")}
    assert values(book(rules).judge_host(lambda name: None).effects) == [{"settings.port": 2}]


def test_an_overriding_rule_that_does_not_hold_takes_nothing_back():
    rules = {
        "general": rule([{"set": {"settings.port": 1}}]),
        "special": rule([{"set": {"settings.port": 2}}], {"fact": "needs.users", "above": 9}, overrides="general"),
    }
    assert values(book(rules).judge_host({"needs.users": 1}.get).effects) == [{"settings.port": 1}]


def test_only_settings_are_overridden():
    rules = {
        "general": rule([{"set": {"settings.port": 1}}, {"warn": {"text": "Mind."}}]),
        "special": rule([{"set": {}}], overrides="general"),
    }
    assert [effect.kind for effect in book(rules).judge_host(lambda name: None).effects] == ["warn", "set"]


def test_a_rule_about_candidates_overrides_one_about_the_host():
    rules = {
        "general": rule([{"set": {"settings.port": 1}}], {"fact": "needs.users", "is": 1}),
        "special": rule([{"set": {"settings.port": 2}}], {"fact": "server.id", "is": "vllm"}, overrides="general"),
    }
    rulebook = book(rules)
    facts_ = {"needs.users": 1, "server.id": "vllm"}
    both = [*rulebook.judge_host(facts_.get).effects, *rulebook.judge(facts_.get).effects]
    assert values(without_overridden(both)) == [{"settings.port": 2}]


def test_a_rule_with_unknown_facts_has_no_effect_and_is_kept_with_what_was_missing():
    rulebook = book({"crowd": rule([{"exclude": {}}], {"fact": "needs.users", "above": 9})})
    judgement = rulebook.judge_host(lambda name: None)
    assert judgement.effects == []
    assert [(rule_.id, missing) for rule_, missing in judgement.unknown] == [("crowd", ("needs.users",))]
    assert rulebook.question("needs.users") == "How many people?"
    assert rulebook.question("server.id") == ""


def test_a_rule_that_reads_a_candidate_is_not_judged_for_the_host():
    rulebook = book({"one": rule([{"exclude": {}}], {"any": [{"fact": "needs.users", "is": 1}, {"fact": "server.id", "is": "vllm"}]})})
    assert rulebook.judge_host({"needs.users": 1}.get).effects == []
    assert len(rulebook.judge({"needs.users": 1}.get).effects) == 1


def test_a_pairing_is_a_rule_about_one_server_and_one_model():
    pairings = {
        "vllm/tiny": {"effect": {"exclude": True}, "because": "It crashes.", "sources": []},
        "ollama/tiny": {
            "when": {"fact": "needs.users", "above": 1},
            "effect": {"warn": {"text": "One at a time."}},
            "because": "",
            "sources": [],
        },
        "vllm/gone": {"effect": {"exclude": True}, "because": "No such model.", "sources": []},
    }
    rulebook = book({}, pairings, models=["lab/tiny"])
    assert [item.id for item in rulebook.rules] == ["pairing:ollama/tiny", "pairing:vllm/tiny"]
    here = {"server.id": "vllm", "model.id": "lab/tiny", "needs.users": 2}
    assert [effect.kind for effect in rulebook.judge(here.get).effects] == ["exclude"]
    assert [effect.text for effect in rulebook.judge((here | {"server.id": "ollama"}).get).effects] == ["One at a time."]
    assert rulebook.judge((here | {"server.id": "ollama", "needs.users": 1}).get).effects == []
    assert rulebook.judge((here | {"model.id": "lab/other"}).get).effects == []


HARDWARE = [
    "rtx-3090",
    "2x rtx-4090",
    "rtx-4060 laptop",
    "m2-max 64GB",
    "rx-7900-xtx",
    "arc-b580",
    "cpu",
    "raspberry pi 5 8GB",
    "gb10",
    "ryzen-ai-max-395 128GB",
]
hosts = st.fixed_dictionaries({
    "hardware": st.sampled_from(HARDWARE),
    "use_case": st.sampled_from(sorted(pack().vocabulary("use-cases"))),
    "experience": st.sampled_from(sorted(pack().vocabulary("experiences"))),
    "users": st.sampled_from([1, 2, 4, 8, 50]),
    "exposure": st.sampled_from(["local", "lan"]),
    "privacy": st.sampled_from(["local", "any"]),
})  # fmt: skip
own = st.fixed_dictionaries({
    "server.id": st.sampled_from(["llama-cpp", "ollama", "vllm"]),
    "model.id": st.sampled_from(sorted(pack().models)),
    "model.mixture": st.booleans(),
    "model.license_class": st.sampled_from(["open", "commercial"]),
    "model.thinking": st.sampled_from(["adjustable", "fixed", None]),
    "model.capabilities": st.sampled_from([["tools"], ["tools", "reasoning"]]),
    "weights.format": st.sampled_from(["gguf", "safetensors"]),
    "weights.quant": st.sampled_from(["Q4_K_M", "MXFP4"]),
    "weights.bits": st.sampled_from([3.5, 4.8, None]),
    "backend": st.sampled_from(["cuda", "rocm", "vulkan", "cpu"]),
    "runtime": st.sampled_from(["docker", "native"]),
    "offload.kind": st.sampled_from(["full", "layers", "experts", "cpu"]),
    "settings.context": st.sampled_from([4096, 65536, 1_000_000]),
    "settings.parallel": st.sampled_from([1, 8]),
    "settings.cache_bits": st.sampled_from([8, 16, None]),
    "settings.tensor_parallel": st.sampled_from([1, 2]),
    "fit.memory_margin_gib": st.sampled_from([0.1, 9.0]),
})  # fmt: skip


@settings(deadline=None)
@given(stated=hosts, candidate=own)
def test_a_book_narrowed_to_a_host_judges_candidates_like_the_whole_book(stated, candidate):
    host = Host(pack(), facts(**stated))
    whole = RuleBook(pack())

    def lookup(name):
        return candidate[name] if name in candidate else host.lookup.get(name)

    twice = whole.narrow(host.lookup.get).narrow(candidate.get, SHARED.__contains__)
    for shorter in (whole.narrow(host.lookup.get), twice):
        judges_alike(whole, shorter, lookup)


def judges_alike(whole, shorter, lookup):
    full, short = whole.judge(lookup), shorter.judge(lookup)
    assert [(effect.rule.id, effect.kind, effect.selector) for effect in full.effects] == [
        (effect.rule.id, effect.kind, effect.selector) for effect in short.effects
    ]
    assert [rule_.id for rule_, _ in full.unknown] == [rule_.id for rule_, _ in short.unknown]


def test_narrowing_leaves_the_whole_book_as_it_was():
    whole = RuleBook(pack())
    host = Host(pack(), facts(use_case="chat", hardware="rtx-3090"))
    before = len(whole.rules), len(whole._candidate)
    assert len(whole.narrow(host.lookup.get)._candidate) < before[1]
    assert (len(whole.rules), len(whole._candidate)) == before
