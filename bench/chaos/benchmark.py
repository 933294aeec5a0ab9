"""chaos: everything goes wrong for minutes, and in the end each order is in the ledger once, and every shop is right.

Orders are sold at 20 a second in three shops. Each minute some of the shops' faults are on (429 storms, 5xx, pages of
HTML, drips, resets before and after a write, writes that are lost, partial batches, late visibility, levels changed
behind our back, webhooks doubled, shuffled, late or dropped, subscriptions gone, credentials revoked, versions
retired), the network to Postgres and Temporal is slow, cut, reset or swallows everything, and worker, web app,
Temporal and Postgres are killed with signal 9, our own programs at named points, too. Then it ends, and is judged: what
the shops sold, folded apart, against the ledger; what they show; `onhand audit`; and every delivery is taken again,
which must change nothing. The seed decides everything. Recovery is measured before, on a network that is well: from
the death of a process to the first level that a channel accepted after it.
"""

from bench.chaos.run import Options as Chaos
from bench.chaos.run import run
from bench.figures import Benchmark, Figures, Goal, Options

SEED = 20_261_126
MINUTES = 20

GOALS = (
    Goal("kills", "Processes killed with signal 9", at_least=100),
    Goal("accepted", "Orders that the shops took"),
    Goal("lost", "Orders of which the ledger has too little", at_most=0),
    Goal("doubled", "Orders of which the ledger has too much", at_most=0),
    Goal(
        "slowest_convergence_s", "Seconds until the slowest shop showed its targets, faults over", at_most=30
    ),
    Goal("recovery_worker_s", "Seconds from the worker's death to the first level told", at_most=5),
    Goal("recovery_temporal_s", "The same of Temporal", at_most=15),
    Goal("recovery_postgres_s", "The same of Postgres", at_most=15),
)


async def measure(options: Options) -> Figures:
    """One run; `scale` is of its minutes. Raises BenchFailed where anything is wrong in the end."""
    outcome = await run(Chaos(SEED, options.sized(MINUTES)))
    return outcome.figures()


CHAOS = Benchmark("chaos", __doc__ or "", GOALS, measure)
