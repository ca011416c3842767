"""Writes a language model of a few megabytes with random weights, which the real llama-server loads like any other GGUF file.

It has what servers look at: an architecture, a byte-level tokenizer, a chat template and weights in Q8_0. What it writes is noise, but for one
thing: it can be made so that it calls a tool, always the same, whenever it is offered one.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ALIGNMENT = 32
F32, Q8_0 = 0, 8
BLOCK = 32
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
NORMAL, CONTROL = 1, 3
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
LAST_TOKEN_POOLING = 3
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

# How a model that calls tools is asked: its turn begins with a token that stands nowhere else, and from there its weights lead to the call.
OFFERED = "<|tools|>"
TOOL_TEMPLATE = (
    "{% if tools %}<|im_start|>system\nTools:\n{% for tool in tools %}{{ tool | tojson }}\n{% endfor %}<|im_end|>\n{% endif %}"
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}"
    "{% for call in message.tool_calls or [] %}"
    '\n<tool_call>\n{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}\n</tool_call>'
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% if tools %}<|tools|>{% endif %}{% endif %}"
)
LOUD, CERTAIN = 1000.0, 0.5


@dataclass(frozen=True)
class Tiny:
    """Dimensions of the model, as a file of the knowledge base would state them."""

    layers: int = 4
    hidden: int = 256
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 64
    feed_forward: int = 512
    context: int = 32768
    vocab: int = 256 + len(SPECIAL)

    @property
    def parameters(self) -> int:
        return sum(rows * columns for _, rows, columns, _ in self.tensors())

    def tensors(self) -> Iterator[tuple[str, int, int, int]]:
        """Name, rows, columns (what a row holds) and storage type of each tensor."""
        queries, keys = self.heads * self.head_dim, self.kv_heads * self.head_dim
        yield "token_embd.weight", self.vocab, self.hidden, Q8_0
        yield "output_norm.weight", 1, self.hidden, F32
        yield "output.weight", self.vocab, self.hidden, Q8_0
        for layer in range(self.layers):
            prefix = f"blk.{layer}."
            yield prefix + "attn_norm.weight", 1, self.hidden, F32
            yield prefix + "attn_q.weight", queries, self.hidden, Q8_0
            yield prefix + "attn_k.weight", keys, self.hidden, Q8_0
            yield prefix + "attn_v.weight", keys, self.hidden, Q8_0
            yield prefix + "attn_output.weight", self.hidden, queries, Q8_0
            yield prefix + "ffn_norm.weight", 1, self.hidden, F32
            yield prefix + "ffn_gate.weight", self.feed_forward, self.hidden, Q8_0
            yield prefix + "ffn_up.weight", self.feed_forward, self.hidden, Q8_0
            yield prefix + "ffn_down.weight", self.hidden, self.feed_forward, Q8_0


def write_tiny(path: Path, model: Tiny | None = None, *, embeds: bool = False, calls: str = "") -> Path:
    """Write the model; with `embeds` one that pools its last token's state, with `calls` one that writes this wherever tools are offered."""
    model = model or Tiny()
    if calls:
        model = replace(model, vocab=model.vocab + 2)
    source = random.Random(2026)
    tensors = list(model.tensors())
    metadata = list(_metadata(model, embeds=embeds, calls=calls))
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata)) + b"".join(metadata)
    data = bytearray()
    for name, rows, columns, kind in tensors:
        shape = (columns,) if rows == 1 else (columns, rows)
        head += _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, len(data))
        values = _ones(columns) if kind == F32 else _noise(source, rows * columns)
        data += _leading_to_the_call(name, values, columns) if calls else values
        data += b"\0" * (-len(data) % ALIGNMENT)
    path.write_bytes(head + b"\0" * (-len(head) % ALIGNMENT) + data)
    return path


def _ones(count: int) -> bytes:
    return struct.pack(f"<{count}f", *[1.0] * count)


