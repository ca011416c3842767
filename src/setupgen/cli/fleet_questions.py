"""The questions of `setupgen fleet init`: host by host and need by need, each answer judged at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import questionary

from setupgen.cli.fleet_init import SAMPLE_HOST, SAMPLE_NEED, problems

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from setupgen.knowledge import Pack

USUAL_PORT = 11434


def ask_hosts(pack: Pack) -> list[dict[str, Any]]:
    """One host or more.

    Raises:
        KeyboardInterrupt: where somebody leaves.
    """
    hosts: list[dict[str, Any]] = []
    while True:
        more = " (empty: no more)" if hosts else ""
        name = _text(f"Name of host {len(hosts) + 1}{more}", _judge_host(pack, hosts, "name", {}, optional=bool(hosts)))
        if not name:
            return hosts
        host: dict[str, Any] = {"name": name}
        host["address"] = _text(
            "What the proxy dials to reach it", _judge_host(pack, hosts, "address", host), default=f"http://{name}:{USUAL_PORT}"
        )
        host["hardware"] = _text(
            "Its hardware, such as RTX 3090, 2x RTX 4090, Apple M4 Pro 48GB or cpu", _judge_host(pack, hosts, "hardware", host)
        )
        ram = _text("Its main memory, such as 64G (empty: not known)", _judge_host(pack, hosts, "ram", host, optional=True))
        if ram:
            host["ram"] = ram
        hosts.append(host)


def ask_needs(pack: Pack) -> list[dict[str, Any]]:
    """One need or more.

    Raises:
        KeyboardInterrupt: where somebody leaves.
    """
    done = "No more needs"
    needs: list[dict[str, Any]] = []
    uses = pack.vocabulary("use-cases").values()
    while True:
        options = [questionary.Choice(title=use["label"], value=use["id"], description=use["description"]) for use in uses]
        if needs:
            options.insert(0, questionary.Choice(title=done, value=done))
        use_case = _answer(questionary.select(f"Need {len(needs) + 1}", choices=options, use_jk_keys=False))
        if use_case == done:
            return needs
        need = {"use_case": use_case}
        users = _text("How many people or agents at the same time", _judge_users(pack, need), default="1")
        needs.append({**need, "users": int(users)})


def _text(question: str, judge: Callable[[str], bool | str], default: str = "") -> str:
    return str(_answer(questionary.text(question, default=default, validate=judge, validate_while_typing=False))).strip()


def _answer(question: questionary.Question) -> Any:
    answer = question.ask()
    if answer is None:
        raise KeyboardInterrupt
    return answer


def _judge_host(
    pack: Pack, hosts: list[dict[str, Any]], key: str, host: Mapping[str, Any], *, optional: bool = False
) -> Callable[[str], bool | str]:
    def judge(answer: str) -> bool | str:
        text = answer.strip()
        if not text:
            return optional or "Please answer."
        return _first(problems(pack, [*hosts, {**SAMPLE_HOST, **host, key: text}], [SAMPLE_NEED], _nowhere))

    return judge


def _judge_users(pack: Pack, need: Mapping[str, Any]) -> Callable[[str], bool | str]:
    def judge(answer: str) -> bool | str:
        text = answer.strip()
        if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004 - digits
            return "Write a whole number."
        return _first(problems(pack, [SAMPLE_HOST], [{**need, "users": int(text)}], _nowhere))

    return judge


def _nowhere(_: Any) -> str:
    return ""


def _first(found: list[Any]) -> bool | str:
    return f"{found[0].message} {found[0].hint}".strip() if found else True
