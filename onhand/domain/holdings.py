"""One level as the ledger keeps it, and everything that can happen to it: the ledger's bookkeeping, told plainly. Pure.

What a channel shows is known by what it answered, less the sales heard of since. In between somebody buys, calls are
under way, answers are lost, and a set that asks nothing puts on show again what it did not know to be sold. Each
function here says what the row of a level (table `level`, with its `provisional_demand`) is after one such thing; the
ledger does the same in `take_sales_v2`, `claim_levels_v2`, `book_levels_v3` and `may_sell`, for many levels at once.
tests/ledger/test_holdings.py holds the two against each other. Simulated days (onhand/simulation) keep books by these.

Moments are seconds of any one clock. Cancellations, which put pieces back, are the ledger's alone.
"""

from dataclasses import dataclass, replace

from onhand.domain.beliefs import Belief
from onhand.domain.demand import CUT_OFF_SECONDS, HEARING_SECONDS


@dataclass(frozen=True, slots=True)
class Holding:
    """What is known of one level; counts are pieces. The comments of the table `level` say what each column means.

    `book`: what it shows as far as its sales were heard of, None while nobody knows; it then shows at most `bound`, or
    what a call under way tells (`tells`, `tells_blindly`, `undoes`), `heard` having been heard of since it was claimed.
    `undone`: what the last blind set may have put on show again; `unheard`: what may have been sold while nobody knew
    what it showed. `provisional`: what answers told of and no order yet, `earlier` of them from before the level was
    fixed. `doubtful`: sales made from `told_at` on, while a blind set was on its way; they count as made before it took
    effect, and if they were not, it shows so many less than its book. `heard_at`: when the last sale was heard of.
    """

    book: int | None
    bound: int | None = None
    tells: int | None = None
    tells_blindly: bool = False
    undoes: int = 0
    heard: int = 0
    undone: int = 0
    unheard: int = 0
    provisional: int = 0
    earlier: int = 0
    doubtful: int = 0
    claimed: bool = False
    owed: bool = False
    heard_at: float | None = None
    told_at: float | None = None
    booked_at: float | None = None
    shown_at: float | None = None
    blind_at: float | None = None
    fixed_at: float | None = None
    asked_at: float | None = None
    sold_at: float | None = None


@dataclass(frozen=True, slots=True)
class Booked:
    """A level after an answer. `taught`: it told of sales that nobody had heard of; `freed`: it may sell less than
    before, so that others can be given more; `in_doubt`: it is not believed, and looked at again."""

    holding: Holding
    taught: bool
    freed: bool
    in_doubt: bool


def with_sale(h: Holding, pieces: int, placed_at: float, heard_at: float) -> Holding:
    """A sale of so many pieces was heard of. What an answer had told of already is replaced, not added to.

    One from before the level was fixed is in the book already, or was undone by what fixed it; one made while it was
    looked at is in the book or not, which nobody can tell: then nothing is believed any more.
    """
    before = h.fixed_at is not None and placed_at < h.fixed_at
    in_doubt = before and h.asked_at is not None and placed_at >= h.asked_at
    while_told = h.told_at is not None and h.blind_at is not None and h.told_at <= placed_at < h.blind_at
    replaced = min(h.earlier if before else h.provisional - h.earlier, pieces)
    news, late = (0, pieces - replaced) if before else (pieces - replaced, 0)
    book = None if h.book is None else h.book - news
    return replace(
        h,
        book=None if in_doubt else book,
        bound=max(book, 0) if in_doubt and book is not None else h.bound,
        heard=h.heard + news if h.claimed else 0,
        sold_at=_latest(h.sold_at, placed_at) if h.claimed else None,
        undone=max(h.undone - late, 0),
        unheard=max(h.unheard - late, 0),
        doubtful=h.doubtful + late if while_told else h.doubtful,
        heard_at=_latest(h.heard_at, heard_at),
        provisional=h.provisional - replaced,
        earlier=h.earlier - replaced if before else h.earlier,
    )


def claimed(
    h: Holding, tells: int | None, *, blind: bool = False, undoes: int = 0, owed: bool = False
) -> Holding:
    """Somebody is going to tell it `tells` pieces at most (None: only to look). Until that is answered nobody knows
    what it shows; what was under way before may have taken effect or not."""
    bound = h.book
    if bound is None and (h.bound is not None or h.tells is not None):
        bound = may_show(h)
    return replace(
        h,
        book=None,
        bound=bound,
        tells=tells,
        tells_blindly=blind,
        undoes=undoes if blind else 0,
        heard=0,
        claimed=True,
        owed=owed,
        sold_at=None,
    )


