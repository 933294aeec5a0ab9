"""From a BigCommerce section of the configuration to its adapter and its way in."""

from datetime import UTC, datetime

import pytest

from onhand.channels.bigcommerce import BigCommerceReceiver
from onhand.channels.inbound import SignatureRefusedError
from onhand.channels.registry import make_channel, make_receiver
from onhand.settings import BigCommerceSettings, SettingsError

NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
BODY = b'{"scope": "store/order/created", "data": {"id": 7}}'


def section(**further: object) -> BigCommerceSettings:
    return BigCommerceSettings.model_validate(
        {
            "platform": "bigcommerce",
            "base_url": "https://api.bigcommerce.com/stores/x",
            "token_env": "BC_TOKEN",
            "webhook_secret_envs": ["BC_NEW", "BC_OLD"],
            "places": {"1": ["leeds"]},
            **further,
        }
    )


async def test_secrets_reach_the_hooks_and_the_receiver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: every secret gets in; the client secret is used where it is named; a missing variable is told."""
    for name, value in {"BC_TOKEN": "token", "BC_NEW": "new-secret", "BC_OLD": "old-secret"}.items():
        monkeypatch.setenv(name, value)
    channel = make_channel("bc", section())
    assert channel.hooks.topics
    await channel.aclose()
    receiver = make_receiver("bc", section())
    assert isinstance(receiver, BigCommerceReceiver)
    wrong = {
        "webhook-id": "1",
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": "v1,YWJj",
    }
    for secret in ("new-secret", "old-secret"):
        assert receiver.receive({"x-onhand-secret": secret, **wrong}, BODY, NOW).subject == "7"
    signed = section(client_secret_env="BC_CLIENT")
    assert signed.secrets() == ["BC_TOKEN", "BC_CLIENT", "BC_NEW", "BC_OLD"]
    with pytest.raises(SettingsError, match="BC_CLIENT"):
        make_receiver("bc", signed)
    monkeypatch.setenv("BC_CLIENT", "client-secret")
    with pytest.raises(SignatureRefusedError):
        make_receiver("bc", signed).receive({"x-onhand-secret": "new-secret", **wrong}, BODY, NOW)
