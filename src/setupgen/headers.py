"""Headers that inventories and lists of backends state: a text, or the name of a variable in `.env`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

SECRET: Final = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})
"""Headers that carry secrets, in small letters: their values may not stand in a file."""

VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")


def variable_of(value: Mapping[str, Any]) -> str | None:
    """NAME of ``{env: NAME}``, or nothing where it is not written so."""
    name = value.get("env")
    return name if set(value) == {"env"} and isinstance(name, str) and VARIABLE.fullmatch(name) else None
