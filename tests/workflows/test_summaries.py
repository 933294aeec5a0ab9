"""The one line that is said of a run over many channels: exact words."""

from workflows.summaries import summary_of

HELD = "held: it would empty {} of 10 listings. Where it is right: onhand runs release --channel {}"


def test_what_several_have_to_do_is_said_once() -> None:
    """Goal: names differ, the advice does not; a channel whose advice is its own keeps it."""
    channels = {
        "shopify": HELD.format(9, "shopify"),
        "woo": "failed: the token is revoked. Set another one.",
        "shop": HELD.format(8, "shop"),
    }
    assert summary_of(["source erp could not be read: it is away."], channels) == (
        "source erp could not be read: it is away; shopify held: it would empty 9 of 10 listings; "
        "woo failed: the token is revoked. Set another one; shop held: it would empty 8 of 10 listings. "
        "Where it is right: onhand runs release --channel CHANNEL."
    )


def test_what_one_has_to_do_is_said_as_it_is() -> None:
    channels = {"shop": HELD.format(9, "shop"), "woo": "success: 3 changed, 7 unchanged, 0 failed"}
    assert summary_of([], channels) == (
        "shop held: it would empty 9 of 10 listings. Where it is right: onhand runs release --channel shop; "
        "woo success: 3 changed, 7 unchanged, 0 failed."
    )


def test_two_kinds_of_advice_are_each_said_once() -> None:
    channels = {
        n: f"failed: no answer. See {see}." for n, see in (("a", "x"), ("b", "y"), ("c", "x"), ("d", "y"))
    }
    assert summary_of([], channels) == (
        "a failed: no answer; b failed: no answer; c failed: no answer; d failed: no answer. See x. See y."
    )
