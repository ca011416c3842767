"""How large a model's weights are in one quantisation, and how they divide over layers: what memory and speed are computed from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, groupby, repeat
from typing import TYPE_CHECKING, Any

from setupgen.engine.quantisation import group_bytes, is_gguf
from setupgen.engine.tensors import NO_LAYER, mtp_tensors, tensor_groups

if TYPE_CHECKING:
    from collections.abc import Mapping

    from setupgen.knowledge import Architecture, Weights

TOKENISER_BYTES = 10_000_000
"""What a GGUF file holds besides tensors: 6 to 13 MB of vocabulary and some 50 KB of tensor names, by published sizes."""

LOOKED_UP = frozenset({"token_embd", "per_layer_token_embd", "embeddings_small"})
"""Tables of which a token needs one row: llama.cpp keeps them in main memory, and decoding does not read them through."""

TOWER_BYTES_PER_PARAMETER = 2


@dataclass(frozen=True, slots=True)
class WeightBytes:
    """Bytes of a model's tensors.

    Attributes:
        total: all that is loaded; layers for multi-token prediction are not.
        file_bytes: all tensors of the file or files.
        token_embedding: the tables that are looked up by token, which llama.cpp keeps in main memory.
        output: the head that makes logits; the token embedding once more where the two are one tensor.
        tied: whether the head is the token embedding.
        small: other tensors outside the layers, towers included.
        per_layer: everything in each layer.
        experts_per_layer: the part of it that is experts which a token may skip.
        read_per_token: what decoding one token reads.
    """

    total: int
    file_bytes: int
    token_embedding: int
    output: int
    tied: bool
    small: int
    per_layer: tuple[int, ...]
    experts_per_layer: tuple[int, ...]
    read_per_token: int

    @property
    def layers(self) -> int:
        """Everything in layers."""
        return sum(self.per_layer)

    @property
    def experts(self) -> int:
        """All experts that a token may skip."""
        return sum(self.experts_per_layer)


_PACKED: dict[tuple[Architecture, str, str], list[Any]] = {}
"""Sizes that the pack brought along, as `packed` made them; the same numbers that the formula gives, only sooner."""

_SPREAD: dict[tuple[Architecture, str, str], WeightBytes] = {}
"""Those of them that were asked for."""


def packed(sizes: WeightBytes) -> list[Any]:
    """Sizes in a compact form for the pack: equal layers in a row become one pair."""
    totals = [sizes.total, sizes.file_bytes, sizes.token_embedding, sizes.output, int(sizes.tied), sizes.small, sizes.read_per_token]
    return [*totals, _runs(sizes.per_layer), _runs(sizes.experts_per_layer)]


def remember(architecture: Architecture, sizes: Mapping[str, list[Any]]) -> None:
    """Takes over sizes that `packed` made, by ``format/quantisation``."""
    for key, values in sizes.items():
        weight_format, quant = key.split("/")
        _PACKED.setdefault((architecture, quant, weight_format), values)


def _runs(values: tuple[int, ...]) -> list[int]:
    return [number for value, group in groupby(values) for number in (value, len(list(group)))]


def _spread(runs: list[int]) -> tuple[int, ...]:
    return tuple(chain.from_iterable(repeat(value, count) for value, count in zip(runs[::2], runs[1::2], strict=True)))


def weight_bytes(architecture: Architecture, quant: str, weight_format: str = "") -> WeightBytes:
    """The sizes of this model in this quantisation; see `computed_weight_bytes`."""
    key = (architecture, quant, weight_format)
    found = _SPREAD.get(key)
    if found is not None:
        return found
    if key not in _PACKED:
        return computed_weight_bytes(architecture, quant, weight_format)
    total, file_bytes, token_embedding, output, tied, small, read_per_token, layers, experts = _PACKED[key]
    sizes = WeightBytes(total, file_bytes, token_embedding, output, bool(tied), small, _spread(layers), _spread(experts), read_per_token)
    _SPREAD[key] = sizes
    return sizes


LARGER = 1.02
"""How much larger than the usual mixture a published file must be for its size to count; tokenizers and names make up less."""


@lru_cache(maxsize=8192)
def computed_weight_bytes(architecture: Architecture, quant: str, weight_format: str = "") -> WeightBytes:
    """The sizes of this model in this quantisation: those of the usual mixture, scaled up where a published file is larger.

    Args:
        architecture: the model.
        quant: id of the quantisation, such as ``Q4_K_M``.
        weight_format: ``gguf``, ``safetensors`` or ``mlx``; needed only where several formats have a quantisation of this name.
    """
    usual = usual_weight_bytes(architecture, quant, weight_format)
    kind = weight_format or ("gguf" if is_gguf(quant, weight_format) else "safetensors")
    published = dict(architecture.published).get(f"{kind}/{quant}", 0)
    tensors = published - (TOKENISER_BYTES if kind == "gguf" else 0)
    if tensors <= usual.file_bytes * LARGER:
        return usual
    return _scaled(usual, tensors)


def _scaled(usual: WeightBytes, file_bytes: int) -> WeightBytes:
    """The same division over layers of a larger file."""

    def up(size: int) -> int:
        return size * file_bytes // usual.file_bytes

    per_layer, experts = tuple(map(up, usual.per_layer)), tuple(map(up, usual.experts_per_layer))
    embedding, output, small = up(usual.token_embedding), up(usual.output), up(usual.small)
    total = embedding + small + sum(per_layer) + (0 if usual.tied else output)
    return WeightBytes(total, file_bytes, embedding, output, usual.tied, small, per_layer, experts, up(usual.read_per_token))


@lru_cache(maxsize=8192)
def usual_weight_bytes(architecture: Architecture, quant: str, weight_format: str = "") -> WeightBytes:
    """The sizes of this model in this quantisation, as llama.cpp's quantiser or a scheme makes them for any model.

    Args:
        architecture: the model.
        quant: id of the quantisation, such as ``Q4_K_M``.
        weight_format: ``gguf``, ``safetensors`` or ``mlx``; needed only where several formats have a quantisation of this name.
    """
    per_layer = [0] * architecture.layers
    experts_per_layer = [0] * architecture.layers
    looked_up = output = embedding = small = prediction = 0
    for group, sizes in zip(tensor_groups(architecture), group_bytes(architecture, quant, weight_format), strict=True):
        for layer, size in zip(group.layers, sizes, strict=True):
            if layer >= architecture.layers:
                prediction += size
            elif layer != NO_LAYER:
                per_layer[layer] += size
                if group.experts > 1:
                    experts_per_layer[layer] += size
            elif group.role in LOOKED_UP:
                looked_up += size
                embedding += size if group.role == "token_embd" else 0
            elif group.role == "output":
                output += size
            else:
                small += size
    read = sum(per_layer) + small + (output or embedding)
    tied = output == 0 and "bert" not in architecture.type
    if "bert" in architecture.type:
        read -= embedding
    experts = architecture.experts
    if experts is not None:
        skipped = sum(experts_per_layer)
        read -= skipped - skipped * experts.used // experts.count
    if not is_gguf(quant, weight_format):
        small += architecture.extra_parameters * TOWER_BYTES_PER_PARAMETER
    total = looked_up + output + small + sum(per_layer)
    return WeightBytes(
        total=total,
        file_bytes=total + prediction,
        token_embedding=looked_up,
        output=embedding if tied else output,
        tied=tied,
        small=small,
        per_layer=tuple(per_layer),
        experts_per_layer=tuple(experts_per_layer),
        read_per_token=read,
    )


def download_bytes(architecture: Architecture, weights: Weights) -> int:
    """Bytes to fetch for these weights: as published, or else computed."""
    if weights.published_bytes:
        return weights.published_bytes
    return weight_bytes(architecture, weights.quant, weights.format).file_bytes + TOKENISER_BYTES


@lru_cache(maxsize=16384)
def host_read_per_token(architecture: Architecture, quant: str, weight_format: str = "", *, gpu_layers: int = 0, n_cpu_moe: int = 0) -> int:
    """The part of `read_per_token` that lies in main memory in a llama.cpp placement with these layers and experts on the accelerator.

    Args:
        architecture: the model.
        quant: id of the quantisation.
        weight_format: see `weight_bytes`.
        gpu_layers: layers on accelerators as llama.cpp counts them: from the last one, with the head and layers for multi-token prediction.
        n_cpu_moe: first layers whose experts are in main memory.
    """
    sizes = weight_bytes(architecture, quant, weight_format)
    experts = architecture.experts
    used, count = (experts.used, experts.count) if experts is not None else (1, 1)
    start = max(0, architecture.layers + mtp_tensors(architecture) + 1 - gpu_layers)
    total = 0
    for index, (size, optional) in enumerate(zip(sizes.per_layer, sizes.experts_per_layer, strict=True)):
        if index < start:
            total += size - optional + optional * used // count
        elif index < n_cpu_moe:
            total += optional * used // count
    return total
