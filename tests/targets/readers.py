"""Reads generated files with their formats' own parsers and gives the texts in them, so that two renderings can be compared.

A reader gives a list of texts in the order of the file, or raises. A format without one is compared by its number of lines.
"""

import io
import json
import plistlib
import re
import shlex
import subprocess
import tomllib

import tree_sitter_powershell
import yaml
from dotenv import dotenv_values
from tree_sitter import Language, Parser

YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
POWERSHELL = Parser(Language(tree_sitter_powershell.language()))

DOCUMENTS = {"serveConfigV2"}
"""Keys whose text is itself a document in YAML."""


def flat(value):
    """The texts of a document, keys too."""
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (str(key), *flat(yaml.load(item, YAML) if key in DOCUMENTS else item))]
    if isinstance(value, list):
        return [text for item in value for text in flat(item)]
    return [str(value)]


def read_yaml(text):
    return [leaf for document in yaml.load_all(text, YAML) for leaf in flat(document)]


def read_compose(text):
    """Compose's own dollars, which stand for references, are single; those of values are double."""
    return [leaf.replace("$$", "$") for leaf in read_yaml(text)]


def read_shell(text):
    """The words of a script that `sh` finds no fault with."""
    done = subprocess.run(["sh", "-n"], input=text, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return shlex.split(text, comments=True)


def read_powershell(text):
    """The strings in single quotes of a script in which PowerShell's grammar finds no fault."""
    found, todo = [], [POWERSHELL.parse(text.encode()).root_node]
    while todo:
        node = todo.pop()
        faulty = node.is_error or node.is_missing
        assert not faulty, node.text.decode()[:200]
        if node.type == "verbatim_string_characters":
            found.append(re.sub("(['\u2018\u2019\u201a\u201b])\\1", r"\1", node.text.decode()[1:-1]))
        todo.extend(node.children)
    return found


def read_env(text):
    return flat(dict(dotenv_values(stream=io.StringIO(text))))


def read_unit(text):
    """Sections, keys and values of a unit of systemd, with its doubled signs single again."""
    assert all(re.match(r"^(#|\[[A-Z]\w+\]$|[A-Z]\w+=|$)", line) for line in text.splitlines()), text
    lines = [line.replace("%%", "%") for line in text.splitlines() if line and line[0] != "#"]
    return [line.replace("$$", "$") if line.startswith("Exec") else line for line in lines]


READERS = {
    "compose.yaml": read_compose,
    ".yaml": read_yaml,
    ".yml": read_yaml,
    ".json": lambda text: flat(json.loads(text)),
    ".toml": lambda text: flat(tomllib.loads(text)),
    ".plist": lambda text: flat(plistlib.loads(text.encode())),
    ".sh": read_shell,
    ".ps1": read_powershell,
    ".env": read_env,
    ".service": read_unit,
}
"""By the name of a file, or its end."""


def texts_of(path, text):
    """The texts in a file; `None` where no reader is known."""
    name = path.rsplit("/", 1)[-1]
    suffix = "." + name.rpartition(".")[2] if "." in name else ""
    reader = READERS.get(name) or READERS.get(suffix)
    return reader(text) if reader else None
