"""From a channel's section of the configuration to its adapter: the one place that knows every platform."""

from urllib.parse import urlsplit

from onhand.channels.base import Channel
from onhand.channels.bigcommerce import BigCommerce, BigCommerceReceiver
from onhand.channels.inbound import Receiver
from onhand.channels.shopify import ClientCredentials, Shopify, ShopifyReceiver, StaticToken, TokenProvider
from onhand.channels.shopify.receiver import ADMIN_DOMAIN
from onhand.channels.woocommerce import WooCommerce, WooCommerceReceiver
from onhand.redaction import register_secret
from onhand.settings import (
    BigCommerceSettings,
    ChannelSettings,
    Settings,
    SettingsError,
    ShopifySettings,
    WooCommerceSettings,
    secret,
)


def make_channel(name: str, section: ChannelSettings) -> Channel:
    """The adapter of one configured channel. Raises SettingsError where a secret is missing, or the address is one
    to which no secret may be sent."""
    match section:
        case ShopifySettings():
            return Shopify(
                name,
                section.base_url,
                _shopify_token(name, section),
                list(section.places),
                api_version=section.api_version,
                watch_levels=bool(section.authority_for),
            )
        case WooCommerceSettings():
            return _woocommerce(name, section)
        case BigCommerceSettings():
            return BigCommerce(
                name,
                section.base_url,
                _secret(section.token_env),
                list(section.places),
                reserved_share=1 - section.quota_share,
                watch_levels=bool(section.authority_for),
                webhook_secrets=[_secret(variable) for variable in section.webhook_secret_envs],
            )


def make_receiver(name: str, section: ChannelSettings) -> Receiver:
    """The way in of one configured channel. Without webhook secrets it lets nothing in; raises SettingsError where
    one that is named is missing, or where the platform has no webhooks here."""
    secrets = [_secret(variable) for variable in section.webhook_secrets()]
    match section:
        case ShopifySettings():
            host = urlsplit(section.base_url).hostname or ""
            return ShopifyReceiver(secrets, shop_domain=host if host.endswith(ADMIN_DOMAIN) else "")
        case WooCommerceSettings():
            return WooCommerceReceiver(secrets)
        case BigCommerceSettings():
            client_secret = _secret(section.client_secret_env) if section.client_secret_env else ""
            return BigCommerceReceiver(secrets, client_secret=client_secret, places=list(section.places))
        case _:
            raise SettingsError(f"channel {name}: {section.platform} has no webhooks here yet")


def make_channels(settings: Settings) -> dict[str, Channel]:
    """The adapters of every enabled channel, by name."""
    return {name: make_channel(name, settings.channels[name]) for name in settings.enabled_channels()}


def _woocommerce(name: str, section: WooCommerceSettings) -> WooCommerce:
    try:
        return WooCommerce(
            name,
            section.base_url,
            _secret(section.key_env),
            _secret(section.secret_env),
            webhook_secret=_newest(section.webhook_secret_envs),
            max_concurrency=section.concurrency_max,
            watch_levels=bool(section.authority_for),
        )
    except ValueError as error:
        raise SettingsError(f"channels.{name}.base_url: {error}") from error


def _shopify_token(name: str, section: ShopifySettings) -> TokenProvider:
    if section.token_env is not None:
        return StaticToken(_secret(section.token_env))
    assert section.client_id_env is not None
    assert section.client_secret_env is not None
    return ClientCredentials(
        name, section.base_url, _secret(section.client_id_env), _secret(section.client_secret_env)
    )


def _newest(variables: list[str]) -> str:
    """What new webhooks are signed with: the first of the secrets; empty where there is none."""
    return _secret(variables[0]) if variables else ""


def _secret(variable: str) -> str:
    value = secret(variable)
    register_secret(value)
    return value
