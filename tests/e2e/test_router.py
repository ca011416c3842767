"""Several models behind one real llama-server: its router reads the generated models.ini, and both models answer under their names."""

from __future__ import annotations

import shutil
import time

import pytest
from test_llama_server import QUESTION

WAIT_S = 60


def put_in_cache(folder, weights, file):
    """A file where `hf download REPOSITORY FILE --cache-dir models`, the run book's command, puts it."""
    home = folder / "models" / ("models--" + weights["repository"].replace("/", "--"))
    snapshot = home / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("0" * 40)
    shutil.copy(file, snapshot / weights["file"])


@pytest.fixture
def routed(setup_of, chat_model, embedding_model):
    """A setup for chat and embeddings that may download nothing, with the models in place."""

    def make(*options):
        setup = setup_of("--use-case", "chat", "--also", "embeddings", "--offline", *options)
        chat, search = setup.choice["settings"]["models"]
        put_in_cache(setup.folder, chat["weights"], chat_model)
        put_in_cache(setup.folder, search["weights"], embedding_model)
        return setup.start()

    return make


def loaded(setup, key=""):
    """The models by name once all have loaded."""
    until = time.monotonic() + WAIT_S
    while True:
        models = {item["id"]: item for item in setup.ask("/models", key=key).json["data"]}
        status = {name: item["status"]["value"] for name, item in models.items()}
        if set(status.values()) == {"loaded"}:
            return models
        assert "failed" not in str(status), setup.log[-4000:]
        assert time.monotonic() < until, f"{status}\n{setup.log[-4000:]}"
        time.sleep(0.2)


def option(model, name):
    """What a model's own process was started with."""
    words = model["status"]["args"]
    return words[words.index(name) + 1]


def test_both_models_load_at_the_start_and_answer_under_their_names(routed):
    setup = routed()
    chat, search = setup.choice["settings"]["models"]
    models = loaded(setup)
    assert set(models) == {chat["alias"], search["alias"]}
    assert option(models[chat["alias"]], "--ctx-size") == str(chat["context"] * chat["parallel"])
    assert option(models[search["alias"]], "--ctx-size") == str(search["context"] * search["parallel"])

    answer = setup.ask("/v1/chat/completions", {"model": chat["alias"], **QUESTION})
    assert answer.status == 200, answer.body
    assert answer.json["model"] == chat["alias"]
    assert answer.json["usage"]["completion_tokens"] == 8
    found = setup.ask("/v1/embeddings", {"model": search["alias"], "input": ["one", "two"]})
    assert found.status == 200, found.body
    assert [len(item["embedding"]) for item in found.json["data"]] == [256, 256]
    assert setup.ask("/v1/chat/completions", {"model": "another", **QUESTION}).status == 400


def test_the_key_guards_every_model(routed):
    setup = routed("--exposure", "lan")
    key = setup.secrets()[setup.choice["settings"]["auth"]["env"]]
    chat, search = setup.choice["settings"]["models"]
    loaded(setup, key)
    for path, body in (
        ("/v1/chat/completions", {"model": chat["alias"], **QUESTION}),
        ("/v1/embeddings", {"model": search["alias"], "input": "one"}),
    ):
        assert setup.ask(path, body).status == 401
        assert setup.ask(path, body, key=key).status == 200
