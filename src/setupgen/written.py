"""The list of what setupgen wrote into a folder, so that later runs know whose each file is. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import setupgen

if TYPE_CHECKING:
    from collections.abc import Mapping

MANIFEST = ".setupgen.json"


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def manifest_text(digests: Mapping[str, str]) -> str:
    """The list as it stands in the folder: path to digest, empty for a file with secrets."""
    document = {
        "schema": 1,
        "made_by": f"setupgen {setupgen.__version__}",
        "files": {path: {"sha256": sha} for path, sha in sorted(digests.items())},
    }
    return json.dumps(document, indent=2) + "\n"
