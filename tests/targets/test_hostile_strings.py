"""Hostile text through every folder of templates/: what comes out parses and carries the text as data, or the input is refused.

Each kind of text is put into each field of plans that a target serves, and the files of that target are compared with those of a plain word
in the same place: the same texts, with the plain word replaced. Nothing is listed here by target, so that a new one is tried by itself;
one that no plan of `plans.py` suits must bring a plan.
"""

import csv
import functools
import json
import re
import tempfile
from pathlib import Path

import pytest
from hostile import HOSTILE
from plans import HOPS, SHAPES, TEMPLATES, merged
from proxy_plans import PROXIES
from readers import flat, texts_of
from target_tools import run
from test_clusters import STORIES, plan_of
from test_nixos import AROUND
from test_quadlet import command, generated

from setupgen.errors import NothingFitsError, SetupgenError, UsageError
from setupgen.render.files import render_proxy, render_setup

MARK = "plainword"
FIELDS = {
    "host": [("settings", "bind"), ("connection", "host")],
    "proxy's address": [("proxy", "address")],
    "address": [("connection", "base_url"), ("connection", "openai_url"), ("connection", "anthropic_url")],
    "model": [("model", "name"), ("model", "id")],
    "source": [("weights", "source"), ("weights", "repository")],
    "alias": [("settings", "alias"), ("connection", "model")],
    "path": [("settings", "weights_file")],
    "key": [("settings", "auth", "env"), ("connection", "key_env")],
    "proxy's key": [("proxy", "auth", "env")],
    "flag": [("settings", "flags", -1)],
    "setting": [("settings", "environment", "SETTING")],
    "image": [("container", "image")],
    "server": [("server", "name")],
}
# An image without a registry would get podman's usual one, and an address without a host has no place to be cut at.
WHOLE = {("container", "image"): "quay.io/x/{}", ("connection", "base_url"): "https://192.168.1.20:8443/{}"}
FIRST = ("ollama-alias", "ollama-lan-podman", "llama-cpp-key", "vllm-internet", "ollama-macos-lan", "llama-cpp-windows-lan", *SHAPES)
"""Plans with many parts, tried first; a target is tried with the first two that it serves."""

PROXY_FIELDS = {
    "host": [("hosts", 0, "host"), ("backends", 0, "url")],
    "name": [("hosts", 0, "id"), ("backends", 0, "name")],
    "model": [("backends", 0, "models", 0, "name")],
    "alias": [("backends", 0, "models", 0, "alias")],
    "key": [("hosts", 0, "headers", "Authorization", "env"), ("backends", 0, "key_env")],
    "proxy's key": [("auth", "env")],
}


def replaced(value, path, text):
    """A document with one text replaced; `None` where it has no such place."""
    key, *rest = path
    if isinstance(value, list):
        if not value:
            return None
        inner = replaced(value[key], rest, text) if rest else text
        index = key % len(value)
        return None if inner is None else [*value[:index], inner, *value[index + 1 :]]
    if not isinstance(value, dict) or (rest and not value.get(key)):
        return None
    inner = replaced(value[key], rest, text) if rest else text
    return None if inner is None else value | {key: inner}


def with_text(document, paths, text):
    """The document with a text in each of these places that it has; `None` where it has none of them."""
    found = [made for path in paths if (made := replaced(document, path, text)) is not None]
    if not found:
        return None
    for path in paths:
        document = replaced(document, path, text) or document
    return document


@functools.cache
def ways(target):
    """How a target is tried: name to a function that gives its files for a field and a text, `None` where it has no such field."""
    found = {}
    for shape in dict.fromkeys(FIRST):
        if len(found) < 2 and rendered(target, SHAPES[shape]) is not None:
            found[shape] = (FIELDS, functools.partial(of_plan, target, SHAPES[shape]))
    if not found:
        for name, proxy in (("hops", HOPS), *sorted(PROXIES.items(), key=lambda item: "podman" in item[0])):
            if len(found) < 2 and rendered_proxy(target, proxy) is not None:
                found[name] = (PROXY_FIELDS, functools.partial(of_proxy, target, proxy))
    if not found:
        # Plans for clusters come from the engine, with all that they say of the cluster.
        story = next((story for story in STORIES if rendered(target, plan_of(story)) is not None), None)
        if story:
            found[story] = (FIELDS, functools.partial(of_plan, target, plan_of(story)))
    return found


def rendered(target, made, name="x"):
    """The files of one target for a plan; `None` where it does not serve it."""
    try:
        files = render_setup(made, TEMPLATES, targets=[target], name=name).files
    except NothingFitsError:
        return None
    return own(target, files, name)


