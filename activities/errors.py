"""What a failed step tells Temporal: the channel's own sorting of errors, and when to come back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio.exceptions import ApplicationError

from onhand.channels.errors import ChannelError, CredentialsBad


@asynccontextmanager
async def sorted_errors() -> AsyncIterator[None]:
    """Turn a ChannelError into an ApplicationError of the same name, so that retry policies can tell them apart."""
    try:
        yield
    except ChannelError as error:
        wait = error.retry_after_seconds
        raise ApplicationError(
            str(error),
            type=type(error).__name__,
            non_retryable=isinstance(error, CredentialsBad),
            next_retry_delay=None if wait is None else timedelta(seconds=wait),
        ) from error