def booked(h: Holding, belief: Belief[float], now: float, *, in_flight: bool = False) -> Booked:
    """Book what was learnt of a level while it was claimed; `in_flight`: the fate of the last call is not known."""
    b = belief
    expected, seen = (None, None) if in_flight else (b.expected, b.seen)
    short = max((b.shortfall or 0) - max(h.heard, 0), 0)
    explained = _explained(h, b, seen, short)
    fixed = b.blind or explained > 0 or (b.shortfall is None and b.surplus == 0 and expected is not None)
    in_doubt = _is_in_doubt(h, b, seen)
    after = _after(h, b, expected, seen)
    news = short - explained
    provisional = h.provisional + news
    unheard = h.unheard if b.blind or b.found is None else _unheard(h, b.found)
    result = Holding(
        book=None if in_doubt else after,
        bound=may_show(h) if after is None else max(after, 0) if in_doubt else None,
        undone=max(h.undoes - h.heard, 0) if b.blind else h.undone,
        unheard=h.unheard if after is None else unheard,
        provisional=provisional,
        earlier=provisional if fixed else h.earlier,
        doubtful=0 if b.blind or seen is not None else h.doubtful,
        heard_at=h.heard_at,
        told_at=b.asked if b.blind else h.told_at,
        owed=h.owed,
        booked_at=now,
        shown_at=h.shown_at if seen is None else now,
        blind_at=now if b.blind else h.blind_at,
        fixed_at=now if fixed else h.fixed_at,
        asked_at=None if b.blind else b.asked if fixed else h.asked_at if seen is None else None,
    )
    freed = may_sell(h, now) > max(after or 0, 0) + unheard + result.undone
    return Booked(result, taught=news > 0, freed=freed, in_doubt=in_doubt)


def _explained(h: Holding, b: Belief[float], seen: int | None, short: int) -> int:
    """Pieces missing that are doubtful sales, and so off the pool already: what has been silent for so long that all
    that it sold is heard of has sold nothing else."""
    if b.blind or seen is None or b.asked is None or h.heard_at is None:
        return 0
    silent = h.heard_at <= b.asked + CUT_OFF_SECONDS - HEARING_SECONDS
    return min(short, h.doubtful) if silent else 0


def _is_in_doubt(h: Holding, b: Belief[float], seen: int | None) -> bool:
    """Whether a sale was heard of meanwhile that what is booked now may have already, or not."""
    if b.blind or h.sold_at is None:
        return False
    if seen is None:
        return h.asked_at is not None and h.sold_at >= h.asked_at
    return b.shortfall is None and b.asked is not None and h.sold_at >= b.asked


def _after(h: Holding, b: Belief[float], expected: int | None, seen: int | None) -> int | None:
    """What it shows from now on, as far as that can be told."""
    if b.blind:
        return expected
    if seen is None:
        return None if expected is None else expected - h.heard
    if b.shortfall is None:
        return seen
    return seen - max(h.heard - b.shortfall, 0)


def _unheard(h: Holding, found: int) -> int:
    """What it may have shown more, when it was looked at after its book was lost, may all be sold."""
    most = 0 if h.bound is None else max(h.bound - h.heard, 0)
    return max(most + h.unheard - found, 0)


def swept(h: Holding, began_at: float, *, disproved: bool) -> Holding:
    """Every order placed before that moment was heard of. `disproved`: what is provisional is older than the sweep
    before that, and so is no sale."""
    since = h.booked_at if h.fixed_at is None else h.fixed_at
    heard_all = since is not None and since < began_at
    return replace(
        h,
        unheard=0 if heard_all else h.unheard,
        undone=0 if heard_all else h.undone,
        provisional=0 if disproved else h.provisional,
        earlier=0 if disproved else h.earlier,
    )


def may_show(h: Holding) -> int:
    """Pieces that a level shows at most, as far as its sales are heard of; while it is told, with those that are put on
    show again by that."""
    if h.book is not None:
        return max(h.book, 0)
    most = 0 if h.bound is None else max(h.bound - h.heard, 0)
    if h.tells is None:
        return most
    return max(most, h.tells + (max(h.undoes - h.heard, 0) if h.tells_blindly else -h.heard))


def may_sell(h: Holding, now: float) -> int:
    """Pieces that a level may still sell at most, beyond what is provisional, and the sales of it that may still be
    heard of. What a set may have undone counts until all that was sold before it would be heard of."""
    lately = h.undone > 0 and h.blind_at is not None and h.blind_at > now - HEARING_SECONDS
    return may_show(h) + h.unheard + (h.undone if lately else 0)


def _latest(one: float | None, other: float) -> float:
    return other if one is None else max(one, other)
