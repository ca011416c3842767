"""Quoting for every format that templates write: a value goes in as data and comes out as data.

Each filter returns `Quoted`; the environment prints nothing else, so that a template that forgets its filter fails. What a format cannot
carry is refused, never changed. Pure: standard library only.
"""

from __future__ import annotations

import json as json_module
import math
import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final

from setupgen.errors import UsageError, shorten

if TYPE_CHECKING:
    from collections.abc import Callable


class Quoted(str):
    """Text that a filter made safe for the format it is printed in. Joining it with other text gives a plain `str` again."""

    __slots__ = ()


class UnquotableError(UsageError):
    """A value that a format cannot carry as it is.

    Attributes:
        value: the value, so that the caller can say which field of the plan holds it.
    """

    def __init__(self, value: str, format_name: str, reason: str, hint: str = "Choose a plainer name or path.") -> None:
        self.value = value
        super().__init__(f"{shorten(value)!r} cannot be written to {format_name}: {reason}.", hint=hint)


# Characters that change how the text around them is shown: a file with them does not say what it seems to say.
DIRECTION_MARKS: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

_BARE_SHELL = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
_BARE_ENV = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@+-]*")
_ADDRESS = re.compile(r"[A-Za-z0-9._:\[\]/-]+")
_CODE_SPAN = re.compile(r"(?<!`)(`[A-Za-z0-9][A-Za-z0-9 ._/:=@+-]*`)(?!`)")
_YAML_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_YAML_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_LONGEST_YAML_KEY = 1000
_LAST_OF_FOUR_DIGITS = 0xFFFF
# Unicode assigns no character to the last two places of each plane.
_NO_CHARACTER = 0xFFFE


def is_hidden(character: str) -> bool:
    """Whether a character is not visible as itself: control, format, private or unassigned (a space is visible)."""
    return character != " " and not character.isprintable()


def _refuse_unless_one_line(value: str, format_name: str) -> None:
    if any(character in "\n\r\x00\x85\u2028\u2029" for character in value):
        raise UnquotableError(value, format_name, "it holds a line break or a NUL")


def _yaml_text(value: str) -> str:
    if value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}"'
    return '"' + "".join(_yaml_character(character) for character in value) + '"'


def _yaml_character(character: str) -> str:
    if character in _YAML_ESCAPES:
        return _YAML_ESCAPES[character]
    if not is_hidden(character):
        return character
    return _four_or_eight(character)


def _yaml_value(value: Any, text: Callable[[str], str]) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value, "YAML")
    if isinstance(value, str):
        return text(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_yaml_value(item, text) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_yaml_key(key)}: {_yaml_value(item, text)}" for key, item in value.items()) + "}"
    raise UnquotableError(repr(value), "YAML", f"it is a {type(value).__name__}")


def _yaml_key(key: Any) -> str:
    if len(str(key)) > _LONGEST_YAML_KEY:
        raise UnquotableError(str(key), "YAML", "it is too long for a key")
    return _yaml_text(str(key))


def _number(value: float, format_name: str) -> str:
    if not math.isfinite(value):
        raise UnquotableError(str(value), format_name, "it is not a finite number")
    return repr(value)


def yaml(value: Any) -> Quoted:
    """A value on one line that YAML 1.1 and 1.2 read alike; text is always in double quotes."""
    return Quoted(_yaml_value(value, _yaml_text))


LONGEST_KEY = 1024
"""Characters of a key that YAML finds on one line."""


def yaml_key(value: Any) -> Quoted:
    """As `yaml`, for text that stands before a colon."""
    quoted = _yaml_text(str(value))
    if len(quoted) > LONGEST_KEY:
        raise UnquotableError(str(value), "a key in YAML", f"it takes more than {LONGEST_KEY} characters")
    return Quoted(quoted)


def compose(value: Any) -> Quoted:
    """As `yaml`, for a compose file, which replaces ``$NAME`` in values: each ``$`` is doubled."""
    return Quoted(_yaml_value(value, lambda text: _yaml_text(text.replace("$", "$$"))))


def shell(value: Any) -> Quoted:
    """One word of a POSIX shell."""
    text = str(value)
    if "\x00" in text:
        raise UnquotableError(text, "a shell script", "it holds a NUL")
    return Quoted(text if _BARE_SHELL.fullmatch(text) else "'" + text.replace("'", "'\\''") + "'")


def env(value: Any) -> Quoted:
    """A value in an ``.env`` file that docker compose, podman-compose, systemd and ``. ./.env`` in a shell read alike."""
    text = str(value)
    _refuse_unless_one_line(text, "an .env file")
    if _BARE_ENV.fullmatch(text):
        return Quoted(text)
    if "${" not in text:
        if not {"'", "\\"} & set(text):
            return Quoted(f"'{text}'")
        if not {'"', "\\", "$", "`"} & set(text):
            return Quoted(f'"{text}"')
    raise UnquotableError(text, "an .env file", "its programs disagree on how to read these quotes, backslashes or dollar signs")


