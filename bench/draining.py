"""Spends what a Shopify shop's bucket holds, so that a sync is measured against the rate and not against a gift."""

import time
from dataclasses import dataclass
from typing import Any

import httpx

from bench.figures import BenchFailed
from bench.shops import SHOPIFY
from onhand.channels.shopify.adapter import API_VERSION
from onhand.channels.shopify.documents import LEVELS_BY_ID
from onhand.sandbox.shopify.options import ShopifyOptions

POINTS_PER_ID = 3
IDS_MAX = 250
CALLS_MAX = 20


@dataclass(frozen=True, slots=True)
class Drained:
    """What a bucket held at a moment (seconds since the epoch)."""

    points: float
    at: float

    def points_at(self, moment: float) -> float:
        """What it holds when nothing is spent until then."""
        options = ShopifyOptions()
        return min(options.points_max, self.points + (moment - self.at) * options.points_per_second)


async def drain(sandbox: str, skus: int) -> Drained:
    """Read levels, as another app of the shop might, until less than the price of one is left."""
    url = f"{sandbox}/shopify/admin/api/{API_VERSION}/graphql.json"
    headers = {"X-Shopify-Access-Token": ShopifyOptions().access_token}
    async with httpx.AsyncClient(headers=headers, trust_env=False) as http:
        left = float(ShopifyOptions().points_max)
        for _ in range(CALLS_MAX):
            count = max(1, min(IDS_MAX, skus, int(left) // POINTS_PER_ID - 1))
            ids = [SHOPIFY.item_id(at) for at in range(count)]
            body = {"query": LEVELS_BY_ID.text, "variables": {"place": SHOPIFY.place, "ids": ids}}
            answer = (await http.post(url, json=body)).raise_for_status().json()
            left = _left(answer)
            if left < 2 * POINTS_PER_ID:
                return Drained(left, time.time())
    raise BenchFailed(f"the bucket still holds {left:.0f} points after {CALLS_MAX} calls")


def _left(answer: dict[str, Any]) -> float:
    return float(answer["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"])
