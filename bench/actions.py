"""Temporal actions, counted from the server's own metrics: starts, signals, activities and timers.

Each counts what its kind costs on Temporal Cloud: a signal-with-start is one, local activities of one workflow task
are one together, and answers of workers are none.
"""

import re

import httpx

OPERATIONS = {
    "StartWorkflowExecution",
    "SignalWorkflowExecution",
    "SignalWithStartWorkflowExecution",
    "RespondActivityTaskCompleted",
    "RespondActivityTaskFailed",
    "RecordActivityTaskHeartbeat",
}
COMMANDS = {"StartTimer", "RecordMarker", "ContinueAsNewWorkflowExecution", "UpsertWorkflowSearchAttributes"}
"""What workflows ask for in their tasks; a marker records the local activities of a task."""

_LINE = re.compile(r"^(\w+)\{(.*)\} ([0-9.e+]+)$")


async def actions(metrics_url: str) -> int:
    """Actions since the server started."""
    async with httpx.AsyncClient(trust_env=False) as http:
        text = (await http.get(metrics_url)).raise_for_status().text
    total = 0.0
    for line in text.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        name, labels, value = found.groups()
        given = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if name == "service_requests" and given.get("service_name") == "frontend":
            total += float(value) if given.get("operation") in OPERATIONS else 0.0
    return round(total)
