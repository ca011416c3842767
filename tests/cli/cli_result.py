"""What a command answered, and the machine that most tests ask about."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

GPU = ("--hardware", "rtx-3090", "--ram", "64G")
QUICK = (*GPU, "--model", "qwen3-8b")
"""A need that one model can meet: plans for it take a tenth of the time."""


@dataclass
class Result:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def refused(self, *words: str, code: int = 2) -> str:
        """The message of a refusal: one line on stderr, nothing on stdout, no traceback, with these words."""
        assert self.code == code, self.err or self.out[:500]
        assert self.out == ""
        assert self.err.startswith("setupgen")
        assert "Traceback" not in self.err
        assert self.err.count("\n") == 1, self.err
        assert "\x1b" not in self.err
        for word in words:
            assert word in self.err, self.err
        return self.err
