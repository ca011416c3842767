"""Where nothing fits, the plan says so (exit 1), why, and what would."""

from __future__ import annotations

import pytest
from cli_result import GPU

CASES = {
    "a model that is too large": (["--model", "zai/glm-5.2"], "weights take"),
    "a context that no model takes": (["--context", "4m"], "context"),
    "a context that this model does not take": (["--model", "qwen3-8b", "--context", "999999"], "131072"),
    "a quantisation that the server does not read": (["--quant", "FP8", "--server", "llama-cpp"], "does not read"),
    "a quantisation that the model does not have": (["--model", "qwen3-8b", "--quant", "MXFP4"], "published in"),
    "GGUF for vLLM": (["--quant", "Q4_K_M", "--server", "vllm"], "does not read"),
    "a proxy instead of a server": (["--server", "hops"], "proxy"),
    "a model of another task": (["--model", "qwen3-embedding-0.6b"], "embedding"),
    "a licence that is not open": (["--model", "llama-3.1-8b", "--license", "open"], "licence"),
    "an operating system that the card lacks": (["--os", "macos"], "macos"),
    "more users than servers take": (["--users", "100000"], "100000"),
}


@pytest.mark.parametrize(("arguments", "word"), CASES.values(), ids=CASES)
def test_the_document_says_why(run, valid, arguments, word):
    result = run("plan", "--json", *GPU, *arguments)
    assert (result.code, result.err) == (1, "")
    found = valid("plan", result.json)
    assert found["verdict"] == "nothing-fits"
    assert found["choice"] is None
    assert found["alternatives"] == []
    assert found["decisions"] == []
    assert word in " ".join(found["would_fit"])


def test_refusals_name_what_refused(run):
    found = run("plan", "--json", *GPU, "--model", "zai/glm-5.2").json
    own = [item for item in found["rejected"] if item["candidate"].get("model") == "zai/glm-5.2"]
    assert own
    assert all(item["by"] and item["because"] for item in own)


def test_it_is_shown_in_words(run):
    result = run("plan", *GPU, "--model", "zai/glm-5.2")
    assert result.code == 1
    assert "Nothing fits" in result.out
    assert "weights take" in result.out


def test_nothing_is_written(run, tmp_path):
    result = run("write", "out", *GPU, "--model", "zai/glm-5.2")
    result.refused("weights take", code=1)
    assert list(tmp_path.iterdir()) == []


def test_what_is_bought_stays_at_home_where_asked(run):
    found = run("plan", "--json", *GPU, "--model", "zai/glm-5.2", "--privacy", "local").json
    assert found["hosted"]["recommended"] is False


def test_explain_tells_it_too(run):
    result = run("explain", *GPU, "--model", "zai/glm-5.2")
    assert result.code == 1
    assert "weights take" in result.out
