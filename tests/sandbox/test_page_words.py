"""The words of the sandbox's pages."""

import pytest

from onhand.sandbox.page_words import as_slack_shows, counted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (":warning: *shopify*: 3 failed", "⚠️ <b>shopify</b>: 3 failed"),
        ("More: `onhand runs show 7`", "More: <code>onhand runs show 7</code>"),
        ("at 18:24:26, 2 * 3 * 4 :no_such_name:", "at 18:24:26, 2 * 3 * 4 :no_such_name:"),
        ("a &lt;b&gt; &amp; c", "a &lt;b&gt; &amp; c"),
        ("<script>", "&lt;script&gt;"),
    ],
)
def test_a_message_is_shown_as_slack_shows_it(text: str, shown: str) -> None:
    """Goal: who tries the demo sees the message that people would see, and no message can break the page."""
    assert as_slack_shows(text) == shown


def test_a_number_has_its_noun() -> None:
    assert (counted(1, "place"), counted(2, "place"), counted(0, "place")) == (
        "1 place",
        "2 places",
        "0 places",
    )
