"""Several models behind one server: which, where, and what the plan counts."""

import pytest
from planner import facts, pack

from setupgen.engine.launch import preset_options
from setupgen.engine.planning import plan
from setupgen.errors import UsageError
from setupgen.knowledge import GIB


def planned(**stated):
    return plan(pack(), facts(**{"use_case": "chat", "os": "linux"} | stated)).to_json()


def test_a_second_model_shares_the_card_and_is_counted():
    alone = planned(hardware="rtx-5090", server="llama-cpp")["choice"]
    both = planned(hardware="rtx-5090", also=["embeddings"])
    choice = both["choice"]
    chat, search = choice["settings"]["models"]
    assert choice["model"] == alone["model"]
    assert (chat["use_case"], search["use_case"]) == ("chat", "embeddings")
    assert (chat["backend"], search["backend"]) == ("cuda", "cuda")
    assert chat["memory_bytes"] == alone["memory"]["total_bytes"]
    for part in ("weights_bytes", "kv_cache_bytes", "total_bytes"):
        assert choice["memory"][part] > alone["memory"][part]
    assert choice["memory"]["total_bytes"] == chat["memory_bytes"] + search["memory_bytes"]
    device = choice["memory"]["devices"][0]
    assert alone["memory"]["devices"][0]["used_bytes"] < device["used_bytes"] <= device["capacity_bytes"] - GIB
    assert choice["weights"]["download_bytes"] == sum(model["weights"]["download_bytes"] for model in (chat, search))
    assert "models.embeddings" in {item["what"] for item in both["decisions"]}


def test_the_options_of_each_model_are_its_own_and_the_router_has_the_rest():
    settings = planned(hardware="rtx-3090", also="embeddings")["choice"]["settings"]
    alone = planned(hardware="rtx-3090", server="llama-cpp")["choice"]["settings"]["flags"]
    chat, search = (model["options"] for model in settings["models"])
    assert chat["ctx-size"] == alone[alone.index("--ctx-size") + 1]
    assert chat["load-on-startup"] == search["load-on-startup"] == search["embeddings"] == "true"
    assert not {"host", "port", "alias", "metrics", "cors-origins"} & (chat.keys() | search.keys())
    assert settings["flags"][:4] == ["--models-preset", "/setup/models.ini", "--models-max", "2"]
    assert settings["flags"][settings["flags"].index("--port") + 1] == "8080"
    native = planned(hardware="rtx-3090", also="embeddings", runtime="native")["choice"]["settings"]["flags"]
    assert native[1] == "models.ini"
    assert native[native.index("--host") + 1] == "127.0.0.1"


def test_what_does_not_fit_the_card_goes_to_the_processor():
    settings = planned(hardware="rtx-3060", also=["embeddings"])["choice"]["settings"]
    _, search = settings["models"]
    assert (search["backend"], search["options"]["device"], search["options"]["n-gpu-layers"]) == ("cpu", "none", "0")


def test_a_further_model_is_never_spread_over_two_memories():
    for use_case in ("speech", "vision", "code-completion"):
        choice = planned(hardware="rtx-3090", also=[use_case])["choice"]
        for model in choice["settings"]["models"][1:]:
            assert model["options"]["n-gpu-layers"] in {"all", "0"}


def test_on_a_plain_processor_nothing_is_kept_from_an_accelerator():
    choice = planned(hardware="cpu", ram="64G", also=["embeddings"])["choice"]
    assert [model["options"].get("device") for model in choice["settings"]["models"]] == [None, None]
    assert choice["memory"]["devices"][0]["used_bytes"] >= sum(model["memory_bytes"] for model in choice["settings"]["models"])


def test_a_model_that_is_good_for_both_serves_both():
    found = planned(hardware="rtx-3090", use_case="coding-agent", also=["chat"])
    assert "models" not in found["choice"]["settings"]
    told = next(item for item in found["decisions"] if item["what"] == "models.chat")
    assert told["value"] == found["choice"]["settings"]["alias"]


def test_what_fits_nowhere_is_told():
    found = planned(hardware="cpu", ram="4G", also=["coding-agent"])
    assert "models" not in found["choice"]["settings"]
    assert "nothing-fits-beside" in {item["id"] for item in found["warnings"]}


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"also": ["chat"]}, "differ from each other"),
        ({"also": ["embeddings", "embeddings"]}, "differ from each other"),
        ({"also": ["vision", "embeddings", "translation", "documents"]}, "at most 3"),
        ({"also": ["nonsense"]}, "nonsense"),
        ({"also": 7}, "a use case or a list"),
        ({"also": ["embeddings"], "server": "vllm"}, "vLLM serves one model"),
    ],
)
def test_what_makes_no_sense_is_refused(stated, said):
    with pytest.raises(UsageError, match=said):
        planned(hardware="rtx-3090", **stated)


def test_a_command_line_becomes_keys_and_values():
    words = ["--hf-repo", "a/b:Q4_K_M", "--no-mmproj", "--alias", "x", "--host", "127.0.0.1", "--metrics", "--ctx-size", "4096"]
    assert preset_options(pack().servers["llama-cpp"], words) == {"hf-repo": "a/b:Q4_K_M", "no-mmproj": "true", "ctx-size": "4096"}
