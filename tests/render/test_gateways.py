"""What proxies are told of their backends, and what they cannot do and is refused before a file is written."""

import json

import pytest
import yaml
from plans import TEMPLATES, merged
from proxy_plans import EMBEDDING, FLEET, PROXIES, backend, proxy

from setupgen.errors import UsageError
from setupgen.render.backends import backends_of, groups_of
from setupgen.render.files import render_proxy

TOWER = FLEET[1]
OTHER = backend("other", "http://10.0.0.7:8000", "vllm", slots=8, model={"context": 32768, "vision": True})


def files(made):
    return render_proxy(made, TEMPLATES, knowledge={"digest": "sha256:x"}).files


def config(made):
    return yaml.safe_load(files(made)["config.yaml"])


@pytest.mark.parametrize("shape", PROXIES)
def test_no_file_but_env_holds_or_asks_for_a_secret_by_value(shape):
    made = render_proxy(PROXIES[shape], TEMPLATES, knowledge={"digest": "sha256:x"}, command="setupgen fleet inventory.yaml -o DIR")
    assert made.secrets.get(".env", []) == (
        ([] if PROXIES[shape]["auth"]["kind"] == "none" else ["FLEET_KEY"]) + (["WEBUI_SECRET_KEY"] if "webui" in shape else [])
    )
    for path, text in made.files.items():
        assert path.endswith(".json") or "setupgen fleet inventory.yaml -o DIR" in text, path
        assert "\n\n\n" not in text or path.endswith((".conf", ".sh")), path
    readme = made.files["README.md"]
    assert all(f"- `{path}`: " in readme for path in made.files)
    assert readme.count("```") % 2 == 0


@pytest.mark.parametrize("shape", PROXIES)
def test_a_container_is_published_where_the_proxy_is_to_listen_and_nowhere_else(shape):
    made = PROXIES[shape]
    if "compose.yaml" not in files(made):
        assert "serve.sh" in files(made)
        return
    service = yaml.safe_load(files(made)["compose.yaml"])["services"][made["id"]]
    if "beside" in shape:
        assert service["network_mode"] == "host"
        assert "ports" not in service
    else:
        assert [port.rpartition(":")[0] for port in service["ports"]] == [f"{made['bind']}:{made['port']}"]
    assert service["cap_drop"] == ["ALL"]


def test_a_backend_beside_the_proxy_is_reached_through_the_hosts_network():
    made = files(PROXIES["nginx-beside-its-server"])
    assert "listen 127.0.0.1:8088;" in made["nginx.conf"]
    assert yaml.safe_load(files(PROXIES["litellm-beside-its-server"])["compose.yaml"])["services"]["litellm"]["command"][3] == "127.0.0.1"


def test_a_model_on_several_hosts_promises_what_all_of_them_can():
    [group] = groups_of(backends_of({"backends": [TOWER, OTHER]}))
    assert (group.context, group.slots, group.tools, group.vision) == (32768, 12, True, False)
    assert [member.backend["name"] for member in group.members] == ["other", "tower"]


def test_time_outs_are_never_short():
    assert [entry["timeout_s"] for entry in backends_of({"backends": [OTHER | {"timeout_s": 30}, TOWER]})] == [600, 900]


@pytest.mark.parametrize(
    ("change", "place", "says"),
    [
        ({"name": ""}, "name", "not a name"),
        ({"name": "a b"}, "name", "not a name"),
        ({"url": "10.0.0.5:9931"}, "url", "scheme"),
        ({"url": "http://u:p@10.0.0.5:1"}, "url", "secret"),
        ({"url": "http://a:99999"}, "url", "not an address"),
        ({"url": "http://a b"}, "url", "scheme"),
        ({"url": "http://a/$(id)"}, "url", "scheme"),
        ({"url": None}, "url", "scheme"),
        ({"color": "red"}, "color", "not known"),
        ({"key_env": "A B"}, "key_env", "variable"),
        ({"key_env": "K", "headers": {"Authorization": {"env": "T"}}}, "key_env", "holds one"),
        ({"headers": {"Authorization": "Bearer x"}}, "headers.Authorization", "secret"),
        ({"headers": {"X": "a\nb"}}, "headers.X", "sent"),
        ({"headers": {"X": "$(id)"}}, "headers.X", "sent"),
        ({"headers": {"X": {"env": "a-b"}}}, "headers.X", "variable"),
        ({"headers": {"a b": "x"}}, "headers.a b", "name of a header"),
        ({"slots": 0}, "slots", "whole number"),
        ({"slots": True}, "slots", "whole number"),
        ({"timeout_s": "long"}, "timeout_s", "whole number"),
        ({"health": "health"}, "health", "path"),
        ({"models": []}, "models", "no model"),
        ({"models": [{"name": "a b"}]}, "models[0].name", "name of a model"),
        ({"models": [{"name": "a", "alias": "${x}"}]}, "models[0].alias", "name of a model"),
        ({"models": [{"name": "a", "task": "sing"}]}, "models[0].task", "not a task"),
        ({"models": [{"name": "a", "context": -1}]}, "models[0].context", "whole number"),
    ],
)
def test_what_no_proxy_could_use_is_refused_by_its_place(change, place, says):
    with pytest.raises(UsageError) as caught:
        backends_of({"backends": [OTHER, TOWER | {"key_env": None} | change]})
    assert caught.value.place == f"proxy.backends[1].{place}"
    assert says in str(caught.value)


