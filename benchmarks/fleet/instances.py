"""Random fleets: kinds of hosts with memory and speed, needs with models of several sizes. The same seed gives the same fleet."""

from __future__ import annotations

from math import log2
from random import Random

from setupgen.engine.fleet.problem import Kind, Option, Problem, Wish

# (GB of one part, parts, GB/s): from a small board to a server with eight cards.
BOXES = (
    (6, 1, 30), (12, 1, 360), (12, 2, 480), (16, 1, 800), (24, 1, 940), (24, 2, 940), (24, 4, 1000), (32, 1, 1800), (48, 2, 770),
    (48, 4, 860), (64, 2, 400), (80, 4, 2000), (80, 8, 3300), (128, 2, 256),
)  # fmt: skip
# (GB of weights, GB of cache for each user): small to large.
MODELS = ((0.5, 0.05), (2.5, 0.3), (5, 0.5), (8, 0.8), (16, 1.2), (20, 0.7), (38, 1.5), (62, 1.0), (130, 2.5))
MAXIMUM_USERS = 40


def levels(users: int) -> list[int]:
    """Sizes of replicas worth trying: all users, a half, a third, a quarter and so on."""
    return sorted({-(-users // part) for part in (1, 2, 3, 4, 6, 8, 12, 16)})


def instance(seed: int, hosts: int, needs: int, kinds: int) -> Problem:
    """One fleet."""
    random = Random(seed)
    boxes = [random.choice(BOXES) for _ in range(kinds)]
    counts = [1] * kinds
    for _ in range(hosts - kinds):
        counts[random.randrange(kinds)] += 1
    made = []
    for (gigabytes, units, _), count in zip(boxes, counts, strict=True):
        made.append(Kind(count, units, round(20 * (gigabytes * units / 8) ** 0.5), random.random() < 0.15))
    if all(kind.preemptible for kind in made):
        made[0] = Kind(made[0].hosts, made[0].units, made[0].price)
    return Problem(tuple(made), tuple(_wish(random, boxes, hosts) for _ in range(needs)))


def _wish(random: Random, boxes: list[tuple[int, int, int]], hosts: int) -> Wish:
    users = min(MAXIMUM_USERS * max(hosts // 30, 1), round(2 ** random.uniform(0, 5.3) * max(hosts / 30, 1)))
    replicas = random.choice((0, 0, 0, 0, 1, 2, 2, 3))
    weight = random.choice((0.5, 1.0, 1.0, 1.0, 2.0))
    pace = random.choice((10, 25, 40))
    variants = []
    made = 0
    for size, cache in random.sample(MODELS, random.randint(3, 6)):
        regard = random.uniform(-0.15, 0.15)
        options: list[Option] = []
        for kind, (gigabytes, units, bandwidth) in enumerate(boxes):
            for count in (1, 2, 4, 8):
                if count > units:
                    break
                for slots in levels(users):
                    if size + cache * slots > 0.92 * gigabytes * count:
                        continue
                    speed = bandwidth / size * count**0.7 / slots**0.5
                    if speed < 0.3 * pace:
                        continue
                    score = 0.5 + log2(size + 1) / 5 + regard + min(speed / pace, 1.3) * 0.5
                    options.append(Option(kind, count, slots, 1000 + round(1000 * score), made))
                    made += 1
        if options:
            variants.append(tuple(options))
    return Wish(users, replicas, weight, random.random() < 0.7, tuple(variants))
