"""How long people wait for a free slot: a formula for their line, and a simulation of it that the formula is held against. Pure.

Each of some people asks, waits for a slot, is answered, pauses, and asks again; whoever finds no slot free stands in line, first come first
served. The work of a request and the pause vary as exponential times do (many short ones, few long ones), which is how the lengths of answers are
distributed in what a large provider measured (ServeGen, arXiv 2505.09999). The more are answered at once, the slower each goes and the more is
done in all: the state of the line is a birth and death process whose rates are the plan's own speeds, and solved exactly.

What it leaves out makes real lines longer, so that its waits are least ones: requests that come in bursts, and people who ask again because
they wait.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

PERCENTILES = (50, 90, 99)

PRECISION = 1e-6
"""Waits are found to this part of themselves."""

NEGLIGIBLE = 1e-12
HUGE = 1e250


@dataclass(frozen=True, slots=True)
class Service:
    """What answers: copies of a server with slots each.

    Attributes:
        slots: answers that one copy writes at once.
        prompt_s: seconds in which one copy reads the prompt of a request; nothing else is done meanwhile.
        alone_s: seconds in which it writes an answer while it writes no other.
        full_s: seconds of each answer while all its slots are busy.
        copies: how many there are, with one line for all.
    """

    slots: int
    prompt_s: float
    alone_s: float
    full_s: float
    copies: int = 1

    @property
    def places(self) -> int:
        """Requests that are worked on at once."""
        return self.slots * self.copies

    def rate(self, busy: int) -> float:
        """Requests done per second while this many are worked on, shared out evenly over the copies."""
        if not busy:
            return 0.0
        each = max(busy / self.copies, 1.0)
        share = (each - 1) / (self.slots - 1) if self.slots > 1 else 0.0
        writing = (self.alone_s + (self.full_s - self.alone_s) * share) / each
        return min(busy, self.copies) / (self.prompt_s + writing)


@dataclass(frozen=True, slots=True)
class Waits:
    """The line of some people.

    Attributes:
        chance: part of the requests that find no slot free.
        mean_s: wait for a slot in seconds, of all requests.
        percentile_s: by percentile, the wait that so many in a hundred do not exceed.
        busy: slots that are busy on average.
        per_s: requests done per second.
    """

    chance: float
    mean_s: float
    percentile_s: dict[int, float]
    busy: float
    per_s: float


def waits(service: Service, people: int, pause_s: float, percentiles: Iterable[int] = PERCENTILES) -> Waits:
    """The line of people who pause this long between an answer and their next question.

    Raises:
        ValueError: for fewer than one person or a pause that is none.
    """
    if people < 1 or pause_s <= 0:
        message = "a line needs people, and pauses between their questions"
        raise ValueError(message)
    places = service.places
    present = _states(service, people, pause_s)
    done = sum(chance * service.rate(min(number, places)) for number, chance in enumerate(present))
    busy = sum(chance * min(number, places) for number, chance in enumerate(present))
    # Who asks finds the others as they are without it.
    found = _states(service, people - 1, pause_s)
    behind = found[places:]
    full = service.rate(places)
    return Waits(
        chance=sum(behind),
        mean_s=sum(chance * (ahead + 1) for ahead, chance in enumerate(behind)) / full,
        percentile_s={number: _wait(behind, full, number / 100) for number in percentiles},
        busy=busy,
        per_s=done,
    )


def _states(service: Service, people: int, pause_s: float) -> list[float]:
    """How likely it is that none, one, two … of the people have asked and have no answer yet."""
    weights = [1.0]
    for number in range(1, people + 1):
        weights.append(weights[-1] * (people - number + 1) / pause_s / service.rate(min(number, service.places)))
        if weights[-1] > HUGE:
            weights = [weight / HUGE for weight in weights]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def _wait(behind: Sequence[float], rate: float, part: float) -> float:
    """The wait that this part of all requests does not exceed: `behind` is how likely all slots are busy and none, one, two … stand in line."""
    beyond = 1 - part
    if sum(behind) <= beyond:
        return 0.0
    low, high = 0.0, 1 / rate
    while _longer(behind, rate * high) > beyond:
        low, high = high, high * 2
    while high - low > PRECISION * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _longer(behind, rate * middle) > beyond else (low, middle)
    return high


def _longer(behind: Sequence[float], expected: float) -> float:
    """How likely a wait is during which this many requests are expected to end: whoever has `n` in line before it waits for `n + 1` to end."""
    left = math.fsum(behind)
    total, logarithm = 0.0, -expected
    for ended, chance in enumerate(behind):
        total += math.exp(logarithm) * left
        left -= chance
        if left < NEGLIGIBLE:
            break
        logarithm += math.log(expected / (ended + 1))
    return total


def simulated(service: Service, people: int, pause_s: float, draw: Callable[[], float], *, requests: int, variation: float = 1.0) -> Waits:
    """The same line, played out event by event.

    Args:
        service: what answers.
        people: how many ask.
        pause_s: mean pause of each between an answer and the next question.
        draw: numbers from 0 to below 1, each as likely as any other; who hands in the same gets the same answer.
        requests: how many are counted, after a tenth as many that are not.
        variation: how unlike the requests' work is: its standard deviation as a part of its mean. 1 is what the formula assumes, 0 makes all alike.
    """

    def some() -> float:
        return -math.log(1 - draw())

    asking = [some() * pause_s for _ in range(people)]
    heapq.heapify(asking)
    line: deque[float] = deque()  # when each of those in line asked
    left: list[float] = []  # work that is left, of requests that have a slot
    waited: list[float] = []
    now = start = busy_s = 0.0
    skip = requests // 10
    while len(waited) < requests + skip:
        each = service.rate(len(left)) / len(left) if left else 0.0
        ends = now + min(left) / each if left else math.inf
        asks = asking[0] if asking else math.inf
        until = min(ends, asks)
        left = [rest - (until - now) * each for rest in left]
        busy_s += (until - now) * len(left)
        now = until
        if ends <= asks:
            left.remove(min(left))
            heapq.heappush(asking, now + some() * pause_s)
        else:
            line.append(heapq.heappop(asking))
        while line and len(left) < service.places:
            waited.append(now - line.popleft())
            left.append(_work(some, draw, variation))
            if len(waited) == skip:
                start, busy_s = now, 0.0
    counted = sorted(waited[skip:])
    return Waits(
        chance=sum(wait > 0 for wait in counted) / requests,
        mean_s=math.fsum(counted) / requests,
        percentile_s={number: counted[math.ceil(number / 100 * requests) - 1] for number in PERCENTILES},
        busy=busy_s / (now - start),
        per_s=requests / (now - start),
    )


def _work(some: Callable[[], float], draw: Callable[[], float], variation: float) -> float:
    """Work of one request, 1 on average: a sum of short parts where requests are alike, mostly little and rarely much where they are not."""
    if not variation:
        return 1.0
    if variation <= 1:
        parts = max(round(1 / variation**2), 1)
        return sum(some() for _ in range(parts)) / parts
    little = (1 + math.sqrt((variation**2 - 1) / (variation**2 + 1))) / 2
    return some() / (2 * (little if draw() < little else 1 - little))