def test_two_hosts_of_one_name_no_host_and_one_name_for_two_tasks_are_refused():
    with pytest.raises(UsageError, match="is the name of"):
        backends_of({"backends": [TOWER, OTHER | {"name": "Tower"}]})
    with pytest.raises(UsageError, match="nothing to send"):
        backends_of({"backends": []})
    with pytest.raises(UsageError, match="stands for chat and embedding"):
        groups_of(backends_of({"backends": [TOWER, merged(OTHER, {"models": [EMBEDDING | {"alias": "qwen3.6-27b"}]})]}))


@pytest.mark.parametrize("id_", ["litellm", "nginx", "olla", "llama-swap"])
@pytest.mark.parametrize("bind", ["0.0.0.0", "192.168.1.20", "::"])
def test_none_listens_wider_without_a_key(id_, bind):
    with pytest.raises(UsageError, match="without a key"):
        files(proxy(id_, bind=bind, auth={"kind": "none"}))


def test_litellm_is_given_a_key_also_on_loopback():
    with pytest.raises(UsageError, match="does not start without a key"):
        files(proxy("litellm", auth={"kind": "none"}))


def test_olla_cannot_ask_for_a_key_and_says_who_can():
    with pytest.raises(UsageError, match=r"olla cannot ask for a key.*litellm or nginx"):
        files(proxy("olla", auth={"kind": "api-key", "env": "FLEET_KEY"}))


def test_litellm_gets_a_deployment_for_each_model_of_each_host():
    document = config(PROXIES["litellm-docker"])
    found = {entry["model_info"]["id"]: entry for entry in document["model_list"]}
    assert set(found) == {"mini/embeddinggemma:300m", "spot/qwen3.6-27b", "tower/qwen3.6-27b"}
    tower, spot, mini = (found[key]["litellm_params"] for key in ("tower/qwen3.6-27b", "spot/qwen3.6-27b", "mini/embeddinggemma:300m"))
    assert tower["api_key"] == "os.environ/TOWER_KEY"
    assert spot["api_key"] == "none"
    assert spot["extra_headers"] == {"Authorization": "os.environ/SPOT_TOKEN", "X-Team": "research 1"}
    assert (tower["order"], spot["order"], tower["weight"], spot["weight"]) == (1, 2, 4, 16)
    assert mini["api_base"] == "http://10.0.0.6:11434/v1"
    assert spot["api_base"] == "https://gpu.example.org/llm/v1"
    assert document["general_settings"] == {"master_key": "os.environ/FLEET_KEY"}
    assert "fallbacks" not in document["router_settings"]


def test_litellm_renames_and_speaks_to_ollama_where_there_is_no_other_api():
    old = backend("old", "http://10.0.0.8:11434", "ollama", apis=["ollama"], model={"name": "qwen3.6:27b"})
    [entry] = config(proxy("litellm", [old]))["model_list"]
    assert entry["model_name"] == "qwen3.6-27b"
    assert entry["litellm_params"]["model"] == "ollama_chat/qwen3.6:27b"
    assert entry["litellm_params"]["api_base"] == "http://10.0.0.8:11434"


def test_a_model_falls_back_only_to_one_that_can_do_all_that_it_can():
    small = backend("s", "http://10.0.0.9:9931", model={"name": "small", "alias": "small", "context": 32768, "tools": False})
    document = config(proxy("litellm", [TOWER, small, FLEET[0]]))
    assert document["router_settings"]["fallbacks"] == [{"small": ["qwen3.6-27b"]}]
    assert "`small` falls back to `qwen3.6-27b`" in files(proxy("litellm", [TOWER, small]))["README.md"]


