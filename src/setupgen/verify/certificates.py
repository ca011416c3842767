"""How a setup's certificate is checked: by the authorities that this system trusts, or by Caddy's own authority where the setup signs itself.

A key is sent to somebody who proved to be the setup, or to this host itself; to nobody else.
"""

from __future__ import annotations

import os
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from setupgen.verify.client import Client
from setupgen.verify.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from setupgen.verify.address import Address

BESIDE = "caddy-root.crt"
"""Where the run book puts the root certificate of Caddy's own authority."""


@dataclass(frozen=True)
class Trust:
    """How the certificate was checked.

    Attributes:
        context: for connections; nothing without TLS.
        how: in words, for the report.
        proven: whether the other side proved to be the setup.
        trouble: why it did not.
    """

    context: ssl.SSLContext | None
    how: str
    proven: bool
    trouble: Trouble | None = None


def trust(base: Address, folder: Path, environment: Mapping[str, str] | None = None) -> Trust:
    """Tries the system's authorities, then Caddy's, and says which one signed.

    Raises:
        Trouble: where no TLS connection can be made at all.
    """
    if not base.tls:
        return Trust(None, "no TLS", proven=True)
    failed: Trouble | None = None
    for context, how in _authorities(folder, os.environ if environment is None else environment):
        try:
            Client(context=context).connect(str(base))
        except Trouble as trouble:
            if trouble.kind != "certificate":
                raise
            failed = failed or trouble
        else:
            return Trust(context, how, proven=True)
    return Trust(_blind(), "not proven", proven=False, trouble=failed)


def _authorities(folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[ssl.SSLContext, str]]:
    yield ssl.create_default_context(), "by the authorities that this system trusts"
    for path in (folder / BESIDE, *_caddy_data(environment)):
        if path.is_file():
            context = ssl.create_default_context()
            try:
                context.load_verify_locations(cafile=str(path))
            except (ssl.SSLError, OSError):
                continue
            yield context, f"by Caddy's own authority ({path.name})"


def _caddy_data(environment: Mapping[str, str]) -> Iterator[Path]:
    """Where a Caddy that runs without a container keeps the certificate of its authority."""
    inside = Path("caddy", "pki", "authorities", "local", "root.crt")
    if sys.platform == "win32":
        base = environment.get("APPDATA", "")
        inside = Path("Caddy", *inside.parts[1:])
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Application Support")
        inside = Path("Caddy", *inside.parts[1:])
    else:
        base = environment.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    if base:
        yield Path(base) / inside


def _blind() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
