"""Time limits and retries of the steps, in one place; the reasons are the operators' and the channels'."""

from datetime import timedelta

from temporalio.common import Priority, RetryPolicy

LEDGER_STEP = timedelta(seconds=30)
"""One step that talks to Postgres only; a worker killed in it holds a run up no longer than this."""

LEDGER_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=15), maximum_attempts=20
)
"""A restart of Postgres takes seconds; four minutes of it being away is an incident."""

READ_STEP = timedelta(hours=2)
"""Reading a whole source, or discovering a whole channel; it beats its heart meanwhile."""

WALK_STEP = timedelta(hours=2)
"""Reading a whole channel back, within its limits; it beats its heart meanwhile."""

HEARTBEAT = timedelta(seconds=10)
"""Silence after which a worker is presumed dead and its step is given to another."""

SOURCE_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=2), maximum_interval=timedelta(seconds=30), maximum_attempts=4
)
"""Fourteen seconds: a run goes on without a source or a discovery, with what the ledger knows, and says so."""

PUSH_STEP = timedelta(minutes=10)
"""One chunk, including waiting for the channel's budget."""

PUSH_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    maximum_interval=timedelta(seconds=30),
    maximum_attempts=8,
    non_retryable_error_types=["CredentialsBad"],
)
"""A minute and a half of waiting; a channel that is down longer is tried again by the next run."""

SKU_RETRY_FIRST = timedelta(seconds=10)
SKU_RETRY_LONGEST = timedelta(minutes=30)
"""Pauses between the tries of one SKU, doubled each time; how many tries there are is configured."""

PAUSED_LONGEST = timedelta(minutes=10)
"""Between two looks whether a paused channel was resumed."""

REPORT_STEP = timedelta(seconds=90)
"""Telling people, including Slack's own waits."""

DAY_REPORT_STEP = timedelta(minutes=5)
"""A day's numbers, which are read from all that was sent in it, and telling people."""

RETUNE_STEP = timedelta(hours=1)
"""Going through a quarter's demand twice: minutes for a million order lines; it beats its heart meanwhile."""

REPORT_RETRY = RetryPolicy(initial_interval=timedelta(seconds=2), maximum_attempts=3)

FULL_SYNC_PRIORITY = Priority(priority_key=4)
"""Behind single updates, which share the channel's queue and which somebody waits for."""

SKU_UPDATE_PRIORITY = Priority(priority_key=2)
"""Before full syncs, on the same queue."""

TURN = timedelta(minutes=2)
"""One turn of intake or publisher: it takes more for two seconds, and ends with the call that is then under way."""

TURN_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=100), maximum_interval=timedelta(seconds=2), maximum_attempts=6
)
"""A restart of Postgres; then the workflow says so and begins again."""

TURN_PAUSE = timedelta(seconds=2)
"""Between two series of tries, for as long as the ledger is away."""

TURNS_SHOWN = 20
"""A workflow's live details are renewed every so many turns, and at once when something changes for people."""

SWEEP_STEP = timedelta(minutes=10)
"""Reading the orders changed since the last sweep; it beats its heart meanwhile."""

SWEEP_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_attempts=3)
"""The next sweep is a minute away and reads from where the last one came to."""
