"""Targets: asked for by name, on top of the usual ones or in their place, and where their facts come from."""

import pytest
import yaml
from plans import HOPS, ROOT, TEMPLATES, plan

from setupgen.errors import NothingFitsError, UnknownNameError, UsageError
from setupgen.render.files import render, render_proxy, render_setup


def test_a_target_can_be_asked_for_by_name():
    assert set(render(plan(), TEMPLATES, targets=["compose"])) == {"compose.yaml"}
    with pytest.raises(NothingFitsError, match=r"target 'native' cannot serve.*choice\.runtime is 'native', and the plan has 'docker'"):
        render(plan(), TEMPLATES, targets=["native"])
    with pytest.raises(UnknownNameError, match="compose"):
        render(plan(), TEMPLATES, targets=["composee"])


def with_target(id_, **keys):
    """The templates and one more target that is written on request alone."""
    file = {"path": f"{id_}.txt", "template": "x.txt.j2", "about": "a file more"}
    target = {
        "role": "extra",
        "on_request": True,
        "serves": {"fact": "choice", "exists": True},
        "files": [file],
        "texts": {"x.txt.j2": "x"},
    }
    return TEMPLATES | {id_: target | keys}


def test_a_target_on_request_comes_on_top_of_the_usual_ones():
    usual = render_setup(plan(), with_target("more"))
    assert "more.txt" not in usual.files
    asked = render_setup(plan(), with_target("more"), targets=["more"], command="setupgen write .")
    assert set(asked.files) == {*usual.files, "more.txt"}
    assert not asked.partial
    assert "- `more.txt`: a file more." in asked.files["README.md"]
    assert "setupgen write . --target more\n" in asked.files["compose.yaml"]
    both = render_setup(plan(), with_target("more"), targets=["compose", "more"])
    assert set(both.files) == {"compose.yaml", "more.txt"}
    assert both.partial


def test_a_target_on_request_that_runs_the_server_takes_the_usual_ones_place():
    templates = with_target("quick", role="runtime")
    asked = render_setup(plan(), templates, targets=["quick"])
    assert "quick.txt" in asked.files
    assert "README.md" in asked.files
    assert "compose.yaml" not in asked.files
    with pytest.raises(UsageError, match="quick and slow both run the server"):
        render(plan(), templates | with_target("slow", role="runtime"), targets=["quick", "slow"])
    with pytest.raises(NothingFitsError, match="--target quick"):
        render(plan(), {"quick": templates["quick"], "setup": TEMPLATES["setup"]})


def test_a_plan_without_a_choice_or_a_template_says_so():
    with pytest.raises(NothingFitsError, match="no setup to write"):
        render(plan() | {"choice": None}, TEMPLATES)
    with pytest.raises(NothingFitsError, match="'kubernetes'"):
        render(plan(runtime="kubernetes"), {key: TEMPLATES[key] for key in ("compose", "setup", "native")})


def test_two_templates_for_one_path_are_refused():
    twice = {"compose": TEMPLATES["compose"], "again": TEMPLATES["compose"] | {"role": "extra"}}
    with pytest.raises(UsageError, match=r"two templates make the file 'compose\.yaml'"):
        render(plan(), twice)


def test_a_fleet_proxy_is_a_folder_of_its_own():
    made = render_proxy(HOPS, TEMPLATES, knowledge={"digest": "sha256:x"}, command="setupgen fleet inventory.yaml -o DIR")
    assert set(made.files) == {"hosts.yml", "hosts.py", "compose.yaml", "README.md", ".env", ".env.example", ".gitignore"}
    assert made.secrets == {".env": []}


@pytest.mark.parametrize("id_", TEMPLATES)
def test_every_target_says_what_it_is_for_and_who_said_so(id_):
    target = TEMPLATES[id_]
    assert {"name", "description", "role", "serves", "files", "sources", "reviewed", "minimum_version", "pinned_version"} <= set(target)
    for file in target["files"]:
        assert {"path", "template", "about"} <= set(file)
        assert file["template"] in target["texts"]
    used = {file["template"] for file in target["files"]}
    assert all(name in used or name.startswith("_") for name in target["texts"])


def test_every_source_of_a_target_is_listed():
    lists = {path.stem: yaml.safe_load(path.read_text("utf-8"))["sources"] for path in (ROOT / "knowledge/sources").glob("*.yaml")}
    used = {source for target in TEMPLATES.values() for source in target["sources"]}
    assert {source["id"] for source in lists["templates"]} <= used
    assert used <= {source["id"] for listed in lists.values() for source in listed}
