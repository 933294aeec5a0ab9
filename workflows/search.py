"""What runs can be searched by in the Temporal Web UI, and the few lines of text it shows."""

from collections.abc import Iterable

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

CHANNEL = SearchAttributeKey.for_keyword("Channel")
SKU = SearchAttributeKey.for_keyword("Sku")
SYNC_RUN_ID = SearchAttributeKey.for_keyword("SyncRunId")
SYNC_STATUS = SearchAttributeKey.for_keyword("SyncStatus")
FAILED_SKUS = SearchAttributeKey.for_int("FailedSkus")


def attributes(*, run: str = "", channel: str = "", sku: str = "") -> TypedSearchAttributes:
    """The attributes a run is started with; empty ones are left out."""
    given = [(SYNC_RUN_ID, run), (CHANNEL, channel), (SKU, sku)]
    return TypedSearchAttributes([SearchAttributePair(key, value) for key, value in given if value])


def begun(run: str) -> None:
    """Make a run findable by its id, as its children are; a schedule cannot know it beforehand."""
    workflow.upsert_search_attributes([SYNC_RUN_ID.value_set(run)])


def ended(status: str, failed: int) -> None:
    """Say how the run ended, where a list of runs can be filtered by it."""
    workflow.upsert_search_attributes([SYNC_STATUS.value_set(status), FAILED_SKUS.value_set(failed)])


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table for the details of a run."""
    head = list(head)
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)
