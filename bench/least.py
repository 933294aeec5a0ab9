"""The least time the documented limits allow for a full sync of one level for each listing, and for reading all back.

Each formula counts the calls that cannot be avoided, and the time the platform itself takes for them; our own
work and the network are counted as nothing. The numbers are the sandbox's, which are the platforms' documented
ones where they document any.
"""

from math import ceil

from onhand.sandbox.bigcommerce.options import BigCommerceOptions
from onhand.sandbox.shopify.options import ShopifyOptions
from onhand.sandbox.woocommerce.options import WooOptions

SHOPIFY_READ_POINTS = 36
"""A page of 250 levels of one location by the observed rule: 1 + 2 + 11 x (a node + its item + its quantities)."""
SHOPIFY_WRITE_POINTS = 12
"""inventorySetQuantities: 10 for the mutation, 1 for each object of its answer."""
SHOPIFY_WALK_POINTS = 57
"""A page of 250 variants with a level of one location: 2 + 11 x (a node + its item, level, quantities and product)."""
SHOPIFY_LEVELS_PER_CALL = 250
WOO_ROWS_PER_BATCH = 100
BIGCOMMERCE_LEVELS_PER_WRITE = 2_000
BIGCOMMERCE_ITEMS_PER_READ = 1_000


def shopify_points(levels: int, *, first: bool) -> int:
    """Points of the calls needed. A first sync reads before it compares and sets; later the book is known."""
    calls = ceil(levels / SHOPIFY_LEVELS_PER_CALL)
    return calls * (SHOPIFY_WRITE_POINTS + (SHOPIFY_READ_POINTS if first else 0))


def shopify_seconds(levels: int, *, first: bool, bucket: float | None = None) -> float:
    """(points - what the bucket holds at the start) / points restored in a second. A full bucket unless given."""
    options = ShopifyOptions()
    held = options.points_max if bucket is None else bucket
    return max(0.0, shopify_points(levels, first=first) - held) / options.points_per_second


def woocommerce_seconds(levels: int) -> float:
    """Full batches over the shop's PHP processes, each as long as its rows take there; the last round is whole."""
    options = WooOptions()
    full, rest = divmod(levels, WOO_ROWS_PER_BATCH)
    batch = options.seconds_per_call + WOO_ROWS_PER_BATCH * options.seconds_per_item
    seconds = full * batch
    if rest:
        seconds += options.seconds_per_call + rest * options.seconds_per_item
    return max(seconds / options.php_workers, min(batch, seconds))


def bigcommerce_seconds(levels: int) -> float:
    """One writer's calls one after the other, and the delay until the last of them can be seen.

    Reads take no time there, and writes and reads together stay within the quota (75 of 150 calls at 50,000).
    """
    options = BigCommerceOptions()
    calls = ceil(levels / BIGCOMMERCE_LEVELS_PER_WRITE)
    writing = calls * options.write_seconds + levels * options.write_seconds_per_entry
    return writing + options.visible_after_seconds


def least_seconds(channel: str, levels: int, *, first: bool) -> float:
    """The least time of one channel, by its name."""
    if channel == "shopify":
        return shopify_seconds(levels, first=first)
    return woocommerce_seconds(levels) if channel == "woocommerce" else bigcommerce_seconds(levels)


def shopify_walk_seconds(levels: int, *, bucket: float) -> float:
    """All levels of one location once, by pages: (points - what the bucket holds at the start) / points a second."""
    points = ceil(levels / SHOPIFY_LEVELS_PER_CALL) * SHOPIFY_WALK_POINTS
    return max(0.0, points - bucket) / ShopifyOptions().points_per_second


def woocommerce_walk_seconds(levels: int) -> float:
    """Full pages over the shop's PHP processes, each as long as its rows take there; the last round is whole."""
    options = WooOptions()
    full, rest = divmod(levels, WOO_ROWS_PER_BATCH)
    page = options.seconds_per_call + WOO_ROWS_PER_BATCH * options.seconds_per_row_read
    seconds = full * page
    if rest:
        seconds += options.seconds_per_call + rest * options.seconds_per_row_read
    return max(seconds / options.php_workers, min(page, seconds))


def bigcommerce_walk_seconds(levels: int, *, rounds: int, share: float) -> float:
    """So many walks in a row within our share of the quota: its calls go at once, the next ones with the next window.

    Reads take no time there, so what fits into one window takes none.
    """
    options = BigCommerceOptions()
    calls = rounds * ceil(levels / BIGCOMMERCE_ITEMS_PER_READ)
    return (calls - 1) // int(options.quota * share) * options.window_seconds
