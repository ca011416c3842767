"""This host's own addresses: at which of them does something answer that should not?"""

from __future__ import annotations

import socket


def own_addresses() -> tuple[str, ...]:
    """Every IP address of this host, loopback among them, in a steady order; empty where the system does not tell."""
    import psutil

    try:
        found = psutil.net_if_addrs()
    except Exception:  # noqa: BLE001 - psutil fails in a dozen ways inside containers and sandboxes
        return ()
    families = {socket.AF_INET, socket.AF_INET6}
    return tuple(
        dict.fromkeys(entry.address for name in sorted(found) for entry in found[name] if entry.family in families and entry.address)
    )
