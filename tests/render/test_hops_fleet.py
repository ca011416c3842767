"""Each rule of HOPS' hosts.yml on the file of a whole fleet: six hosts of four kinds, one of them behind TLS, two with two servers."""

from urllib.parse import urlsplit

import pytest
import yaml

from case_tools import planned_fleet

ALLOWED = {"id", "host", "headers", "timeout", "verify", "follow_redirects", "trust_env", "max_redirects", "proxy"}


@pytest.fixture(scope="module")
def fleet():
    return planned_fleet("home", "hops")


@pytest.fixture(scope="module")
def text(fleet):
    return fleet["files"]["proxy/hosts.yml"]


@pytest.fixture(scope="module")
def hosts(text):
    return yaml.safe_load(text)


def test_it_is_one_document_with_a_list(text, hosts):
    assert len(list(yaml.safe_load_all(text))) == 1
    assert isinstance(hosts, list)
    assert len(hosts) > 4
    assert "\t" not in text


def test_entries_have_no_key_that_stops_it(hosts):
    for host in hosts:
        assert {"id", "host"} <= set(host) <= ALLOWED


def test_ids_are_text_and_name_each_server_once(fleet, hosts):
    assert all(isinstance(host["id"], str) for host in hosts)
    assert [host["id"] for host in hosts] == sorted(item["name"] for item in fleet["placements"])


def test_addresses_have_scheme_and_port_and_no_password(hosts):
    for host in hosts:
        parts = urlsplit(host["host"])
        assert parts.scheme in {"http", "https"}
        assert parts.port
        assert (parts.username, parts.password, parts.path, parts.query) == (None, None, "", "")


def test_no_address_comes_twice(hosts):
    assert len({host["host"].lower().rstrip("/") for host in hosts}) == len(hosts)


def test_each_address_is_where_its_server_was_placed(fleet, hosts):
    assert {host["id"]: host["host"] for host in hosts} == {item["name"]: item["address"] for item in fleet["placements"]}


def test_headers_are_text_and_hold_names_of_variables_only(fleet, hosts):
    names = {line.partition("=")[0] for line in fleet["files"]["proxy/.env"].splitlines() if not line.startswith("#")}
    for host in hosts:
        assert host["headers"]
        for name, value in host["headers"].items():
            assert isinstance(name, str)
            assert value.startswith("${")
            assert value[2:-1] in names


def test_it_does_not_wait_for_ever_and_not_too_short(hosts):
    assert {host["timeout"] for host in hosts} == {600}


def test_certificates_are_checked(hosts):
    assert not any("verify" in host for host in hosts)


def test_every_server_is_ollama_and_its_names_have_a_tag(fleet):
    for item in fleet["placements"]:
        assert item["server"] == "ollama"
        assert item["alias"].count(":") == 1


def test_workers_are_more_than_all_slots(fleet):
    command = yaml.safe_load(fleet["files"]["proxy/compose.yaml"])["services"]
    words = [word for service in command.values() for word in map(str, service.get("command", []))]
    slots = sum(item["settings"]["parallel"] for item in fleet["placements"])
    assert int(words[words.index("--workers") + 1]) > slots


def test_what_vanishes_is_warned_of(fleet):
    assert "laptop, rented may vanish, and HOPS does not start without them." in {item["text"] for item in fleet["warnings"]}
