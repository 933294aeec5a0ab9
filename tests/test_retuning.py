"""What people read of rules that would fit: each setting with its reason, and what it would have changed."""

from onhand.domain.retuning import Suggestion
from onhand.retuning import message
from onhand.rule_check import Replayed
from onhand.rule_suggestion import Retuned
from onhand.simulation.replaying import ChannelTally
from tests.alerts.test_run_report import texts


def test_settings_reasons_and_outcomes_are_told() -> None:
    """Goal: enough to decide on without looking further; channels that would have done the same are left out."""
    present = {"web": ChannelTally(sold=80, refused=10), "store": ChannelTally(sold=7)}
    proposed = {"web": ChannelTally(sold=90), "store": ChannelTally(sold=7)}
    found = Retuned(
        [Suggestion("web", "share", "50", "60", "it sold 90 of 97 units, 93 %")],
        {"web": 90, "store": 7},
        Replayed(present, proposed, {}),
    )
    said = message("#stock", found, "13w")
    assert (said.channel, said.text) == ("#stock", "1 setting does not fit what was sold in the last quarter")
    assert texts(said.blocks) == [
        ":straight_ruler: 1 setting does not fit what was sold in the last quarter",
        "Units sold: web 90, store 7",
        "*Would fit better*\n• `[channels.web.rule] share = 60` instead of 50: it sold 90 of 97 units, 93 %",
        "*web* would have sold 90 units, refused 0, oversold 0, instead of sold 80 units, refused 10, oversold 0",
        "Nothing was changed. All of it: `onhand rules suggest --against 13w`",
    ]


def test_rules_that_fit_are_said_to_fit() -> None:
    """Goal: silence would be the same as a look that did not happen."""
    said = message("#stock", Retuned([], {"web": 3}, None), "13w")
    assert texts(said.blocks) == [
        ":straight_ruler: The rules fit what was sold in the last quarter",
        "Units sold: web 3",
        "Nothing was changed. All of it: `onhand rules suggest --against 13w`",
    ]
