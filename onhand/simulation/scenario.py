"""What a simulated sale is like: units, buyers, channels, delays, and what goes wrong."""

from dataclasses import dataclass, replace
from random import Random


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds that things take, each uniform between two bounds.

    `hearing`: from a sale to our hearing of it; `call`: from sending a change or a question to its answer. A change
    takes effect at a moment in between.
    """

    hearing: tuple[float, float] = (0.5, 1.5)
    call: tuple[float, float] = (0.2, 0.8)


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong, and how often.

    `doubled` and `shuffled` are parts of the webhooks: told twice, and told later than those that followed. One channel
    answers 429 for `refusing_seconds`, and asks to be left alone for `retry_seconds` each time; it begins at a moment
    of chance while stock is left. The worker is killed `kills` times and is away for `away_seconds`; what was on its
    way to it then is lost. It lives no longer each time than stock lasts.
    """

    doubled: float = 0.0
    shuffled: float = 0.0
    refusing_seconds: float = 0.0
    retry_seconds: float = 2.0
    kills: int = 0
    away_seconds: float = 5.0


NO_FAULTS = Faults()
BLACK_FRIDAY_FAULTS = Faults(doubled=0.1, shuffled=0.2, refusing_seconds=10.0, kills=2)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One sale: so many buyers, each of one unit, come within so many seconds to channels of these weights."""

    name: str
    units: int
    buyers: int
    seconds: float
    weights: tuple[float, ...]
    delays: Delays = Delays()
    faults: Faults = NO_FAULTS

    def __post_init__(self) -> None:
        assert min(self.units, self.buyers) >= 0, f"{self.name}: units and buyers are not below zero"
        assert self.seconds > 0, f"{self.name}: a sale takes some time"
        assert min(self.weights, default=0) > 0, (
            f"{self.name}: there is a channel, and each has a weight above zero"
        )

    @property
    def selling_seconds(self) -> float:
        """How long stock lasts, if every buyer finds some."""
        return self.seconds * min(1.0, self.units / max(1, self.buyers))

    def with_faults(self, faults: Faults) -> "Scenario":
        """The same sale when things go wrong."""
        return replace(self, faults=faults)


EVEN_TWO = (1.0, 1.0)
UNEVEN_THREE = (5.0, 3.0, 2.0)

TABLE = (
    Scenario("240_in_14min_2", 200, 240, 840.0, EVEN_TWO),
    Scenario("1000_in_60s_2", 200, 1_000, 60.0, EVEN_TWO),
    Scenario("1000_in_60s_3", 200, 1_000, 60.0, UNEVEN_THREE),
)
"""The columns of the comparison: a busy afternoon, a rush on two even channels, a rush on three uneven ones."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Who comes when: moments in their order, and the channel of each by its number."""

    moments: list[float]
    channels: list[int]


@dataclass(frozen=True, slots=True)
class Day:
    """One scenario and one seed: everything that chance decides before the first buyer comes.

    The same for every way that is compared, so that they are tried on the same buyers and the same mishaps.
    """

    scenario: Scenario
    seed: int
    arrivals: Arrivals
    refusing: int
    """The channel that answers 429."""
    refusing_at: float
    kills: tuple[float, ...]
    later: int
    """Seeds all that is decided on the way."""


def day_of(scenario: Scenario, seed: int) -> Day:
    """The day of a seed."""
    chance = Random(seed)
    moments = sorted(chance.uniform(0.0, scenario.seconds) for _ in range(scenario.buyers))
    channels = chance.choices(range(len(scenario.weights)), scenario.weights, k=scenario.buyers)
    lasting, faults = scenario.selling_seconds, scenario.faults
    kills, up_at = [], 0.0
    for _ in range(faults.kills):
        kills.append(up_at + chance.uniform(0.0, lasting))
        up_at = kills[-1] + faults.away_seconds
    return Day(
        scenario,
        seed,
        Arrivals(moments, channels),
        refusing=chance.randrange(len(scenario.weights)),
        refusing_at=chance.uniform(0.0, lasting),
        kills=tuple(kills),
        later=chance.getrandbits(64),
    )
