"""From one user to a thousand: the ladder goes up, ends in a cluster with vLLM, and what the chapter says of it is so."""

from __future__ import annotations

import pytest

from case_tools import pack
from setupgen.engine.queueing import waits
from setupgen.maintain.pages.chapters import growing


@pytest.fixture(scope="module")
def rungs():
    found = [(rung, *known) for rung in growing.RUNGS if (known := growing._service(pack(), rung))]
    assert len(found) == len(growing.RUNGS)
    return found


def test_each_rung_suffices_for_more_people_than_the_one_before(rungs):
    most = [growing._most(pack(), service) for _, service, _ in rungs]
    assert most == sorted(set(most))
    assert most[-1] >= 1000
    assert growing._suffices(pack(), rungs[0][1], 1)


def test_few_are_served_by_llama_cpp_and_many_by_vllm(rungs):
    servers = [choice.server.id for _, _, choice in rungs]
    assert servers[0] == "llama-cpp"
    assert set(servers[2:]) == {"vllm"}


def test_the_line_has_the_plans_slots_and_speeds(rungs):
    use = pack().vocabulary("use-cases")[growing.USE_CASE]
    for rung, service, choice in rungs:
        assert service.slots == choice.settings["parallel"]
        assert service.places >= rung.values["users"]
        assert use["answer_tokens"] / service.full_s == pytest.approx(choice.speed.decode_tps.value)
        assert service.alone_s <= service.full_s
        one = waits(service, 1, growing.PAUSE_S)
        assert growing._pace(pack(), service, one) == pytest.approx(use["answer_tokens"] / service.alone_s)


def test_the_ladder_has_a_row_for_each_number_of_people():
    rows = list(growing.ladder(pack()))[2:]
    assert [int(row.split("|")[1].replace(",", "")) for row in rows] == list(growing.PEOPLE)
    assert not any("more than these" in row for row in rows)
