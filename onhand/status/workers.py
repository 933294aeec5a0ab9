"""Whether somebody works: who polls each task queue, as Temporal saw it last."""

from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from onhand.messages import SYNC_TASK_QUEUE, channel_task_queue
from onhand.settings import Settings

POLLED_WITHIN = timedelta(minutes=2)
"""Workers poll for a minute at a time; one that was not heard of for twice that is gone."""

Kind: TypeAlias = "TaskQueueType.ValueType"
"""Of work: workflows, or their steps."""
WORKFLOWS = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
STEPS = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY


def queues(settings: Settings) -> list[tuple[str, Kind]]:
    """Every queue somebody has to poll, and for what."""
    channels = [channel_task_queue(name) for name in settings.enabled_channels()]
    return [(SYNC_TASK_QUEUE, WORKFLOWS), (SYNC_TASK_QUEUE, STEPS), *((queue, STEPS) for queue in channels)]


async def polled(client: Client, queue: str, kind: Kind) -> list[datetime]:
    """When each of its pollers was last heard of; empty where none was lately."""
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
        )
    )
    seen = [poller.last_access_time.ToDatetime(UTC) for poller in answer.pollers]
    return seen if seen and datetime.now(UTC) - max(seen) < POLLED_WITHIN else []