def name(value: Any) -> Quoted:
    """The name of an environment variable."""
    text = str(value)
    if not _NAME.fullmatch(text):
        raise UnquotableError(text, "an .env file", "the name of a variable has up to 200 letters, digits and underscores")
    return Quoted(text)


def key(value: Any) -> Quoted:
    """The name of an environment variable as a key in YAML, which takes some words for truth values."""
    text = name(value)
    return Quoted(_yaml_text(text)) if text.lower() in _YAML_WORDS else text


def reference(value: Any, message: str = "is missing in .env") -> Quoted:
    """`${NAME:?message}`: the value of a variable, for compose and for shells, which both stop where it is empty."""
    return Quoted(f"${{{name(value)}:?{message}}}")


def preset(value: Any) -> Quoted:
    """The value of a key in llama.cpp's file of models, which has no quotes: it ends with the line, or where a comment begins."""
    text = str(value)
    _refuse_unless_one_line(text, "llama.cpp's file of models")
    if not text or text != text.strip() or {";", "#"} & set(text):
        raise UnquotableError(text, "llama.cpp's file of models", "it is empty, begins or ends with a blank, or holds ; or #")
    return Quoted(text)


def unit_text(value: Any) -> Quoted:
    """Free text in a systemd unit, such as a description: ``%`` doubled."""
    text = str(value)
    _refuse_unless_one_line(text, "a systemd unit")
    return Quoted(text.replace("%", "%%").rstrip("\\"))


def systemd(value: Any) -> Quoted:
    """One word of a systemd command line: ``%`` and ``$`` doubled, in double quotes."""
    text = str(value)
    _refuse_unless_one_line(text, "a systemd unit")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return Quoted(f'"{escaped}"')


def unit_line(value: Any) -> Quoted:
    """The rest of a line of a systemd unit or quadlet that is taken as it stands: ``%`` and ``$`` doubled."""
    text = str(value)
    _refuse_unless_one_line(text, "a systemd unit")
    if not text or text != text.strip() or text[0] in "\"'" or text[-1] in "\"'\\":
        raise UnquotableError(text, "a systemd unit", "it is empty, or begins or ends with a space, a quote or a backslash")
    return Quoted(text.replace("%", "%%").replace("$", "$$"))


def quadlet(value: Any) -> Quoted:
    """One word of a podman quadlet's arguments. Its parser drops everything from an empty word on, so that is refused."""
    if not str(value):
        raise UnquotableError("", "a quadlet", "podman's generator drops empty words and all that follow")
    return systemd(value)


def csv_field(value: Any) -> Quoted:
    """One field of a comma-separated list, such as the options of `--mount`."""
    text = str(value)
    _refuse_unless_one_line(text, "a mount")
    return Quoted('"' + text.replace('"', '""') + '"' if {",", '"'} & set(text) else text)