def rendered_proxy(target, proxy, name="x"):
    if proxy["id"] != target:
        return None
    try:
        return own(target, render_proxy(proxy, TEMPLATES, knowledge={}, name=name).files, name)
    except NothingFitsError:
        return None


def own(target, files, name):
    paths = {entry["path"].replace("{name}", name) for entry in TEMPLATES[target]["files"]}
    return {path: text for path, text in files.items() if path in paths}


def of_plan(target, made, paths, text, name):
    choice = with_text(made["choice"], paths, WHOLE.get(paths[0], "{}").replace("{}", text))
    if choice is None:
        return None
    if paths == FIELDS["flag"]:
        choice = merged(choice, {"settings": {"flags": ["--chat-template", text]}})
    if paths == FIELDS["path"] and choice["container"]:
        choice = merged(choice, {"container": {"weights_path": "/weights/model.gguf"}})
    return rendered(target, made | {"choice": choice}, name)


def of_proxy(target, proxy, paths, text, name):
    made = with_text(proxy, paths, text)
    return None if made is None else rendered_proxy(target, made, name)


# Names in a fleet are letters, digits and dashes; tests/cli/test_fleet.py sees others refused.
@pytest.mark.parametrize("target", sorted(set(TEMPLATES) - {"fleet", "balancer"}))
def test_every_target_has_a_plan_to_be_tried_with(target):
    assert ways(target), f"no plan of tests/render/plans.py suits the target {target}: add one to SHAPES"


TRIED = [(target, way) for target in TEMPLATES for way in ways(target)]


@functools.cache
def plain(target, way):
    """What is made of a plain word in each field (or what was said in its place), and what those files say."""
    fields, render = ways(target)[way]
    made = {f"x{index}": answer(render, paths, MARK, f"x{index}") for index, paths in enumerate(fields.values())}
    with tempfile.TemporaryDirectory() as directory:
        texts = read_all({(name, path): text for name, (files, _) in made.items() for path, text in (files or {}).items()}, Path(directory))
    return made, texts


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize(("target", "way"), TRIED)
def test_hostile_text_is_data_or_refused(target, way, kind, tmp_path):
    fields, render = ways(target)[way]
    made, plain_texts = plain(target, way)
    found, where = {}, {}
    for index, (field, paths) in enumerate(fields.items()):
        name = f"x{index}"
        files, refusal = answer(render, paths, HOSTILE[kind], name)
        if refusal is not None:
            assert isinstance(refusal, UsageError), f"{field}: {refusal!r}"
            assert 0 < len(str(refusal)) < 1000
            continue
        expected, plain_refusal = made[name]
        assert plain_refusal is None, field
        if files is None:
            # Nothing to write with an empty image, or the like; any other text must not change whom the target serves.
            assert expected is None or HOSTILE[kind] == "", field
            continue
        for path, text in files.items():
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text), (field, path)
            found[name, path] = text
            where[name, path] = field
    texts = read_all(found, tmp_path)
    if HOSTILE[kind] == "":
        return
    for at, field in where.items():
        name, path = at
        if texts[at] is None:
            assert path.endswith(".md") or len(found[at].splitlines()) == len(made[name][0][path].splitlines()), (field, at)
        else:
            wanted = [text.replace(MARK, HOSTILE[kind]) for text in plain_texts[at]]
            assert [split_mount(text) for text in texts[at]] == wanted, (field, at)


def answer(render, *arguments):
    """The files, or what was said in their place."""
    try:
        return render(*arguments), None
    except SetupgenError as refusal:
        return None, refusal


def read_all(files, directory):
    """What each file says, by the reader of its format; quadlets and Nix are read all at once, since their programs take long to start."""
    found = {at: None if is_batched(at[1]) else texts_of(at[1], text) for at, text in files.items()}
    batched = {at: text for at, text in files.items() if is_batched(at[1])}
    if not batched:
        return found
    for (_, path), text in batched.items():
        (directory / path).write_text(text)
    if any(path.endswith(".container") for _, path in batched):
        services = generated(directory)
        found |= {(name, path): command(services[path.replace(".container", ".service")]) for name, path in batched if "container" in path}
        found |= {at: [] for at in batched if at[1].endswith(".network")}
    if modules := [at for at in batched if at[1].endswith(".nix")]:
        each = " ".join(f"({AROUND % path})" for _, path in modules)
        done = run("nix-instantiate", "--eval", "--strict", "--json", "--expr", f"[ {each} ]", cwd=directory)
        found |= {at: flat(value) for at, value in zip(modules, json.loads(done.stdout), strict=True)}
    return found


def split_mount(text):
    """The options of `--mount` without the quotes that their commas asked for."""
    return ",".join(next(csv.reader([text]))) if text.startswith("type=bind,") else text


def is_batched(path):
    return path.endswith((".container", ".network", ".nix"))
