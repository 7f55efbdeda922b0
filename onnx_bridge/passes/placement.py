"""Where the pieces of an arena lie, by a few sizes that they have: which of them are beneath which, so that it holds at all others.

Pieces that are needed at one time must not overlap. A greedy placement puts one after the other into the tightest gap; what is kept of it
is which of its rivals each piece lies above. At any sizes a piece then begins where the highest of those ends: nothing overlaps, and
smaller sizes never need a larger arena. How close that comes to the least that is possible depends on the order in which pieces are placed.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

#: A placement is good enough where the arena is at most this many times the largest sum of pieces that are needed at one time.
BOUND = 1.05

#: So many other placements are looked at where those of the usual orders are not good enough, and fewer where each takes long.
TRIES = 300
WORK = 8_000_000


@dataclass(frozen=True)
class Piece:
    """A piece of the arena: the first and the last moment that it is needed at, and its bytes at each of the settings looked at."""

    start: int
    end: int
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Placement:
    """Which pieces lie beneath which, all by their numbers.

    Attributes:
        order: every piece behind those beneath it.
        below: of each piece, those that it lies on; what lies beneath one of them is left out.
        heights: the arena's bytes at each setting.
    """

    order: Sequence[int]
    below: Sequence[Sequence[int]]
    heights: Sequence[int]


#: Orders in which pieces are placed, by piece and size: none is best for all models.
ORDERS: tuple[Callable[[Piece, int], tuple[int, ...]], ...] = (
    lambda piece, size: (-size, piece.start),
    lambda piece, size: (-size * (piece.end - piece.start + 1), piece.start),
    lambda piece, size: (piece.start - piece.end, -size),
    lambda piece, size: (piece.start, -size),
    lambda piece, size: (-piece.end, -size),
)


def arrange(pieces: Sequence[Piece]) -> Placement:
    """The best placement that is found, by the setting at which it is worst; the first setting's usual one if that is good enough."""
    settings = range(len(pieces[0].sizes) if pieces else 0)
    search = _Search(pieces, settings)
    best = search.usual()
    orders = ((by, setting) for setting in settings[1:] for by in ORDERS)
    while search.ratio(best) > BOUND:
        found = next(orders, None)
        if found is None:
            return search.climbed(best)
        best = min(best, search.greedy(search.ordered(*found), found[1]), key=search.ratio)
    return best.placement


def least(pieces: Sequence[Piece], setting: int) -> int:
    """The largest sum of the pieces that are needed at one time: what no placement can go below."""
    changes: dict[int, int] = {}
    for piece in pieces:
        changes[piece.start] = changes.get(piece.start, 0) + piece.sizes[setting]
        changes[piece.end + 1] = changes.get(piece.end + 1, 0) - piece.sizes[setting]
    most = now = 0
    for moment in sorted(changes):
        now += changes[moment]
        most = max(most, now)
    return most


@dataclass(frozen=True)
class _Tried:
    """A placement with what it was made of, and where each piece lies at each setting."""

    placement: Placement
    placed: Sequence[int]
    setting: int
    at: np.ndarray


