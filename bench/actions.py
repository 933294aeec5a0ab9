"""Temporal actions, as the server itself counts them in its metrics: starts, signals, activities, timers, markers."""

import asyncio
import re

import httpx

REPORT_SECONDS = 2.0
"""The server adds to its metrics about once a second."""

NAMESPACE = "default"

_LINE = re.compile(r"^action\{(.*)\} ([0-9.e+]+)$")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


async def actions(metrics_url: str) -> int:
    """Actions of our namespace since the server started; waits until what has just happened is counted."""
    await asyncio.sleep(REPORT_SECONDS)
    async with httpx.AsyncClient(trust_env=False) as http:
        text = (await http.get(metrics_url)).raise_for_status().text
    counted = (_LINE.match(line) for line in text.splitlines())
    return round(sum(float(found[2]) for found in counted if found and _is_ours(found[1])))


def _is_ours(labels: str) -> bool:
    return dict(_LABEL.findall(labels)).get("namespace") == NAMESPACE
