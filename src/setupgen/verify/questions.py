"""What is asked: questions whose right answers are known and cannot be had by luck."""

from __future__ import annotations

import base64
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

TOOL = "look_up_tide"
PLACE = "Husum"
COLOURS = ("red", "green", "blue")
ABOUT = "The code word of this document is"
_BIRDS = ("heron", "plover", "curlew", "avocet", "dunlin", "osprey", "kestrel", "merlin")
_GOODS = ("rope", "paint", "canvas", "lamps", "tar", "salt", "copper", "maps", "flour", "glass")


@dataclass(frozen=True)
class Question:
    """One request, in no dialect yet.

    Attributes:
        messages: pairs of role and text; roles are `system` and `user`.
        tools: whether the tool is offered; `forced` makes it a must.
        schema: a JSON schema that the answer must keep to.
        image: a PNG beside the last message.
        thinks: `False` asks a model that can do without thinking to do without.
    """

    messages: tuple[tuple[str, str], ...]
    max_tokens: int = 32
    tools: bool = False
    forced: bool = False
    schema: dict[str, Any] | None = field(default=None)
    image: bytes = b""
    thinks: bool = True


def hello() -> Question:
    """The smallest question."""
    return Question((("user", "Say hello in one sentence."),), max_tokens=32)


def counting(max_tokens: int = 200) -> Question:
    """A question with a long and easy answer, so that there is something to stream."""
    return Question((("user", "Count from 1 to 200 in words, one number per line, and nothing else."),), max_tokens=max_tokens)


def needs_tool(*, forced: bool = False, max_tokens: int = 1024) -> Question:
    """A question that nobody can answer without the tool that comes with it."""
    text = f"When is high tide in {PLACE} tomorrow? Use the tool."
    system = "You look things up with the tools that you are given, and never guess."
    return Question((("system", system), ("user", text)), max_tokens=max_tokens, tools=True, forced=forced)


def tool_schema() -> dict[str, Any]:
    """The arguments that the tool takes."""
    return {
        "type": "object",
        "properties": {
            "place": {"type": "string", "description": "Name of the town."},
            "day": {"type": "string", "enum": ["today", "tomorrow"], "description": "The day."},
        },
        "required": ["place", "day"],
        "additionalProperties": False,
    }


TOOL_ABOUT = "Gives the times of high and low tide of a town on a day."


def structured(max_tokens: int = 512) -> Question:
    """A question that would be answered in prose if nobody held the model to the schema."""
    return Question(
        (("user", "What colour is a ripe tomato, and is it a fruit? Write a short poem about it."),),
        max_tokens=max_tokens,
        schema=answer_schema(),
    )


def answer_schema() -> dict[str, Any]:
    """A schema that leaves few answers."""
    return {
        "type": "object",
        "properties": {"colour": {"type": "string", "enum": list(COLOURS)}, "fruit": {"type": "boolean"}},
        "required": ["colour", "fruit"],
        "additionalProperties": False,
    }


def keeps_schema(found: Any) -> bool:
    """Whether a document is what `answer_schema` asks for."""
    return isinstance(found, dict) and set(found) == {"colour", "fruit"} and found["colour"] in COLOURS and isinstance(found["fruit"], bool)


def code_word(seed: str) -> str:
    """A word that no model says by itself; every seed has its own."""
    number = zlib.crc32(seed.encode())
    return f"{_BIRDS[number % len(_BIRDS)]}-{1000 + number // 8 % 9000}"


def reading(seed: str, characters: int, max_tokens: int) -> Question:
    """A prompt of so many characters that no cache has seen, and a short task at its end."""
    text = f"Stock list {seed}.\n{filler(characters)}\nCount from 1 to 200 in words, one number per line, and nothing else."
    return Question((("user", text),), max_tokens=max_tokens)


def recalling(seed: str, characters: int, max_tokens: int, *, thinks: bool = True) -> Question:
    """A prompt of so many characters with a code word at its beginning and the question for it at its end.

    With no characters of filler it is the control: can this model do it at all?
    """
    middle = f"{filler(characters)}\n" if characters else ""
    text = (
        f"Stock list {seed}. {ABOUT} {code_word(seed)}.\n{middle}What is the code word of this document? Answer with the code word alone."
    )
    return Question((("user", text),), max_tokens=max_tokens, thinks=thinks)


def filler(characters: int) -> str:
    """Dull text of so many characters, evenly made, so that tokens grow with its length."""
    lines: list[str] = []
    length = number = 0
    while length < characters:
        line = f"Shelf {number % 900 + 100} holds {number * 37 % 89 + 10} boxes of {_GOODS[number * 7 % len(_GOODS)]}, counted in week {number % 43 + 10}."
        lines.append(line)
        length += len(line) + 1
        number += 1
    return "\n".join(lines)[:characters]


def red_square(size: int = 64) -> bytes:
    """A PNG that is red all over."""
    rows = (b"\0" + b"\xe0\x10\x10" * size) * size

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def looking() -> Question:
    """A question about a picture."""
    return Question((("user", "Which colour fills this picture? Answer with one word."),), max_tokens=256, image=red_square())


def as_base64(data: bytes) -> str:
    """Bytes as JSON carries them."""
    return base64.b64encode(data).decode()


def tone(seconds: float = 1.0, rate: int = 16000) -> bytes:
    """A WAV file with a quiet tone: no speech, but something that every decoder takes."""
    count = int(seconds * rate)
    samples = b"".join(struct.pack("<h", 1200 if index // 20 % 2 else -1200) for index in range(count))
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(samples), b"WAVE", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16, b"data", len(samples)
    )
    return head + samples