class _Search:
    """Placements of some pieces."""

    def __init__(self, pieces: Sequence[Piece], settings: range) -> None:
        self.pieces, self.settings = pieces, settings
        self.sizes = np.array([piece.sizes for piece in pieces], np.int64).reshape(len(pieces), len(settings))
        self.least = [least(pieces, setting) for setting in settings]
        self.rivals: list[list[int]] = [[] for _ in pieces]
        alive: list[int] = []
        for piece in sorted(range(len(pieces)), key=lambda each: pieces[each].start):
            alive = [other for other in alive if pieces[other].end >= pieces[piece].start]
            for other in alive:
                self.rivals[other].append(piece)
            self.rivals[piece] += alive
            alive.append(piece)

    def ratio(self, tried: _Tried) -> float:
        """How many times the least bytes the arena has, where that is most."""
        return max((height / low for height, low in zip(tried.placement.heights, self.least, strict=True) if low), default=1.0)

    def ordered(self, by: Callable[[Piece, int], tuple[int, ...]], setting: int) -> list[int]:
        """The pieces in one of the orders."""
        return sorted(range(len(self.pieces)), key=lambda each: by(self.pieces[each], self.pieces[each].sizes[setting]))

    def usual(self) -> _Tried:
        """The lowest of those that the orders give at the first setting."""
        if not self.settings:
            return _Tried(Placement([], [], []), [], 0, self.sizes)
        return min((self.greedy(self.ordered(by, 0), 0) for by in ORDERS), key=lambda tried: tried.placement.heights[0])

    def greedy(self, placed: Sequence[int], setting: int) -> _Tried:
        """A placement of pieces one after the other, each in the tightest gap between its rivals, at one setting."""
        return self.related(placed, setting, self.places(placed, setting))

    def places(self, placed: Sequence[int], setting: int) -> dict[int, int]:
        """Where pieces lie, by one setting's sizes, that are placed one after the other, each into the tightest gap between its rivals."""
        sizes = self.sizes[:, setting].tolist()
        at: dict[int, int] = {}
        low: list[tuple[int, int, int]] = []  # where those that are placed begin and end, and which they are, from the lowest on
        for piece in placed:
            mine = {other for other in self.rivals[piece] if other in at}
            # A few are put in order by themselves; where most are rivals, those in order are gone through.
            few = len(mine) * 8 < len(low)
            taken = sorted((at[o], at[o] + sizes[o]) for o in mine) if few else [(begin, end) for begin, end, o in low if o in mine]
            at[piece] = _tightest(taken, sizes[piece])
            bisect.insort(low, (at[piece], at[piece] + sizes[piece], piece))
        return at

    def related(self, placed: Sequence[int], setting: int, places: Mapping[int, int]) -> _Tried:
        """What lies beneath what, and where that is at all settings."""
        order = sorted(placed, key=lambda each: (places[each], self.pieces[each].start))
        place = {piece: index for index, piece in enumerate(order)}
        below: list[list[int]] = [[] for _ in order]
        at = np.zeros_like(self.sizes)
        for piece in order:
            lower = sorted((other for other in self.rivals[piece] if place[other] < place[piece]), key=place.__getitem__)
            beneath = {deeper for other in lower for deeper in below[other]}
            below[piece] = [other for other in lower if other not in beneath]
            if lower:
                at[piece] = (at[below[piece]] + self.sizes[below[piece]]).max(axis=0)
        heights = (at + self.sizes).max(axis=0, initial=0).tolist()
        return _Tried(Placement(order, below, heights), placed, setting, at)

    def climbed(self, best: _Tried) -> Placement:
        """Changes the order in which pieces are placed, a little at a time, where the stack is highest, until it is good enough."""
        now, draw = best, _draws()
        edges = sum(map(len, self.rivals)) + 1
        for _ in range(min(TRIES, WORK // (edges * (len(self.settings) + 2)))):
            if self.ratio(best) <= BOUND:
                break
            placed = list(now.placed)
            piece = self.stack(now, draw)
            where = placed.index(piece)
            placed.insert(int(next(draw) * (where + 1)), placed.pop(where))
            if next(draw) < 0.3:
                a, b = int(next(draw) * len(placed)), int(next(draw) * len(placed))
                placed[a], placed[b] = placed[b], placed[a]
            setting = int(next(draw) * len(self.settings)) if next(draw) < 0.3 else now.setting
            places = self.places(placed, setting)
            if self.height(places, setting) > self.ratio(now) * self.least[setting]:
                continue
            tried = self.related(placed, setting, places)
            if self.ratio(tried) <= self.ratio(now) or next(draw) < 0.02:
                now = tried
            best = min(best, tried, key=self.ratio)
        return best.placement

    def height(self, places: Mapping[int, int], setting: int) -> int:
        """The arena's bytes where pieces lie at certain places."""
        return max((at + self.pieces[piece].sizes[setting] for piece, at in places.items()), default=0)

    def stack(self, tried: _Tried, draw: Iterator[float]) -> int:
        """One of the pieces that lie on one another from the ground up to the top, at the setting where that is worst."""
        worst = max(self.settings, key=lambda s: tried.placement.heights[s] / max(self.least[s], 1))
        at, sizes = tried.at[:, worst], self.sizes[:, worst]
        tops = np.flatnonzero(at + sizes == tried.placement.heights[worst])
        piece = int(tops[int(next(draw) * len(tops))])
        stack = [piece]
        while at[piece]:
            touching = [other for other in tried.placement.below[piece] if at[other] + sizes[other] == at[piece]]
            piece = touching[int(next(draw) * len(touching))]
            stack.append(piece)
        return stack[int(next(draw) * len(stack))]


def _tightest(taken: Sequence[tuple[int, int]], need: int) -> int:
    """Where the smallest gap that is large enough begins between pieces, given from the lowest on; above all where there is none."""
    end_of_all = 0
    best: tuple[int, int] | None = None
    for begin, end in taken:
        gap = begin - end_of_all
        if gap >= need and (best is None or gap < best[0]):
            best = (gap, end_of_all)
        end_of_all = max(end_of_all, end)
    return best[1] if best else end_of_all


def _draws() -> Iterator[float]:
    """Numbers in [0, 1) that look random, the same with every version of everything: headers must not depend on that."""
    state = 1
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield (state >> 11) / 2**53
