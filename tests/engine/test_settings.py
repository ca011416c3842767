"""A choice is complete: what is bound where, who may reach it, what is asked of the server, and what clients are told."""

import pytest
from planner import HAPPY, STORIES, pack, planned, setups

ASKED = {"use_case": "chat", "hardware": "rtx-3090", "ram": "64G", "os": "linux", "context": "16k"}


def choice(**stated):
    return planned(**ASKED | stated)["choice"]


@pytest.mark.parametrize("story", HAPPY)
def test_the_server_is_never_bound_to_anything_but_this_host(story):
    for setup in setups(planned(**STORIES[story])):
        assert setup["settings"]["bind"] == "127.0.0.1"
        assert setup["connection"]["base_url"].startswith(("http://127.0.0.1:", "https://localhost:"))
        inside = setup["settings"]["flags"] + list(setup["settings"]["environment"].values())
        assert setup["container"] or not any("0.0.0.0" in str(word) for word in inside), "only inside a container"


@pytest.mark.parametrize("exposure", ["local", "lan", "internet"])
@pytest.mark.parametrize("server", ["llama-cpp", "ollama", "vllm"])
def test_whoever_is_not_on_this_host_needs_a_key_and_gets_tls(server, exposure):
    setup = choice(server=server, exposure=exposure, hardware="rtx-4090")
    settings, proxy = setup["settings"], setup["proxy"]
    if exposure == "local":
        assert (settings["auth"], proxy, setup["connection"]["key_env"]) == ({"kind": "none"}, None, None)
        return
    assert settings["auth"]["kind"] == "api-key"
    assert settings["auth"]["env"] == setup["connection"]["key_env"]
    assert settings["auth"]["by"] == ("proxy" if server == "ollama" else "server"), "Ollama checks no key"
    assert proxy["tls"] is True
    assert proxy["auth"] == settings["auth"]
    assert proxy["port"] == (443 if exposure == "internet" else 8443)
    assert proxy["because"]
    assert setup["connection"]["openai_url"] == f"https://localhost:{proxy['port']}/v1"


def test_no_secret_is_ever_in_a_plan():
    for server in ("llama-cpp", "vllm"):
        setup = choice(server=server, exposure="lan", hardware="rtx-4090")
        name = setup["settings"]["auth"]["env"]
        assert name == pack().servers[server].raw["key_variable"]
        assert name not in setup["settings"]["environment"]


@pytest.mark.parametrize("users", [1, 3])
def test_contexts_are_counted_per_slot(users):
    settings = choice(server="llama-cpp", users=users)["settings"]
    assert (settings["context"], settings["parallel"], settings["context_total"]) == (16384, users, 16384 * users)
    flags = settings["flags"]
    assert flags[flags.index("--ctx-size") + 1] == str(16384 * users)
    assert flags[flags.index("--parallel") + 1] == str(users)


def test_a_container_listens_inside_and_is_published_on_its_own_port():
    setup = choice(server="llama-cpp")
    assert setup["container"]["port"] != setup["settings"]["port"] == pack().servers["llama-cpp"].port
    flags = setup["settings"]["flags"]
    assert flags[flags.index("--port") + 1] == str(setup["container"]["port"])
    assert setup["container"]["image"] == setup["server"]["image"]
    assert setup["container"]["gpu"] == "nvidia"
    native = choice(server="llama-cpp", runtime="native")
    assert native["container"] == {}
    assert native["server"]["image"] == ""
    flags = native["settings"]["flags"]
    assert flags[flags.index("--port") + 1] == str(native["settings"]["port"])
    assert flags[flags.index("--host") + 1] == "127.0.0.1"


def test_a_local_file_is_mounted_under_its_own_name():
    setup = choice(server="llama-cpp", model="qwen3-8b", quant="Q4_K_M", weights_file="C:\\models\\my model.gguf")
    assert setup["container"]["weights_path"] == "/weights/my model.gguf"
    flags = setup["settings"]["flags"]
    assert flags[flags.index("--model") + 1] == "/weights/my model.gguf"
    assert "--hf-repo" not in flags
    native = choice(server="llama-cpp", model="qwen3-8b", quant="Q4_K_M", weights_file="/srv/a.gguf", runtime="native")
    assert "/srv/a.gguf" in native["settings"]["flags"]


def test_offline_is_told_to_the_server():
    assert "--offline" in choice(server="llama-cpp", offline=True)["settings"]["flags"]
    assert "--offline" not in choice(server="llama-cpp")["settings"]["flags"]
    assert choice(server="vllm", offline=True, hardware="rtx-4090")["settings"]["environment"]["HF_HUB_OFFLINE"] == "1"
    assert planned(**ASKED, offline=True)["hosted"]["recommended"] is False


def test_ollama_is_kept_from_clouds():
    assert choice(server="ollama", privacy="local")["settings"]["environment"]["OLLAMA_NO_CLOUD"] == "1"


def test_sampling_is_the_publishers_by_use_case_then_experience_then_default():
    for stated in ({"use_case": "coding-agent"}, {"use_case": "chat"}, {"use_case": "creative-writing"}):
        setup = planned(**ASKED | {"context": "64k"} | stated)["choice"]
        published = pack().models[setup["model"]["id"]].sampling
        wanted = published.get(stated["use_case"]) or published.get("balanced") or published.get("default") or {}
        changed = {"min_p": 0.05} if stated["use_case"] == "creative-writing" else {}
        assert setup["sampling"] == {**wanted, **changed}


@pytest.mark.parametrize("story", HAPPY)
def test_clients_speak_what_the_server_speaks_and_are_of_the_use_case(story):
    for setup in setups(planned(**STORIES[story])):
        offered = pack().vocabulary("use-cases")[STORIES[story]["use_case"]]["clients"]
        assert [name for name in offered if name in setup["clients"]] == setup["clients"]
        for name in setup["clients"]:
            assert set(pack().clients[name]["apis"]) & set(setup["server"]["api"])


def test_tools_are_switched_on_for_agents_only():
    agent = planned(**STORIES["coder"])["choice"]
    assert agent["settings"]["tool_calls"] is True
    assert "--jinja" in agent["settings"]["flags"]
    assert choice()["settings"]["tool_calls"] is False


def test_the_prompt_cache_leaves_main_memory_alone():
    roomy, tight = (choice(server="llama-cpp", ram=ram)["settings"]["prompt_cache_mib"] for ram in ("64G", "8G"))
    assert 0 <= tight < roomy <= pack().servers["llama-cpp"].settings["host_prompt_cache_mib"]
    assert tight <= 8 * 1024 / 4
    assert roomy % 256 == tight % 256 == 0


@pytest.mark.parametrize("story", HAPPY)
def test_connections_are_addresses_of_the_servers_own_endpoints(story):
    setup = planned(**STORIES[story])["choice"]
    endpoints = setup["server"]["endpoints"]
    for dialect in ("openai", "anthropic", "ollama"):
        url = setup["connection"][f"{dialect}_url"]
        assert (url is None) == (dialect not in endpoints)
        assert url is None or url == setup["connection"]["base_url"] + endpoints[dialect]
    assert setup["connection"]["health_url"].endswith(endpoints["health"])
    assert setup["connection"]["context"] == setup["settings"]["context"]
    assert setup["connection"]["model"] == setup["settings"]["alias"]
