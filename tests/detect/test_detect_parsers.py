"""The pure halves of the detectors: what they make of good, odd and senseless text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setupgen.detect import amd, apple, cpu, intel, limits, memory, nvidia, pci, system, text, tools, vulkan, windows
from setupgen.detect.accelerator import Accelerator
from setupgen.detect.run import Output
from setupgen.facts import Unknown

GIB = 1024**3

PARSERS = {
    "amd-smi": amd.parse_amd_smi,
    "rocm-smi": amd.parse_rocm_smi,
    "kfd": amd.parse_node,
    "amdgpu.ids": lambda words: amd.parse_marketing_names(words, {"1002:744c"}),
    "system_profiler": apple.parse_system_profiler,
    "sysctl": lambda words: cpu.parse_sysctl(apple.parse_sysctl_lines(words)),
    "cpuinfo": cpu.parse_cpuinfo,
    "lscpu": cpu.parse_lscpu,
    "xpu-smi": intel.parse_xpu_smi,
    "clinfo": intel.parse_clinfo,
    "cgroup": limits.parse_groups,
    "cpu.max": limits.parse_cpu_max,
    "meminfo": memory.parse_meminfo,
    "dmidecode": lambda words: memory.peak_bandwidth(memory.parse_dmidecode(words)),
    "nvidia-smi": lambda words: nvidia.parse_nvidia_smi(words, nvidia.FIELDS, "x86_64"),
    "nvidia-smi -L": nvidia.parse_listing,
    "l4t": nvidia.parse_l4t,
    "uevent": lambda words: pci.parse_uevent(words, "0000:01:00.0"),
    "lspci": pci.parse_lspci,
    "pci.ids": lambda words: pci.parse_pci_ids(words, ["10de:2204"]),
    "os-release": system.parse_os_release,
    "sw_vers": system.parse_sw_vers,
    "vulkaninfo": vulkan.parse_vulkaninfo,
    "powershell": windows.parse_powershell,
    "version": lambda words: tools.parse_version("docker", words),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["gpu_data", "asic", "vram", "size", "value", "unit", "card0", "system", "gpu", "device_list", "bus", "driver"])
            | st.sampled_from(["os", "cpu", "video", "memory", "registry", "computer", "SPDisplaysDataType", "SPHardwareDataType", "Name"])
            | st.text(max_size=6),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=60, deadline=None)
@given(words=st.text(max_size=300) | st.text(alphabet="gpuGPU0123456789:=[]{}|,.\t\n MiB\0\x1b", max_size=300) | JSON.map(json.dumps))
def test_any_text_is_taken(name, words):
    PARSERS[name](words)


@given(words=st.text(max_size=400))
def test_clean_is_idempotent_and_printable(words):
    once = text.clean(words)
    assert text.clean(once) == once
    assert len(once) <= text.LINE_LIMIT
    assert once.isprintable() or not once


def test_clean():
    assert text.clean("\x1b[31mred\x1b[0m \x1b]0;title\x07text\0\u202e\r\n next") == "red text next"
    assert text.clean("a" * 1000) == "a" * 159 + "…"
    assert text.clean_block("one\r\n\x1b[2Jtwo\0\tthree") == "one\ntwo\tthree"


@pytest.mark.parametrize("word", ["", "N/A", "[N/A]", "1e5", "-1", "12 34", "9" * 40, "2" + "0" * 30, True, None, [], float("nan")])
def test_no_number(word):
    assert text.to_int(word) is None


@pytest.mark.parametrize(
    ("word", "size"), [("16 GB", 16 * GIB), ("1536 MB", 1536 * 1024**2), ("32769132 kB", 32769132 * 1024), ("shared", None), ("0 MB", None)]
)
def test_sizes(word, size):
    assert text.to_bytes(word) == size


def test_json_after_warnings():
    assert text.json_in('WARNING: [driver] low power\n{"a": [1]}\ntrailing') == {"a": [1]}
    assert text.json_in('{"a": ') is None
    assert text.json_in("[" * 100_000) is None


def test_pci_addresses():
    assert text.pci_address("00000000:0B:00.0") == text.pci_address("0b:00.0") == "0000:0b:00.0"
    assert text.pci_address("0000000F:01:00.0") == "000f:01:00.0"
    assert text.pci_address("N/A") == ""


def test_nvidia_rows_that_are_no_rows_are_left_out():
    rows = "warning: something\n0, NVIDIA L4, 23034, 570.1, 00000000:01:00.0, 8.9, [N/A]\n1, NVIDIA L4, 23034\n"
    found = nvidia.parse_nvidia_smi(rows, nvidia.FIELDS, "x86_64")
    assert isinstance(found, list)
    assert [(entry.name, entry.index, entry.memory_bytes) for entry in found] == [("NVIDIA L4", 0, 23034 * 1024**2)]


@pytest.mark.parametrize(
    ("name", "architecture", "unified"),
    [
        ("NVIDIA GB10", "aarch64", True),
        ("NVIDIA N1", "aarch64", True),
        ("NVIDIA Thor", "x86_64", True),
        ("NVIDIA GeForce RTX 3090", "x86_64", False),
    ],
)
def test_missing_memory_means_shared_memory_only_where_it_can(name, architecture, unified):
    found = nvidia.parse_nvidia_smi(f"0, {name}, [N/A], 580.1, 0000000F:01:00.0, 12.1, [N/A]", nvidia.FIELDS, architecture)
    assert isinstance(found, list)
    assert found[0].unified is unified
    assert found[0].memory_bytes == Unknown("nvidia-smi: prints [N/A] for it")


def test_an_arm_server_s_card_keeps_its_own_memory():
    found = nvidia.parse_nvidia_smi("0, NVIDIA GH200 480GB, 97871, 580.1, 00000009:01:00.0, 9.0, Disabled", nvidia.FIELDS, "aarch64")
    assert isinstance(found, list)
    assert not found[0].unified


def test_mig_without_instances_is_not_usable():
    card = Accelerator("nvidia", "NVIDIA A100", 80 * GIB, index=0, extra=(("mig", True),))
    (found,) = nvidia.split_instances([card], "GPU 0: NVIDIA A100 (UUID: x)\n", "")
    assert found.memory_bytes == Unknown("MIG mode is on, and no instance was found")


def test_unified_memory_is_main_memory_and_what_was_set_aside_for_graphics():
    integrated = Accelerator("amd", "Radeon 8060S", 96 * GIB, unified=True, limit_bytes=0)
    finished = integrated.finish(31 * GIB, set_aside_counts=True)
    assert (finished.memory_bytes, finished.limit_bytes) == (127 * GIB, 96 * GIB)
    small = Accelerator("amd", "Radeon 8060S", GIB // 2, unified=True, limit_bytes=200 * GIB).finish(125 * GIB, set_aside_counts=True)
    assert (small.memory_bytes, small.limit_bytes) == (125 * GIB + GIB // 2, 125 * GIB + GIB // 2)
    assert Accelerator("nvidia", "RTX", 24 * GIB).finish(64 * GIB, set_aside_counts=False).memory_bytes == 24 * GIB


@pytest.mark.parametrize(
    ("version", "target"), [(110000, "gfx1100"), (110501, "gfx1151"), (90402, "gfx942"), (90010, "gfx90a"), (120001, "gfx1201")]
)
def test_kfd_targets(version, target):
    assert amd.parse_node(f"gfx_target_version {version}\nlocation_id 768\ndomain 0\n") == ("0000:03:00.0", target)


def test_kfd_processor_node():
    assert amd.parse_node("cpu_cores_count 16\ngfx_target_version 0\nlocation_id 0\n") is None


@pytest.mark.parametrize(
    ("pci_id", "name", "integrated"),
    [
        ("1002:744c", "AMD Radeon RX 7900 XTX", False),
        ("1002:1586", "", True),
        ("1002:ffff", "AMD Radeon 890M Graphics", True),
        ("1002:ffff", "AMD Radeon Graphics", True),
        ("1002:744c", "AMD Radeon Pro W7900", False),
        ("1002:74a1", "AMD Instinct MI300X", False),
    ],
)
def test_amd_graphics_inside_a_processor(pci_id, name, integrated):
    assert amd.is_integrated(pci_id, name) is integrated


def test_old_rocm_smi_keys_and_amd_smi_shapes():
    old = amd.parse_rocm_smi('{"card0": {"Card series": "Instinct MI210", "Card model": "0x0c34", "VRAM Total Memory (B)": "68702699520"}}')
    assert isinstance(old, list)
    assert (old[0].name, old[0].memory_bytes, old[0].device_id) == ("Instinct MI210", 68702699520, "0c34")
    bare = amd.parse_amd_smi('[{"gpu": 0, "asic": {"market_name": "AMD Instinct MI250"}, "vram": {"size": "65520 MB"}, "bus": "N/A"}]')
    assert isinstance(bare, list)
    assert (bare[0].memory_bytes, bare[0].address) == (65520 * 1024**2, "")


def modules(*labels: tuple[str, str], speed: int = 4800, width: int = 64) -> list[memory.Module]:
    return [memory.Module(16 * GIB, width, speed, memory.channel_of(bank, slot)) for bank, slot in labels]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (modules(("P0 CHANNEL A", "DIMM 0")), 38.4),
        (modules(("P0 CHANNEL A", "DIMM 0"), ("P0 CHANNEL A", "DIMM 1")), 38.4),
        (modules(("P0 CHANNEL A", "DIMM 1"), ("P0 CHANNEL B", "DIMM 1")), 76.8),
        (modules(("BANK 0", "Controller0-ChannelA-DIMM0"), ("BANK 0", "Controller1-ChannelA-DIMM0")), 76.8),
        (modules(*[(f"P{socket} CHANNEL {letter}", f"DIMM_P{socket}_{letter}0") for socket in (0, 1) for letter in "ABCDEFGH"]), 614.4),
        (modules(("BANK 1", "DIMM_A2"), ("BANK 3", "DIMM_B2"), speed=3200), 51.2),
        (modules(*[(f"P0 CHANNEL {letter}", "DIMM 0") for letter in "ABCDEFGH"], speed=8000, width=32), 256.0),
    ],
)
def test_peak_bandwidth(found, expected):
    assert memory.peak_bandwidth(found) == expected


@pytest.mark.parametrize(
    "found", [[], modules(("BANK 0", "slot 1"), ("BANK 1", "slot 2")), [memory.Module(GIB, 64, None, "0:A")], modules(("", ""), speed=1)]
)
def test_bandwidth_is_not_guessed(found):
    assert isinstance(memory.peak_bandwidth(found), Unknown)


def test_cgroups_of_both_versions():
    assert limits.parse_groups("4:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc\n0::/\n") == {
        "memory": "/docker/abc", "cpu": "/docker/abc", "cpuacct": "/docker/abc", "": "/",
    }  # fmt: skip
    assert limits.parse_groups("0::/../../etc\n") == {}
    assert [limits.parse_cpu_max(words) for words in ("max 100000", "150000 100000", "-1 100000", "0 0", "")] == [None, 2, None, None, None]


class Files:
    """A machine that has files and nothing else."""

    def __init__(self, files: dict[str, str], variables: dict[str, str] | None = None) -> None:
        self.files, self.variables = files, variables or {}

    def read(self, path, *, keep=True):
        return self.files.get(path, Unknown(f"{path}: not there"))

    def environment(self, name):
        return self.variables.get(name, "")


def test_the_strictest_limit_of_all_groups_holds():
    files = {
        "/proc/self/cgroup": "0::/a.slice/b.scope\n",
        "/sys/fs/cgroup/a.slice/memory.max": "4294967296\n",
        "/sys/fs/cgroup/a.slice/memory.current": "1000000\n",
        "/sys/fs/cgroup/a.slice/b.scope/memory.max": "max\n",
        "/sys/fs/cgroup/a.slice/b.scope/cpu.max": "400000 100000\n",
    }
    assert limits.detect_limits(Files(files)) == limits.Limits(4294967296, 1000000, 4)
    old = {
        "/proc/self/cgroup": "4:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc\n",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes": "2147483648\n",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes": "7\n",
        "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
        "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    }
    assert limits.detect_limits(Files(old)) == limits.Limits(2147483648, 7, None)
    unlimited = {"/proc/self/cgroup": "4:memory:/\n", "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}
    assert limits.detect_limits(Files(unlimited)) == limits.Limits()


@pytest.mark.parametrize(
    ("files", "variables", "inside"),
    [
        ({}, {}, False),
        ({"/.dockerenv": ""}, {}, True),
        ({"/.dockerenv": "", "/proc/self/mountinfo": "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"}, {}, False),
        ({"/run/.containerenv": "", "/proc/self/mountinfo": "99 98 0:50 / / rw - overlay overlay rw\n"}, {}, True),
        ({"/proc/1/cgroup": "11:devices:/kubepods/besteffort/pod1\n"}, {}, True),
        ({"/proc/1/cgroup": "0::/init.scope\n"}, {}, False),
        ({"/run/systemd/container": "systemd-nspawn\n"}, {}, True),
        ({"/run/systemd/container": "wsl\n"}, {}, False),
        ({}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, True),
    ],
)
def test_containers(files, variables, inside):
    assert system.is_container(Files(files, variables)) is inside


def test_wsl():
    assert system.is_wsl("5.15.153.1-microsoft-standard-WSL2")
    assert system.is_wsl("", "Linux version 4.4.0-19041-Microsoft")
    assert not system.is_wsl("6.8.0-87-generic", "Linux version 6.8.0")


def test_two_vulkan_drivers_for_one_card_are_one_card():
    block = "GPU{}:\n\tvendorID = 0x1002\n\tdeviceID = 0x744c\n\tdeviceType = PHYSICAL_DEVICE_TYPE_DISCRETE_GPU\n\tdeviceName = {}\n\tdriverName = {}\n"
    both = block.format(0, "AMD Radeon RX 7900 XTX (RADV NAVI31)", "radv") + block.format(
        1, "AMD Radeon RX 7900 XTX", "AMD open-source driver"
    )
    found = vulkan.parse_vulkaninfo(both)
    assert isinstance(found, list)
    assert [device.name for device in found] == ["AMD Radeon RX 7900 XTX"]
    twins = vulkan.parse_vulkaninfo(block.format(0, "RX 7900 XTX", "radv") + block.format(1, "RX 7900 XTX", "radv"))
    assert isinstance(twins, list)
    assert len(twins) == 2


def test_a_card_that_wsl_translates_is_named():
    block = "GPU0:\n\tvendorID = 0x1002\n\tdeviceID = 0x744c\n\tdeviceType = PHYSICAL_DEVICE_TYPE_DISCRETE_GPU\n\tdeviceName = {}\n"
    found = vulkan.parse_vulkaninfo(block.format("Microsoft Direct3D12 (AMD Radeon RX 7900 XTX)"))
    assert isinstance(found, list)
    assert [(device.name, device.vendor) for device in found] == [("AMD Radeon RX 7900 XTX", "amd")]


@pytest.mark.parametrize("name", PARSERS)
def test_endless_words_are_taken(name):
    shapes = ["GPU @: x\n  MIG 1g.5gb Device @: (UUID: y)", "| @ @ @ @ | 1MiB / @MiB |", "a: @", "a=@", "@ @", "@, A, @, 1, x, 8.6, y"]
    for many in ("9" * 20_000, "A" * 200_000, "[" * 20_000):
        for shape in [*shapes, '{"card0": {"a": @}}']:
            PARSERS[name](shape.replace("@", many))


def test_vulkan_names_what_has_no_name_and_adds_unknown_vendors_only():
    nameless = Accelerator("amd", Unknown("no tool names it"), 16 * GIB, pci_id="1002:744c")
    card = vulkan.VulkanDevice("AMD Radeon RX 7900 XTX", "amd", "1002:744c", unified=False, driver="Mesa 25", driver_name="radv")
    other = vulkan.VulkanDevice("Adreno X1-85", "qualcomm", "5143:36334330", unified=True, driver="", driver_name="")
    found = vulkan.add_vulkan([nameless], [card, other])
    assert [(entry.name, entry.unified) for entry in found] == [("AMD Radeon RX 7900 XTX", False), ("Adreno X1-85", True)]


def test_nameless_device_keeps_its_bus_id():
    assert Accelerator("amd", Unknown("no tool names it"), GIB, pci_id="1002:744c").to_json()["name"] == "amd device 1002:744c"


@pytest.mark.parametrize(
    ("name", "printed", "version"),
    [
        ("docker", "Docker version 28.5.1, build e180ab8\n", "28.5.1"),
        ("compose", "v2.40.0-desktop.1\n", "2.40.0-desktop.1"),
        ("podman_compose", "podman-compose version 1.5.0\npodman version 5.6.2\n", "1.5.0"),
        ("nvidia_container_toolkit", "NVIDIA Container Toolkit CLI version 1.17.8\ncommit: f202b80\n", "1.17.8"),
        ("kubectl", "Client Version: v1.33.4\nKustomize Version: v5.6.0\n", "1.33.4"),
        ("nix", "nix (Determinate Nix 3.11.2) 2.31.1\n", "2.31.1"),
        ("ollama", "Warning: could not connect to a running Ollama instance\nWarning: client version is 0.34.2\n", "0.34.2"),
        ("llama_server", "ggml_cuda_init: found 1 CUDA devices:\nversion: 11521 (00dc8057)\n", "b11521"),
    ],
)
def test_versions(name, printed, version):
    assert tools.read_version(name, Output((name,), 0, printed, "")) == version


def test_registry_sizes():
    video = [{"Name": "AMD Radeon RX 7900 XTX", "PNPDeviceID": "PCI\\VEN_1002&DEV_744C&REV_C8", "AdapterRAM": 4293918720}]
    by_id = [{"DriverDesc": "other", "MatchingDeviceId": "pci\\ven_1002&dev_744c", "MemorySize": 24 * GIB}]
    assert windows.parse_video(video, by_id)[0].memory_bytes == 24 * GIB
    assert isinstance(windows.parse_video(video, [])[0].memory_bytes, Unknown)
    clash = [*by_id, {"DriverDesc": "other", "MatchingDeviceId": "pci\\ven_1002&dev_744c", "MemorySize": 8 * GIB}]
    assert isinstance(windows.parse_video(video, clash)[0].memory_bytes, Unknown)


@pytest.mark.parametrize(
    ("name", "integrated"),
    [
        ("Intel(R) UHD Graphics 770", True),
        ("Intel(R) Iris(R) Xe Graphics", True),
        ("Intel(R) Arc(TM) Graphics", True),
        ("Intel(R) Arc(TM) 140V GPU (16GB)", True),
        ("Intel(R) Arc(TM) A770 Graphics", False),
        ("Intel(R) Arc(TM) B580 Graphics", False),
        ("AMD Radeon(TM) Graphics", True),
        ("AMD Radeon(TM) 890M Graphics", True),
        ("AMD Radeon(TM) 8060S Graphics", True),
        ("AMD Radeon(TM) Vega 8 Graphics", True),
        ("AMD Radeon RX 7900 XTX", False),
        ("AMD Radeon RX 7600S", False),
        ("AMD Radeon PRO W7900", False),
    ],
)
def test_integrated_graphics_under_windows(name, integrated):
    (found,) = windows.parse_video([{"Name": name, "PNPDeviceID": "PCI\\VEN_8086&DEV_0001"}], [])
    assert found.unified is integrated
