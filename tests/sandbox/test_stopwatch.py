"""The stopwatch: an order counts as shown when every other shop was told a level that no longer holds its pieces."""

from onhand.sandbox.shop import Item
from onhand.sandbox.stopwatch import Stopwatch
from onhand.sandbox.world import World, WorldOptions


class Clock:
    """Seconds by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


async def shops_with(*skus: str) -> tuple[World, Stopwatch, Clock]:
    world = World(WorldOptions().without_limits())
    for shop in world.shops.values():
        for n, sku in enumerate(skus):
            shop.add(Item(str(n + 1), sku, sku, levels={next(iter(shop.places)): 10}))
    clock = Clock()
    watch = Stopwatch(world, clock)
    await watch.start({})
    return world, watch, clock


def tell(world: World, shop: str, item: str, quantity: int) -> None:
    """A write through the API."""
    found = world.shops[shop]
    found.set_level(item, next(iter(found.places)), quantity)


def buy(world: World, shop: str, *items: str) -> None:
    place = next(iter(world.shops[shop].places))
    world.books[shop].place([(item, place, 1) for item in items])


async def test_an_order_is_shown_when_the_last_other_shop_was_told() -> None:
    world, watch, clock = await shops_with("A", "B")
    buy(world, "shopify", "1", "2")
    clock.seconds += 0.010
    for shop, item in (("woocommerce", "1"), ("woocommerce", "2"), ("bigcommerce", "1")):
        tell(world, shop, item, 9)
    assert watch.stats()["shown"] == 0
    clock.seconds += 0.005
    tell(world, "bigcommerce", "2", 9)
    assert watch.stats() == {
        "orders": 1, "shown": 1, "p50_ms": 15.0, "p90_ms": 15.0, "p99_ms": 15.0, "max_ms": 15.0,
    }  # fmt: skip


async def test_one_write_shows_all_orders_before_it_and_none_after() -> None:
    """Goal: coalesced writes count for every order they hold; a shop's own sale or a person's edit is no write."""
    world, watch, _ = await shops_with("A")
    buy(world, "shopify", "1")
    buy(world, "woocommerce", "1")
    buy(world, "shopify", "1")
    tell(world, "woocommerce", "1", 8)  # told of the first two
    tell(world, "bigcommerce", "1", 8)
    assert watch.stats()["shown"] == 1, "the second is not on Shopify yet"
    tell(world, "shopify", "1", 7)
    world.shops["bigcommerce"].edit("1", "1", 3)
    assert watch.stats()["shown"] == 2
    tell(world, "woocommerce", "1", 7)
    tell(world, "bigcommerce", "1", 7)
    assert (watch.stats()["orders"], watch.stats()["shown"]) == (3, 3)


async def test_starting_again_forgets_everything() -> None:
    world, watch, _ = await shops_with("A")
    buy(world, "shopify", "1")
    await watch.start({})
    tell(world, "woocommerce", "1", 9)
    assert (watch.stats()["orders"], watch.stats()["shown"], watch.stats()["p50_ms"]) == (0, 0, None)
