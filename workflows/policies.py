"""Time limits and retries of the steps, in one place; the reasons are the operators' and the channels'."""

from datetime import timedelta

from temporalio.common import Priority, RetryPolicy

LEDGER_STEP = timedelta(seconds=60)
"""One step that talks to Postgres only."""

LEDGER_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=15), maximum_attempts=20
)
"""A restart of Postgres takes seconds; four minutes of it being away is an incident."""

READ_STEP = timedelta(hours=2)
HEARTBEAT = timedelta(seconds=10)
"""Silence after which a worker is presumed dead and its step is given to another."""

SOURCE_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=2), maximum_interval=timedelta(seconds=30), maximum_attempts=4
)

PUSH_STEP = timedelta(minutes=10)
"""One chunk, including waiting for the channel's budget."""

PUSH_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    maximum_interval=timedelta(seconds=30),
    maximum_attempts=8,
    non_retryable_error_types=["CredentialsBad"],
)
"""About two minutes; a channel that is down longer is tried again by the next run."""

SKU_RETRY_FIRST = timedelta(seconds=10)
SKU_RETRY_LONGEST = timedelta(minutes=30)

REPORT_STEP = timedelta(seconds=90)
REPORT_RETRY = RetryPolicy(initial_interval=timedelta(seconds=2), maximum_attempts=3)

FULL_SYNC_PRIORITY = Priority(priority_key=4)
"""Behind single updates, which share the channel's queue and which somebody waits for."""

SKU_UPDATE_PRIORITY = Priority(priority_key=2)
