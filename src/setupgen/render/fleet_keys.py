"""Keys of a fleet: each host's is made once, and the proxy is told it. Pure: whoever asks brings the values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PROXY = "proxy/.env"


def with_keys(files: Mapping[str, str], links: Mapping[str, Mapping[str, str]], values: Mapping[tuple[str, str], str]) -> dict[str, str]:
    """The files with each host's key in the host's own `.env` and in that of the proxy.

    Args:
        files: path to text.
        links: variable of the proxy to the file and the name of the key that it holds, and what stands before the key.
        values: keys by file and name.
    """
    made = dict(files)
    for name, link in links.items():
        value = values[link["file"], link["name"]]
        made[link["file"]] = filled(made.get(link["file"], ""), link["name"], value)
        if PROXY in made:
            made[PROXY] = filled(made[PROXY], name, link["before"] + value)
    return made


def filled(text: str, name: str, value: str) -> str:
    """The text of a `.env` with the value of an empty name."""
    shown = f"'{value}'" if " " in value else value
    return re.sub(rf"(?m)^{re.escape(name)}=$", lambda _: f"{name}={shown}", text)
