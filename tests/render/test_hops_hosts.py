"""One test per rule of HOPS' hosts.yml: what it refuses, or silently drops, never reaches a file."""

import pytest
import yaml
from plans import HOPS, TEMPLATES

from setupgen.errors import UsageError
from setupgen.render.files import render_proxy
from setupgen.render.hops import hosts_of


def hosts(*entries):
    return hosts_of({"hosts": [{"id": "a", "host": "http://10.0.0.5:11434"} | entry for entry in entries]})


@pytest.mark.parametrize(
    ("entry", "place", "says"),
    [
        ({"id": 1}, "hosts[0].id", "not a text"),
        ({"id": ""}, "hosts[0].id", "not a text"),
        ({"host": None}, "hosts[0].host", "not a text"),
        ({"name": "x"}, "hosts[0].name", "no setting 'name'"),
        ({"models": []}, "hosts[0].models", "no setting"),
        ({"weight": 2}, "hosts[0].weight", "no setting"),
        ({"auth": ["u", "p"]}, "hosts[0].auth", "no setting"),
        ({"http2": True}, "hosts[0].http2", "no setting"),
        ({"host": "10.0.0.5:11434"}, "hosts[0].host", "scheme"),
        ({"host": "http://10.0.0.5"}, "hosts[0].host", "no port"),
        ({"host": "https://box.lan"}, "hosts[0].host", "no port"),
        ({"host": "http://10.0.0.5:99999"}, "hosts[0].host", "not an address"),
        ({"host": "http://user:pw@10.0.0.5:11434"}, "hosts[0].host", "drops a user name"),
        ({"host": "ftp://10.0.0.5:11434"}, "hosts[0].host", "scheme"),
        ({"host": "http://10.0.0.5:11434/a b"}, "hosts[0].host", "scheme"),
        ({"headers": {"X-A": 1}}, "hosts[0].headers.X-A", "not a text"),
        ({"headers": {"X-A": ["a"]}}, "hosts[0].headers.X-A", "not a text"),
        ({"headers": {"X A": "a"}}, "hosts[0].headers.X A", "not the name of a header"),
        ({"headers": {"X-A": "ä"}}, "hosts[0].headers.X-A", "cannot be sent"),
        ({"headers": {"X-A": "${TOKEN}"}}, "hosts[0].headers.X-A", "cannot be sent"),
        ({"headers": {"Authorization": "Bearer secret"}}, "hosts[0].headers.Authorization", "secret may not stand"),
        ({"headers": {"Authorization": {"env": "A-B"}}}, "hosts[0].headers.Authorization", "does not name a variable"),
        ({"headers": {"Authorization": {"file": "x"}}}, "hosts[0].headers.Authorization", "does not name a variable"),
        ({"timeout": "60"}, "hosts[0].timeout", "not a number"),
        ({"timeout": True}, "hosts[0].timeout", "not a number"),
        ({"verify": 1.5}, "hosts[0].verify", "neither true"),
    ],
)
def test_what_hops_cannot_use_is_refused(entry, place, says):
    with pytest.raises(UsageError, match=says) as caught:
        hosts(entry)
    assert caught.value.place == f"proxy.{place}"


def test_two_entries_of_one_address_are_refused():
    with pytest.raises(UsageError, match=r"is the address of hosts\[0\] too"):
        hosts({}, {"id": "b", "host": "HTTP://10.0.0.5:11434/"})


def test_a_fleet_without_hosts_is_refused():
    with pytest.raises(UsageError, match="no host"):
        hosts_of({"hosts": []})


def test_everything_that_hops_takes_is_kept_in_order():
    entry = {"headers": {"X-Team": "blue"}, "timeout": 600, "verify": "/ca.pem", "follow_redirects": True}
    assert hosts(entry) == [{"id": "a", "host": "http://10.0.0.5:11434"} | entry]


def test_an_empty_timeout_and_empty_headers_are_left_out():
    assert hosts({"timeout": None, "headers": None}) == [{"id": "a", "host": "http://10.0.0.5:11434"}]


def test_the_file_is_one_list_with_text_ids_and_no_secret():
    rendered = render_proxy(HOPS, TEMPLATES, knowledge={"digest": "sha256:x"})
    assert yaml.safe_load(rendered.files["hosts.yml"]) == [
        {"id": "tower", "host": "http://10.0.0.5:11434", "headers": {"Authorization": "${TOWER_TOKEN}"}, "timeout": 600},
        {"id": "mini", "host": "http://10.0.0.6:11434"},
    ]
    assert "TOWER_TOKEN=\n" in rendered.files[".env"]


def test_hops_runs_with_workers_from_its_pinned_commit_behind_a_health_check():
    services = yaml.safe_load(render_proxy(HOPS, TEMPLATES, knowledge={}).files["compose.yaml"])["services"]
    assert services["hops"]["command"][-2:] == ["--workers", "8"]
    assert services["hops"]["environment"] == {"OLLAMA_HOSTS": "/data/hosts.yml"}
    assert services["hops"]["depends_on"] == {"watch": {"condition": "service_healthy"}}
    assert services["hops"]["restart"] == "always"
    assert services["hops"]["ports"] == ["127.0.0.1:11434:11434"]
    assert services["hops"]["build"].endswith("#d534dc3ebf3470847960ea6a7795dc16b440af45")
