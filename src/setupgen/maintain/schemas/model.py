"""Schema of model files: what is true of a model wherever it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setupgen.maintain.schemas.conditions import condition_defs, known_leaf
from setupgen.maintain.schemas.parts import (
    ID,
    NAME_IN_TREE,
    REPOSITORY,
    Schema,
    cited,
    disputed,
    flag,
    integer,
    kind,
    list_of,
    mapping,
    mapping_of,
    month_or_date,
    number,
    one_of,
    text,
    word,
)

if TYPE_CHECKING:
    from setupgen.maintain.tree import Tree

_CONDITION: Schema = {"$ref": "#/$defs/condition1"}

OLLAMA_NAME = r"^([a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*(:[A-Za-z0-9][A-Za-z0-9._-]*)?$"


def model(tree: Tree) -> Schema:
    """The schema of `knowledge/models/<lab>/<model>.yaml`."""
    properties = {
        "name": text("As its publisher writes it."),
        "family": text("Models of one family share behaviour; selectors of rules use it.", ID),
        "publisher": text(),
        "released": month_or_date("A day or a month, as YYYY-MM-DD or YYYY-MM; `unknown` in a new file.", unknown=True),
        "aliases": list_of(text(), "Other names, such as the repository's."),
        "license": mapping(
            {
                "id": text("SPDX id, or the publisher's own name of the licence.", r"^[a-z0-9][a-z0-9.-]*$"),
                "class": word(tree, "license-classes"),
            },
            ("id", "class"),
        ),
        "tasks": list_of(word(tree, "tasks"), least=1),
        "use_cases": mapping_of(
            {"enum": [1, 2, 3]},
            word(tree, "use-cases"),
            "3: made for it, or a common expert pick; 2: good; 1: usable. Absent: not for it.",
        ),
        "parameters": mapping(
            {"total": integer("All parameters.", 1), "active": integer("Used per token; mixtures only.", 1)},
            ("total",),
        ),
        "architecture": _architecture(tree),
        "context": mapping(
            {
                "native": integer("Tokens that it was trained for.", 1),
                "extended": integer("Where the publisher documents an extension such as YaRN.", 1),
            },
            ("native",),
        ),
        "inputs": list_of(one_of(("text", "image", "audio", "video")), least=1),
        "capabilities": list_of(word(tree, "capabilities")),
        "parsers": mapping_of(
            mapping({"tool": text(), "reasoning": text(), "plugin": text()}),
            text("", ID),
            "Names of a server's parsers for tool calls and thoughts.",
        ),
        "thinking": mapping(
            {
                "less": _template_words("What the chat template is told for as little thinking as it allows."),
                "more": _template_words("What it is told for as much as it allows."),
                "stops": flag("Whether `less` ends thinking altogether."),
                "servers": list_of(text("", ID), "Only these servers can tell it; else all that hand words to the template.", least=1),
                "source": text("Id of the source that says so.", ID),
            },
            ("less", "more", "stops", "source"),
        ),
        "weights": list_of(_weights(tree), "What is published, by format.", least=1),
        "native_quant": word(tree, "quantisations", "What the model was trained or released in, if not 16 bits: nothing is lost in it."),
        "image_tokens": mapping(
            {
                "most": integer("Tokens that a picture takes at most."),
                "reading": integer("Tokens that it should take at least for small text to be read, where the program's default is lower."),
                "budget": text("Name of the processor's setting for it, where servers take words for the processor.", "^[a-z][a-z_]*$"),
                "at_once": flag("Whether the tokens of a picture see each other in both directions, so that all are computed at once."),
                "source": text("Id of the source that says so.", ID),
            },
            ("most", "source"),
        ),
        "projector_bytes": integer("Size of the separate vision projector file."),
        "sampling": mapping_of(_sampling(), text("`default`, or the id of a use case or an experience.", ID)),
        "scores": list_of(_score()),
        "drafting": list_of(
            mapping(
                {
                    "server": text("Id of the server that ran it.", ID),
                    "kind": text("What drafts, as the server names it, such as draft-mtp.", ID),
                    "gains": list_of(
                        number("", 0.1), "Speed with drafting over speed without, of each published pair of runs.", least=1, unique=False
                    ),
                    "source": text("Id of a source.", ID),
                },
                ("server", "kind", "gains", "source"),
            ),
            "How much faster drafting (speculative decoding) made published runs; never part of an estimate.",
        ),
        "superseded_by": text(
            "Id of the model that its publisher, or everybody, uses in its place; it is never recommended then.", NAME_IN_TREE
        ),
        "disputed": disputed(),
        "faults": list_of(
            {"anyOf": [text(), mapping({"text": text(), "when": _CONDITION}, ("text", "when"))]}, "Known faults, a sentence each."
        ),
        "notes": list_of(text()),
    }
    required = (
        "name",
        "family",
        "publisher",
        "released",
        "license",
        "tasks",
        "parameters",
        "architecture",
        "context",
        "weights",
        "sources",
        "reviewed",
    )
    return kind("A model", mapping(properties | cited(), required) | {"$defs": condition_defs(known_leaf(tree))})


def _architecture(tree: Tree) -> Schema:
    layers = {"layers": integer("How many layers are of this kind.", 1)}
    cached = {"cached_layers": integer("How many of them own a cache; the others use a neighbour's.")}
    query = {"heads": integer("Query heads.", 1)}
    grouped = query | {
        "kv_heads": integer("Key and value heads.", 1),
        "head_dim": integer("Width of a key head.", 1),
        "value_dim": integer("Width of a value head, where it differs.", 1),
    }
    latent = query | {
        "kv_lora_rank": integer("", 1),
        "q_lora_rank": integer("0: queries are not compressed."),
        "rope_dim": integer("0: positions are not rotated."),
        "nope_dim": integer("", 1),
        "value_dim": integer("", 1),
    }
    recurrent = {
        "variant": text("gated-delta-net, mamba2, short-conv ...", ID),
        "conv_kernel": integer(),
        "state_size": integer(),
        "groups": integer(),
        "inner_size": integer(),
        "state_heads": integer(),
    }
    window = {"window": integer("Tokens that such a layer sees.", 1)}
    attention = {
        "full": mapping(layers | cached | grouped, ("layers", "heads", "kv_heads", "head_dim")),
        "sliding": mapping(layers | cached | grouped | window, ("layers", "heads", "kv_heads", "head_dim", "window")),
        "latent": mapping(layers | cached | latent, ("layers", "heads", "kv_lora_rank", "rope_dim", "nope_dim", "value_dim")),
        "recurrent": mapping(layers | recurrent, ("layers", "variant")),
    }
    known = tree.ids("attention-kinds") or list(attention)
    experts = {
        "count": integer("Experts per layer.", 1),
        "used": integer("Of them per token.", 1),
        "size": integer("Width of an expert.", 1),
        "shared": integer("Experts that every token uses."),
        "shared_size": integer("Width of a shared expert."),
        "first_dense": integer("Layers before the first one with experts."),
        "every": integer("Of the layers behind those, each how manieth has experts; 1 unless stated.", 1),
        "latent": integer("Width that routed experts work in, where a layer projects down and up around them.", 1),
    }
    properties = {
        "type": text("`general.architecture` of a GGUF of it; the name in llama.cpp.", r"^[a-z0-9][a-z0-9_.-]*$"),
        "layers": integer("", 1),
        "hidden": integer("Width of the residual stream.", 1),
        "vocab": integer("Tokens in the vocabulary.", 1),
        "feed_forward": integer("Width of the dense feed-forward part; 0 where every layer holds experts."),
        "attention": mapping({name: attention[name] for name in known if name in attention}, description="Groups of layers by kind.")
        | {"minProperties": 1},
        "pattern": list_of(word(tree, "attention-kinds"), "Kinds of the first layers, repeated to the end.", least=2, unique=False),
        "experts": mapping(experts, ("count", "used", "size")),
        "tied_embeddings": flag("Whether input and output embedding are one tensor."),
        "per_layer_embedding": integer("Width per layer of a per-layer embedding table."),
        "mtp_layers": integer("Layers for multi-token prediction after the last."),
        "encoder": flag("Whether it is an encoder (BERT family)."),
        "gated_feed_forward": flag("Whether the feed-forward part has three matrices; true unless stated."),
        "extra_parameters": integer("Parameters of towers outside the language part that the total counts."),
        "feed_forward_layers": integer("Layers that hold a feed-forward part and nothing else, while the others hold none."),
    }
    return mapping(properties, ("type", "layers", "hidden", "vocab", "attention"))


def _weights(tree: Tree) -> Schema:
    quant = word(tree, "quantisations")
    properties = {
        "format": word(tree, "weight-formats"),
        "quants": list_of(quant, least=1),
        "repository": text("owner/name on Hugging Face.", REPOSITORY),
        "file": text("File name in a GGUF repository; {quant} stands for the quantisation."),
        "publisher": text("Who made these files."),
        "projector": flag("Whether a separate vision projector file belongs to it."),
        "ollama": mapping_of(text("Name in Ollama's library.", OLLAMA_NAME), quant, "Quantisation to tag."),
        "gated": flag("Whether it is fetched only with an account that accepted the licence."),
        "bytes": mapping_of(integer("", 1), quant, "Published size of the files, by quantisation."),
    }
    return mapping(properties, ("format", "quants", "repository"))


def _sampling() -> Schema:
    properties = {
        "temperature": number(),
        "top_p": number(),
        "top_k": integer(),
        "min_p": number(),
        "repetition_penalty": number(),
        "presence_penalty": number("", -2),
        "frequency_penalty": number("", -2),
    }
    return mapping(properties) | {"minProperties": 1}


def _template_words(description: str) -> Schema:
    """Variables of a chat template."""
    return {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": "^[a-z][a-z_]*$"},
        "additionalProperties": {"type": ["boolean", "string"]},
        "description": description,
    }


def _score() -> Schema:
    properties = {
        "benchmark": text("Id of the benchmark.", r"^[a-z0-9][a-z0-9.-]*$"),
        "value": number(),
        "date": month_or_date(),
        "harness": text("Who ran it, and with what."),
        "source": text("Id of a source.", ID),
        "note": text(),
    }
    return mapping(properties, ("benchmark", "value", "source"))