def _noise(source: random.Random, count: int) -> bytes:
    """Blocks of Q8_0: a scale and 32 signed bytes."""
    scale = struct.pack("<e", 0.0008)
    return b"".join(scale + source.randbytes(BLOCK) for _ in range(count // BLOCK))


def _leading_to_the_call(name: str, values: bytes, columns: int) -> bytes:
    """The weights, changed so that after the token of the offer comes the one that is the call, and after that the end of the turn."""
    width = columns // BLOCK * (BLOCK + 2)
    offered = 256 + len(SPECIAL)
    rows = {
        "token_embd.weight": {offered: _row(columns, 0, LOUD), offered + 1: _row(columns, 1, LOUD)},
        "output.weight": {offered: _row(columns, 0, 0), offered + 1: _row(columns, 0, CERTAIN), offered - 1: _row(columns, 1, CERTAIN)},
    }.get(name, {})
    changed = bytearray(values)
    for row, content in rows.items():
        changed[row * width : (row + 1) * width] = content
    return bytes(changed)


def _row(columns: int, at: int, value: float) -> bytes:
    """A row of Q8_0 that is zero but for one column."""
    numbers = bytearray(columns)
    numbers[at] = 127
    scales = [value / 127] + [0.0] * (columns // BLOCK - 1)
    return b"".join(struct.pack("<e", scale) + numbers[index * BLOCK : (index + 1) * BLOCK] for index, scale in enumerate(scales))


def _metadata(model: Tiny, *, embeds: bool, calls: str) -> Iterator[bytes]:
    yield _entry("general.architecture", STRING, _text("llama"))
    yield _entry("general.name", STRING, _text("Tiny"))
    yield _entry("general.alignment", UINT32, struct.pack("<I", ALIGNMENT))
    yield _entry("general.file_type", UINT32, struct.pack("<I", 7))
    numbers = {
        "block_count": model.layers,
        "context_length": model.context,
        "embedding_length": model.hidden,
        "feed_forward_length": model.feed_forward,
        "attention.head_count": model.heads,
        "attention.head_count_kv": model.kv_heads,
        "attention.key_length": model.head_dim,
        "attention.value_length": model.head_dim,
        "rope.dimension_count": model.head_dim,
        "vocab_size": model.vocab,
    } | ({"pooling_type": LAST_TOKEN_POOLING} if embeds else {})
    for name, number in numbers.items():
        yield _entry(f"llama.{name}", UINT32, struct.pack("<I", number))
    yield _entry("llama.attention.layer_norm_rms_epsilon", FLOAT32, struct.pack("<f", 1e-5))
    yield _entry("llama.rope.freq_base", FLOAT32, struct.pack("<f", 10000.0))
    yield from _tokenizer(calls)


def _tokenizer(calls: str) -> Iterator[bytes]:
    tokens = [*byte_tokens(), *SPECIAL]
    kinds = [NORMAL] * 256 + [CONTROL] * len(SPECIAL)
    if calls:
        tokens += [OFFERED, "".join(byte_tokens()[byte] for byte in calls.encode())]
        kinds += [CONTROL, NORMAL]
    end, _, turn_end = range(256, 256 + len(SPECIAL))
    yield _entry("tokenizer.ggml.model", STRING, _text("gpt2"))
    yield _entry("tokenizer.ggml.pre", STRING, _text("gpt-2"))
    yield _entry("tokenizer.ggml.tokens", ARRAY, _array(STRING, [_text(token) for token in tokens]))
    yield _entry("tokenizer.ggml.token_type", ARRAY, _array(INT32, [struct.pack("<i", kind) for kind in kinds]))
    yield _entry("tokenizer.ggml.merges", ARRAY, _array(STRING, [_text("t h"), _text("i n")]))
    yield _entry("tokenizer.ggml.bos_token_id", UINT32, struct.pack("<I", end))
    yield _entry("tokenizer.ggml.eos_token_id", UINT32, struct.pack("<I", turn_end))
    yield _entry("tokenizer.ggml.add_bos_token", BOOL, b"\0")
    yield _entry("tokenizer.chat_template", STRING, _text(TOOL_TEMPLATE if calls else TEMPLATE))


def byte_tokens() -> list[str]:
    """A printable character for each byte, as byte-level tokenizers name them: printable bytes stand for themselves."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    names = {byte: chr(byte) for byte in printable}
    for byte in range(256):
        names.setdefault(byte, chr(256 + len(names) - len(printable)))
    return [names[byte] for byte in range(256)]


def _entry(key: str, kind: int, value: bytes) -> bytes:
    return _text(key) + struct.pack("<I", kind) + value


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def _array(kind: int, values: Sequence[bytes]) -> bytes:
    return struct.pack("<IQ", kind, len(values)) + b"".join(values)
