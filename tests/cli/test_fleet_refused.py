"""`setupgen fleet`: inventories that are wrong, and what is said of them."""

import re
import time

import pytest
from fleet_runs import TWO, planned, refused, run

BAD = """\
hosts:
  - {name: one, address: "http://10.0.0.1:11434", hardware: rtx-3090}
  - {name: one, address: "http://10.0.0.1:11434/", hardware: rtx-3090}
  - {name: two, address: "ftp://x", hardware: gtx-9999}
  - {name: "a b", address: "http://u:p@10.0.0.4", hardware: cpu, ram: none}
  - {name: five, address: "http://10.0.0.5:11434"}
  - {name: six, address: "http://10.0.0.6:11434", hardware: cpu, headers: {Authorization: "Bearer abc"}, preemptible: maybe, colour: red}
  - {name: self, address: "http://127.0.0.1:4000", hardware: cpu}
  - {name: twin, address: "http://127.0.0.2:4000", hardware: cpu}
  - {name: sixth, address: "http://[::1]", hardware: cpu}
needs:
  - {use_case: flying}
  - {users: 3}
  - {model: google/gemma-4-12b, use_case: speech}
  - {use_case: chat, tags: [gpu]}
  - {use_case: chat, server: vllm}
proxy: hops
clients: [openai]
expose: lan
proxy_port: 4000
"""


def test_every_problem_is_told_at_once_with_file_and_line(inventory):
    lines = refused(inventory, BAD)
    assert len(lines) > 15
    assert all(re.search(r"fleet\.yaml, line \d+", line) for line in lines), lines
    told = "\n".join(lines)
    for line, words in (
        (3, "the name 'one' comes twice"),
        (3, "comes twice; first at"),
        (4, "'ftp://x' is not an address"),
        (4, "gtx-9999"),
        (5, "letters, digits and dashes"),
        (5, "no user name and no password"),
        (5, "none"),
        (6, "nothing says what hardware"),
        (7, "a secret may not stand in an inventory"),
        (7, "neither true nor false"),
        (7, "colour"),
        (
            9,
            "servers of this machine listen on 127.0.0.1, and nothing would answer at 'http://127.0.0.2:4000'. Write http://127.0.0.1:4000",
        ),
        (10, "Write http://127.0.0.1:11434"),
        (12, "flying"),
        (13, "names a use_case or a model"),
        (14, "is made for"),
        (15, "no host has the tag 'gpu'"),
        (16, "cannot stand in front of"),
        (17, "HOPS has no OpenAI"),
        (19, "asks callers for no key"),
        (20, "4000 is the port of self"),
    ):
        if line in {17, 19}:
            assert words in told, words
        else:
            assert any(f"line {line}," in text and words in text for text in lines), (line, words, told)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: &a [x, x]\nb: &b [*a, *a]\nhosts: [*b, *b]\nneeds: []\n", "anchors and aliases"),
        ("hosts: !!python/object/apply:os.system [id]\n", "tags such as"),
        ("hosts: [\n", "not readable as YAML"),
        ("- 1\n", "expected the keys hosts and needs"),
        ("hosts: []\nneeds: []\n", "must be a list with at least one entry"),
        ("", "expected the keys"),
        ("hosts: 3\nneeds: x\n", "must be a list"),
        ("hosts: [7]\nneeds: [8]\n", "expected a host"),
    ],
)
def test_what_is_no_inventory_is_refused(inventory, text, says):
    assert says in "\n".join(refused(inventory, text))


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ('name: Node_A, address: "http://10.0.0.5"', "objects of Kubernetes are named after this host"),
        ('name: a, address: "http://10.0.0.5:8000"', "a node answers at a port from 30000 to 32767, not at 8000"),
        ('name: a, address: "https://10.0.0.5"', "reaches a node over HTTP"),
        ('name: a, address: "http://127.0.0.1:30000"', "at the node's address on the network"),
        ('name: a, address: "http://10.0.0.5", node: "A b"', "is not the name of a node"),
        ('name: a, address: "http://10.0.0.5", os: windows', "nodes that serve models run Linux"),
        ('name: a, address: "http://10.0.0.5:30007"', "port 30007 is taken in the whole cluster by b"),
    ],
)
def test_what_no_node_can_be_is_refused(inventory, host, says):
    other = '  - {name: b, address: "http://10.0.0.6:30007", hardware: rtx-3090, ram: 64G, runtime: kubernetes}\n'
    text = f"hosts:\n{other}  - {{{host}, hardware: rtx-3090, ram: 64G, runtime: kubernetes}}\nneeds: [{{use_case: chat}}]\n"
    lines = refused(inventory, text)
    assert says in "\n".join(lines), lines
    assert "line 3" in "\n".join(lines)


def test_one_machine_under_two_names_and_what_nobody_can_dial(inventory):
    text = """hosts:
  - {name: a, address: "http://localhost:8000", hardware: rtx-3090}
  - {name: b, address: "http://127.0.0.1:8000", hardware: rtx-3090}
  - {name: c, address: "http://0.0.0.0:8001", hardware: rtx-3090}
  - {name: d, address: "http://10.0.0.3:1", hardware: null}
needs:
  - users: 4
    replicas: 2
    use_case: chatting
"""
    told = refused(inventory, text)
    for line, words in (
        (3, "the address 'http://127.0.0.1:8000' comes twice"),
        (4, "nobody can dial it"),
        (5, "nothing says what hardware this host has"),
        (9, "unknown use case 'chatting'"),
    ):
        assert any(f"fleet.yaml, line {line}," in text and words in text for text in told), (line, told)


@pytest.mark.parametrize(
    ("need", "because"),
    [
        ("use_case: chat, server: vllm, model: gemma-4-12b, quant: Q4_K_M", "vLLM does not read gguf files."),
        ("use_case: chat, context: 9999999", "No model is known that does chat with 9,999,999 tokens of context."),
        ("model: deepseek-v4-pro, users: 50", "its weights take"),
    ],
)
def test_what_finds_no_place_says_why(inventory, need, because):
    text = f'hosts: [{{name: a, address: "http://10.0.0.1:8000", hardware: rtx-3090, ram: 64G}}]\nneeds: [{{{need}}}]\n'
    found = planned(inventory(text), code=1)
    assert because in found["unplaced"][0]["because"]


def test_a_host_that_is_no_node_has_none(inventory):
    text = 'hosts: [{name: b, address: "http://10.0.0.6", hardware: rtx-3090, node: x}]\nneeds: [{use_case: chat}]\n'
    assert "a node is a host of a Kubernetes cluster" in "".join(refused(inventory, text))
    assert "runtime: kubernetes for each of them" in "".join(refused(inventory, text.replace(", node: x", "") + "proxy: kubernetes\n"))


def test_a_hundred_thousand_lines_are_answered_in_seconds(inventory):
    text = "hosts:\n" + "".join(f"- name: h{number}\n  address: http://h{number}:1\n  hardware: rtx-3090\n" for number in range(33_333))
    start = time.perf_counter()
    assert "at most" in "\n".join(refused(inventory, text + "needs:\n- use_case: chat\n"))
    assert time.perf_counter() - start < 60


def test_a_file_that_is_not_there(tmp_path):
    result = run("fleet", str(tmp_path / "none.yaml"))
    assert result.code == 2
    assert "cannot be read" in result.err


def test_options_of_writing_need_a_folder(inventory):
    result = run("fleet", inventory(TWO), "--diff")
    assert result.code == 2
    assert "-o DIR" in result.err