def nix(value: Any) -> Quoted:
    """A value in a Nix expression; text in double quotes, with ``${`` and backslashes escaped."""
    if isinstance(value, bool) or value is None or isinstance(value, int):
        return Quoted(_yaml_value(value, str))
    if isinstance(value, (list, tuple)):
        return Quoted("[ " + "".join(f"{nix(item)} " for item in value) + "]")
    text = str(value)
    if "\x00" in text:
        raise UnquotableError(text, "a Nix expression", "it holds a NUL")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return Quoted('"' + escaped.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"')


def powershell(value: Any) -> Quoted:
    """A PowerShell string in single quotes; PowerShell takes four typographic quotes for single quotes too."""
    text = str(value)
    _refuse_unless_one_line(text, "a PowerShell script")
    return Quoted("'" + re.sub("(['\u2018\u2019\u201a\u201b])", r"\1\1", text) + "'")


def xml(value: Any) -> Quoted:
    """Text of an XML element (a launchd property list)."""
    text = str(value)
    for character in text:
        if (character < " " and character not in "\t\n\r") or character in "\ufffe\uffff":
            raise UnquotableError(text, "a property list", f"XML has no character {_shown(character)}")
    for plain, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&apos;"), ("\r", "&#13;")):
        text = text.replace(plain, entity)
    return Quoted(text)


def json(value: Any, indent: int | None = None) -> Quoted:
    """JSON with ASCII only."""
    try:
        return Quoted(json_module.dumps(value, ensure_ascii=True, allow_nan=False, indent=indent))
    except (TypeError, ValueError) as error:
        raise UnquotableError(repr(value), "JSON", str(error)) from None


def toml(value: Any) -> Quoted:
    """A TOML basic string, number, boolean or array of them."""
    if isinstance(value, bool):
        return Quoted("true" if value else "false")
    if isinstance(value, int):
        return Quoted(str(value))
    if isinstance(value, float):
        return Quoted(_number(value, "TOML"))
    if isinstance(value, (list, tuple)):
        return Quoted("[" + ", ".join(toml(item) for item in value) + "]")
    escaped = "".join(
        _YAML_ESCAPES.get(character) or (character if not is_hidden(character) else _four_or_eight(character)) for character in str(value)
    )
    return Quoted(f'"{escaped}"')


def _four_or_eight(character: str) -> str:
    """A character by its number in four or eight hexadecimal digits, as YAML and TOML both write it."""
    return f"\\u{ord(character):04x}" if ord(character) <= _LAST_OF_FOUR_DIGITS else f"\\U{ord(character):08x}"


def ini(value: Any) -> Quoted:
    """A value in an INI file, which has no quotes: what would be read otherwise than written is refused."""
    text = str(value)
    _refuse_unless_one_line(text, "an INI file")
    if text != text.strip() or text[:1] in {"'", '"', ";", "#", "["} or " ;" in text or " #" in text:
        raise UnquotableError(text, "an INI file", "INI has no quotes for such a value")
    return Quoted(text)


def plain_name(value: Any) -> Quoted:
    """A model name as Ollama and its Modelfile take it: no quotes, spaces or shell characters."""
    text = str(value)
    if not _PLAIN_NAME.fullmatch(text):
        raise UnquotableError(text, "a Modelfile", "a name has letters, digits and . _ / : @ + - only")
    return Quoted(text)


def modelfile_path(value: Any) -> Quoted:
    """A path after FROM in a Modelfile: the rest of the line, which may hold spaces but no quotes."""
    text = str(value)
    _refuse_unless_one_line(text, "a Modelfile")
    if text != text.strip() or '"' in text:
        raise UnquotableError(text, "a Modelfile", "it holds double quotes or begins or ends with a space")
    return Quoted(text)


def address(value: Any) -> Quoted:
    """A host, port or address in a Caddyfile, whose quoting does not stop ``{placeholders}``."""
    text = str(value)
    if not _ADDRESS.fullmatch(text):
        raise UnquotableError(text, "a Caddyfile", "an address has letters, digits and . _ : [ ] / - only")
    return Quoted(text)


def python(value: Any) -> Quoted:
    """A Python string with ASCII only."""
    text = str(value)
    body = "".join(_python_character(character) for character in text)
    return Quoted(f'"{body}"')


def _python_character(character: str) -> str:
    if character in _YAML_ESCAPES:
        return _YAML_ESCAPES[character]
    return character if " " <= character <= "~" else _four_or_eight(character)


def nginx(value: Any) -> Quoted:
    """A word of an nginx configuration in single quotes; a dollar sign would name a variable even there."""
    text = str(value)
    _refuse_unless_one_line(text, "an nginx configuration")
    if "$" in text:
        raise UnquotableError(text, "an nginx configuration", "nginx has no way to write a dollar sign")
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return Quoted(f"'{escaped}'")


def comment(value: Any) -> Quoted:
    """Text of a comment on one line, with hidden characters spelled out; it cannot end a comment of Markdown."""
    return Quoted(_visible(str(value)).replace("-->", "-- >"))


def md(value: Any) -> Quoted:
    """A sentence in Markdown: shown as it is, with hidden characters spelled out. Plain words in backticks stay code."""
    text = " ".join(_visible(str(value)).split())
    text = "".join(part if index % 2 else _md_plain(part) for index, part in enumerate(_CODE_SPAN.split(text)))
    text = re.sub(r"^(\d+)([.)])(?=\s|$)", r"\1\\\2", text)
    return Quoted(f"\\{text}" if text[:1] in {"#", "+", "-", "="} else text)


def _md_plain(text: str) -> str:
    text = re.sub(r"([\\`*\[\]|<>])", r"\\\1", text)
    text = re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", text)
    return re.sub(r"&(?=#?\w+;)", r"\\&", text).replace("~~", "\\~~")


def code(value: Any) -> Quoted:
    """Inline code in Markdown, in as many backticks as it takes."""
    text = _visible(str(value)) or " "
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text[0] in "` " or text[-1] in "` " else ""
    return Quoted(f"{fence}{pad}{text}{pad}{fence}")


def cell(value: Any) -> Quoted:
    """Inline code in a cell of a Markdown table, where a bar would end the cell even inside code."""
    return Quoted(code(value).replace("|", "\\|"))


def _visible(text: str) -> str:
    """The text on one line, each hidden character written as its code point."""
    if text.isprintable():
        return text
    return "".join(" " if character in "\n\t\r" else _shown(character) if is_hidden(character) else character for character in text)


def _shown(character: str) -> str:
    return f"<U+{ord(character):04X}>"


def find_forbidden(text: str, *, prose: bool) -> str:
    """The first character that no generated file may hold, named for a message; empty if there is none.

    Args:
        text: a text of the plan.
        prose: whether line breaks and tabs are fine (explanations) or not (names, paths, flags).
    """
    if text.isprintable():
        return ""
    for character in text:
        if character in "\n\t" and prose:
            continue
        code_point = ord(character)
        category = unicodedata.category(character)
        if category in {"Cc", "Cs", "Zl", "Zp"} or character in DIRECTION_MARKS or (code_point & _NO_CHARACTER) == _NO_CHARACTER:
            return f"U+{code_point:04X}"
    return ""