def test_olla_prefers_steady_hosts_and_knows_other_names():
    document = config(PROXIES["olla-docker"])
    hosts = {entry["name"]: entry for entry in document["discovery"]["static"]["endpoints"]}
    assert {name: (entry["type"], entry["priority"]) for name, entry in hosts.items()} == {
        "mini": ("ollama", 100),
        "spot": ("vllm", 50),
        "tower": ("llamacpp", 100),
    }
    assert hosts["tower"]["auth"] == {"type": "bearer", "token": "${TOWER_KEY}"}
    assert hosts["spot"]["preserve_path"] is True
    assert document["proxy"]["load_balancer"] == "priority"
    assert document["proxy"]["sticky_sessions"]["enabled"] is True
    assert config(PROXIES["olla-names-differ"])["model_aliases"] == {"qwen3.6-27b": ["qwen3.6-27b", "qwen3.6:27b"]}
    assert config(proxy("olla", [TOWER]))["proxy"]["load_balancer"] == "least-connections"
    assert "sticky_sessions" not in config(proxy("olla", [TOWER]))["proxy"]


def test_nginx_refuses_to_rename_and_two_models_at_one_address():
    with pytest.raises(UsageError, match=r"nginx cannot rename models: other calls it 'q'.*litellm or olla"):
        files(proxy("nginx", [TOWER, merged(OTHER, {"models": [TOWER["models"][0] | {"name": "q"}]})]))
    files(proxy("nginx", [merged(TOWER, {"models": [TOWER["models"][0] | {"name": "q"}]})]))
    second = TOWER["models"][0] | {"name": "b", "alias": "b"}
    with pytest.raises(UsageError, match="several models behind one address"):
        files(proxy("nginx", [TOWER | {"models": [*TOWER["models"], second]}]))
    with pytest.raises(UsageError, match="no API for it in common"):
        files(proxy("nginx", [TOWER | {"apis": ["openai"]}, OTHER | {"apis": ["ollama"]}]))


def test_llama_swap_names_each_model_once_and_steady_hosts_first():
    document = config(PROXIES["llama-swap-native"])
    assert document["apiKeys"] == ["${env.FLEET_KEY}"]
    assert document["peers"]["tower"]["apiKey"] == "${env.TOWER_KEY}"
    assert document["selectors"]["qwen3.6-27b"] == {
        "strategy": "spillover",
        "targets": ["tower/qwen3.6-27b", "spot/qwen3.6-27b"],
        "settings": {"spillover": 4},
        "metadata": {"context": 32768},
    }
    with pytest.raises(UsageError, match="cannot send the header X-Team"):
        files(proxy("llama-swap", [TOWER | {"key_env": None, "headers": {"X-Team": "a"}}]))


def test_the_listing_of_nginx_is_json():
    text = files(PROXIES["nginx-docker"])["nginx.conf"]
    listing = text.partition('return 200 \'{"object"')[2].partition("';")[0]
    assert [model["id"] for model in json.loads('{"object"' + listing)["data"]] == ["embeddinggemma:300m", "qwen3.6-27b"]


def test_open_webui_gets_every_address_with_a_key_each():
    services = {id_: yaml.safe_load(files(PROXIES[f"{id_}-webui"])["compose.yaml"])["services"] for id_ in ("litellm", "nginx", "olla")}
    nginx = services["nginx"]["open-webui"]["environment"]
    assert nginx["OPENAI_API_BASE_URLS"] == "http://nginx:8080/b/v1;http://nginx:8080/qwen3.6-27b/v1"
    assert nginx["OPENAI_API_KEYS"] == "${FLEET_KEY:?is missing in .env};${FLEET_KEY:?is missing in .env}"
    assert services["litellm"]["open-webui"]["environment"]["OPENAI_API_BASE_URLS"] == "http://litellm:4000/v1"
    assert services["olla"]["open-webui"]["environment"]["OPENAI_API_BASE_URLS"] == "http://olla:40114/olla/openai/v1"
    assert services["olla"]["open-webui"]["environment"]["OPENAI_API_KEYS"] == "none"
    assert services["nginx"]["open-webui"]["profiles"] == ["webui"]


def test_a_model_that_fills_in_the_middle_is_replaced_by_none_and_called_what_it_is_for():
    coder = {"alias": "coder", "name": "coder", "context": 8192, "fill_in_the_middle": True}
    backends = [OTHER, backend("editor", "http://10.0.0.8:8000", "vllm", model=coder)]
    made = files(proxy("litellm", backends=backends))
    assert "fallbacks" not in yaml.safe_load(made["config.yaml"])["router_settings"]
    assert "| `coder` | code completion |" in made["README.md"]
    backends[1]["models"][0]["fill_in_the_middle"] = False
    made = files(proxy("litellm", backends=backends))
    assert yaml.safe_load(made["config.yaml"])["router_settings"]["fallbacks"] == [{"coder": ["qwen3.6-27b"]}]


def test_what_a_fleet_knows_is_not_asked_of_the_user():
    made = files(proxy("litellm", filled=["TOWER_KEY"]))["README.md"]
    asked = made.partition("Fill in what is still empty")[2].partition("\n")[0]
    assert "`TOWER_KEY`" not in asked
    assert "`TOWER_KEY`" in files(proxy("litellm"))["README.md"]
