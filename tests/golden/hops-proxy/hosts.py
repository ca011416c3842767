# Made by setupgen 0.1.0 from knowledge sha256:DIGEST.
# Make it again: setupgen fleet inventory.yaml
# Change the answers instead of this file: setupgen refuses to overwrite a file that was edited.
"""Writes /data/hosts.yml with the secrets of .env filled in (watch), or asks every host whether it answers (check)."""

import os
import re
import ssl
import sys
import time
import urllib.request

import yaml

SOURCE = "/setup/hosts.yml"
FILLED = "/data/hosts.yml"
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def fill() -> None:
    with open(SOURCE, encoding="utf-8") as file:
        entries = yaml.safe_load(file)
    for host in entries:
        for name, value in (host.get("headers") or {}).items():
            if found := VARIABLE.fullmatch(value):
                host["headers"][name] = os.environ[found[1]]
    descriptor = os.open(FILLED + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        yaml.safe_dump(entries, file, sort_keys=False)
    os.replace(FILLED + ".new", FILLED)


def answers(host: dict) -> str:
    address = host["host"].rstrip("/") + "/api/version"
    verify = host.get("verify", True)
    context = ssl.create_default_context(cafile=verify if isinstance(verify, str) else None)
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        request = urllib.request.Request(address, headers=host.get("headers") or {})
        with urllib.request.urlopen(request, timeout=5, context=context if address.startswith("https") else None):
            return ""
    except (OSError, ValueError) as error:
        return f"{host['id']} at {host['host']} does not answer: {error}"


def check() -> int:
    with open(FILLED, encoding="utf-8") as file:
        silent = [text for text in map(answers, yaml.safe_load(file)) if text]
    print("\n".join(silent) or "all hosts answer")
    return 1 if silent else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["check"]:
        sys.exit(check())
    fill()
    while True:
        time.sleep(3600)
