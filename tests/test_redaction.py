"""Masking: what is hidden by name, by shape and by value, and what stays readable."""

import base64

import pytest

from onhand.redaction import MASK, is_secret_name, mask_field, mask_text, mask_value, register_secret


@pytest.mark.parametrize(
    ("given", "masked"),
    [
        ("postgresql://onhand:s3cret@db:5432/onhand", "postgresql://onhand:[redacted]@db:5432/onhand"),
        ("postgresql://:p/w#d@db/onhand", "postgresql://:[redacted]@db/onhand"),
        (
            "GET https://shop.test/wp?consumer_key=ab12&page=2",
            "GET https://shop.test/wp?consumer_key=[redacted]&page=2",
        ),
        ("https://x.test/cb?code=1a2b&state=ok#top", "https://x.test/cb?code=[redacted]&state=ok#top"),
        ("https://x.test/?page=1&access_token=abc", "https://x.test/?page=1&access_token=[redacted]"),
        ("host=db password='it is long' user=a", "host=db password=[redacted] user=a"),
        ("host=db password=short user=a", "host=db password=[redacted] user=a"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer [redacted]"),
        ("authorization: Basic Y2tfMTpjc18x", "authorization: Basic [redacted]"),
        ("token shpat_0123456789abcdef is bad", "token [redacted] is bad"),
        ("xoxb-1234567-abcdef", "[redacted]"),
        ("ck_0123456789abcdef", "[redacted]"),
    ],
)
def test_what_looks_like_a_secret_is_masked(given: str, masked: str) -> None:
    assert mask_text(given) == masked


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:8700/shopify/admin/api/2026-10/graphql.json?page=2",
        "gid://shopify/Location/1001 shows 7",
        "set token_env to the name of a variable",
        "Basic plan",
        "stock_keeping unit 85123A: 7 -> 8 @ leeds",
    ],
)
def test_what_is_innocent_stays(text: str) -> None:
    assert mask_text(text) == text


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("token", True),
        ("X-Shopify-Access-Token", True),
        ("client_secret", True),
        ("Authorization", True),
        ("db_password", True),
        ("api_key", True),
        ("consumerKey", True),
        ("Set-Cookie", True),
        ("token_env", False),
        ("sku", False),
        ("sort_key", False),
        ("idempotency_key", False),
        ("author", False),
    ],
)
def test_fields_that_are_secret_by_name(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret


def test_a_secret_field_is_masked_whole_and_an_empty_one_shows_that_it_is_empty() -> None:
    assert mask_field("token", {"value": 1}) == MASK
    assert mask_field("token", "") == ""
    assert mask_field("token", None) is None


def test_values_are_masked_inside() -> None:
    given = {"headers": {"Authorization": "x", "Accept": "a"}, "urls": ("http://u:pw@h/", 7, None, 1.5, True)}
    assert mask_value(given) == {
        "headers": {"Authorization": MASK, "Accept": "a"},
        "urls": ["http://u:[redacted]@h/", 7, None, 1.5, True],
    }


def test_a_registered_connection_string_hides_its_password_alone_too() -> None:
    register_secret("postgresql://onhand:p%40ss-word-1@db/onhand")
    assert mask_text("FATAL: p@ss-word-1 is wrong") == "FATAL: [redacted] is wrong"
    register_secret("host=db password='other pass 2' user=a")
    assert mask_text("tried other pass 2") == "tried [redacted]"


def test_a_registered_value_is_known_in_base64_and_in_urls() -> None:
    register_secret("a b/c+d=e&f")
    encoded = base64.b64encode(b"a b/c+d=e&f").decode()
    assert mask_text(f"x a b/c+d=e&f y a%20b%2Fc%2Bd%3De%26f z a+b%2Fc%2Bd%3De%26f {encoded}") == (
        "x [redacted] y [redacted] z [redacted] [redacted]"
    )


def test_a_longer_secret_that_begins_with_another_leaves_no_rest() -> None:
    register_secret("first-part")
    register_secret("first-part-and-more")
    assert mask_text("first-part-and-more") == MASK


def test_a_value_too_short_to_be_told_from_words_is_not_masked_by_value() -> None:
    register_secret("shop")
    assert mask_text("the shop is open") == "the shop is open"
