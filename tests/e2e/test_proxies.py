"""LiteLLM and nginx, started from generated folders without edits, in front of two real llama-servers that ask for keys of their own."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from litellm_program import VERSION, BuildError, litellm
from proxies import QUESTION, holds_no_secret_but_in_env, is_closed_to_strangers, streams_and_fails_over


@pytest.fixture
def litellm_proxy(proxy_of):
    try:
        program = litellm()
    except BuildError as error:
        pytest.fail(str(error), pytrace=False)
    return proxy_of("litellm", "/health/liveliness", program)


@pytest.fixture
def nginx_proxy(proxy_of):
    program = shutil.which("nginx", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    if not program:
        pytest.fail("nginx is missing: apt-get install -y nginx-light", pytrace=False)
    return proxy_of("nginx", "/health", Path(program))


@pytest.mark.target("litellm", checker="litellm", run=True, note="asks for the key, shares out, streams, fails over", version=VERSION)
def test_litellm_shares_out_streams_and_fails_over(litellm_proxy, servers):
    # Without a database it answers 400 to a wrong key, and 401 only where there is none; README.md says so.
    is_closed_to_strangers(litellm_proxy, wrong_key=400)
    streams_and_fails_over(litellm_proxy, servers)
    status, body = litellm_proxy.ask("/v1/messages", QUESTION | {"max_tokens": 4}, key=litellm_proxy.key)
    assert status == 200, body
    assert json.loads(body)["type"] == "message"
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert litellm_proxy.ask(path)[0] in {401, 404}, path
    # The page of the administration is still sent, and told that it is switched off.
    status, body = litellm_proxy.ask("/.well-known/litellm-ui-config")
    assert json.loads(body)["admin_ui_disabled"] is True
    holds_no_secret_but_in_env(litellm_proxy, servers)


@pytest.mark.target(
    "nginx", checker="nginx", run=True, note="before llama-servers: long stream unbroken, failover", version=("nginx", "-v")
)
def test_nginx_shares_out_streams_and_fails_over(nginx_proxy, servers):
    is_closed_to_strangers(nginx_proxy)
    streams_and_fails_over(nginx_proxy, servers)
    status, body = nginx_proxy.ask("/v1/messages", QUESTION | {"max_tokens": 4}, key=nginx_proxy.key)
    assert status == 200, body
    for path in ("/metrics", "/slots", "/props"):
        assert nginx_proxy.ask(path, key=nginx_proxy.key)[0] == 404
    holds_no_secret_but_in_env(nginx_proxy, servers)
