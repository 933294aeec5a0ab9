"""The configuration: the example is right and complete, the reference too, and a wrong setting is told exactly."""

import json
import re
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter
from pydantic_core import PydanticUndefined

from onhand import settings as module
from onhand.domain.guard import Limits
from onhand.domain.rules import Buffer, BufferTake
from onhand.redaction import mask_text
from onhand.settings import Settings, SettingsError, find_config, load_settings, secret
from onhand.settings_stock import LowStockRuleSettings

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "onhand.example.toml"
REFERENCE = ROOT / "docs" / "configuration.md"

SECTIONS: dict[str, type[BaseModel]] = {
    "Top level": module.Settings,
    "`[locations.<name>]`": module.LocationSettings,
    '`[source]` with `kind = "ledger"`': module.LedgerSource,
    '`[source]` with `kind = "csv"`': module.CsvSource,
    '`[source]` with `kind = "postgres"`': module.PostgresSource,
    '`[channels.<name>]` with `platform = "shopify"`': module.ShopifySettings,
    '`[channels.<name>]` with `platform = "woocommerce"`': module.WooCommerceSettings,
    '`[channels.<name>]` with `platform = "bigcommerce"`': module.BigCommerceSettings,
    "`[channels.<name>.rule]`": module.RuleSettings,
    "`[channels.<name>.rule.buffer]`": module.BufferSettings,
    "`[[sku_rules]]`": module.SkuRuleSettings,
    "`[schedule]`": module.ScheduleSettings,
    "`[sync]`": module.SyncSettings,
    "`[guard]`": module.GuardSettings,
    "`[tiers]`": module.TierSettings,
    "`[spikes]`": module.SpikeSettings,
    "`[reconcile]`": module.ReconcileSettings,
    "`[planning]`": module.PlanningSettings,
    "`[oversell]`": module.OversellSettings,
    "`[counts]`": module.CountSettings,
    "`[low_stock]`": module.LowStockSettings,
    "`[[low_stock.rules]]`": LowStockRuleSettings,
    "`[movements]`": module.MovementSettings,
    "`[report]`": module.ReportSettings,
    "`[slack]`": module.SlackSettings,
    "`[web]`": module.WebSettings,
    "`[clients.<name>]`": module.ClientSettings,
}
"""Headings of the reference, and what each describes."""

# --- the example -------------------------------------------------------------------------------------------


def test_the_example_is_what_the_demo_needs() -> None:
    settings = load_settings(EXAMPLE)
    assert list(settings.locations) == ["leeds", "london"]
    assert isinstance(settings.source, module.CsvSource)
    assert settings.source.path == ROOT / "demo" / "stock"
    assert settings.data_dir == ROOT / ".onhand"
    assert {name: section.base_url for name, section in settings.channels.items()} == {
        "shopify": "http://127.0.0.1:8700/shopify",
        "woocommerce": "http://127.0.0.1:8700/woocommerce",
        "bigcommerce": "http://127.0.0.1:8700/bigcommerce/stores/sandbox",
    }
    assert {name: section.draws_on() for name, section in settings.channels.items()} == {
        "shopify": {"gid://shopify/Location/1001": ["leeds"], "gid://shopify/Location/1002": ["london"]},
        "woocommerce": {"": ["leeds", "london"]},
        "bigcommerce": {"1": ["leeds"], "2": ["london"]},
    }
    assert [name for section in settings.channels.values() for name in section.secrets()] == [
        "ONHAND_SHOPIFY_TOKEN",
        "ONHAND_SHOPIFY_SECRET",
        "ONHAND_WOO_KEY",
        "ONHAND_WOO_SECRET",
        "ONHAND_WOO_WEBHOOK",
        "ONHAND_BIGCOMMERCE_TOKEN",
        "ONHAND_BIGCOMMERCE_WEBHOOK",
    ]
    assert settings.rule_book().channels["shopify"].rule.buffer == Buffer(10, Decimal(10), BufferTake.LESSER)
    assert settings.schedule.every_minutes == 15
    assert settings.slack.base_url == "http://127.0.0.1:8700/slack/api/"
    assert settings.slack.token_env == "ONHAND_SLACK_TOKEN"


def blocks_of_example() -> Iterator[tuple[str, str]]:
    """Every table of the example with its header, what is commented out being put in."""
    header, lines = "", list[str]()
    for line in EXAMPLE.read_text().splitlines():
        setting = re.sub(r'^# (?=[a-z_]+ = ["0-9\[{tf]|\[)', "", line)
        if setting.startswith("["):
            yield header, "\n".join(lines)
            header, lines = setting, []
        elif re.match(r'[a-z_]+ =|"?[\w:/]+"? =', setting):
            lines.append(setting)
    yield header, "\n".join(lines)


def model_of(header: str, content: dict[str, Any]) -> Any:
    """What a table of the example has to be."""
    name = header.strip("[]")
    if name.startswith("channels."):
        _, _, *below = name.split(".")
        if not below:
            return module.ChannelSettings
        return {"places": dict, "rule": module.RuleSettings, "buffer": module.BufferSettings}[below[-1]]
    if name.startswith("locations."):
        return module.LocationSettings
    if name.startswith("clients."):
        return module.ClientSettings
    return {
        "": None,
        "source": module.SourceSettings,
        "rule": module.RuleSettings,
        "sku_rules": module.SkuRuleSettings,
        "schedule": module.ScheduleSettings,
        "sync": module.SyncSettings,
        "guard": module.GuardSettings,
        "tiers": module.TierSettings,
        "spikes": module.SpikeSettings,
        "reconcile": module.ReconcileSettings,
        "planning": module.PlanningSettings,
        "oversell": module.OversellSettings,
        "counts": module.CountSettings,
        "low_stock": module.LowStockSettings,
        "low_stock.rules": LowStockRuleSettings,
        "movements": module.MovementSettings,
        "report": module.ReportSettings,
        "slack": module.SlackSettings,
        "web": module.WebSettings,
    }[name]


def shown_in_example() -> set[tuple[str, str]]:
    """(model, setting) of everything the example shows; what it shows is valid, commented out or not."""
    shown = set()
    for header, text in blocks_of_example():
        content = tomllib.loads(text)
        model = model_of(header, content)
        if model is None:
            shown |= {("Settings", key) for key in content}
        elif model is not dict:
            # What stands in a table of its own in the example is given here, to make the rest complete.
            needed = (
                {"places": {"1": ["leeds"]}} if content.get("platform") in ("shopify", "bigcommerce") else {}
            )
            found = TypeAdapter(model).validate_python({**content, **needed})
            shown |= {(type(found).__name__, key) for key in content}
    return shown


def test_every_setting_is_in_the_example() -> None:
    tables = {
        "locations", "source", "channels", "sku_rules", "schedule", "sync", "guard", "tiers", "spikes", "reconcile",
        "planning", "oversell", "counts", "low_stock", "movements", "report", "slack", "web", "clients",
    }  # fmt: skip
    expected = {
        (model.__name__, name)
        for model in SECTIONS.values()
        for name in model.model_fields
        if name not in {"places", "rule", "buffer", "rules"} and not (model is Settings and name in tables)
    }
    missing = expected - shown_in_example()
    assert missing == set()


# --- the reference -----------------------------------------------------------------------------------------


def reference_rows() -> dict[tuple[str, str], str]:
    """(heading, setting) to its default as the reference states it."""
    rows, heading = {}, ""
    for line in REFERENCE.read_text().splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif match := re.match(r"\| `(\w+)` \|[^|]*\|([^|]*)\|[^|]*\|$", line):
            rows[heading, match[1]] = match[2].strip()
    return {key: default for key, default in rows.items() if key[0] in SECTIONS}


def stated_default(model: type[BaseModel], name: str) -> str:
    field = model.model_fields[name]
    default = field.get_default(call_default_factory=True)
    match default:
        case _ if default is PydanticUndefined:
            return ""
        case None:
            return "*none*"
        case module.LedgerSource():
            return '`{ kind = "ledger" }`'
        case BaseModel():
            return "all defaults"
        case Decimal():
            return f"`{default}`"
        case Path() | str():
            return f"`{json.dumps(str(default))}`"
        case _:
            return f"`{json.dumps(default)}`"


def test_every_setting_is_in_the_reference_with_its_default_and_nothing_else_is() -> None:
    expected = {
        (heading, name): stated_default(model, name)
        for heading, model in SECTIONS.items()
        for name in model.model_fields
    }
    assert reference_rows() == expected


def test_every_section_is_described() -> None:
    sections = {
        found for found in vars(module).values() if isinstance(found, type) and issubclass(found, BaseModel)
    }
    described = {*SECTIONS.values(), BaseModel}
    assert {s.__name__ for s in sections - described if not s.__name__.startswith("_")} == set()


# --- wrong settings ----------------------------------------------------------------------------------------

GOOD = """
[locations.leeds]
[channels.web]
platform = "woocommerce"
base_url = "http://127.0.0.1:1"
key_env = "K"
secret_env = "S"
locations = ["leeds"]
"""


def complaints(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "onhand.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    first, *lines = str(caught.value).splitlines()
    count = "1 wrong setting" if len(lines) == 1 else f"{len(lines)} wrong settings"
    assert first == f"{path} has {count}:"
    assert all(line.startswith("  ") for line in lines)
    return [line.strip() for line in lines]


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("[web]\nport = 70000", "web.port: given 70000; accepted: less than or equal to 65535"),
        ("[web]\nhosst = 'x'", "web.hosst: there is no such setting; did you mean host?"),
        (
            "[web]\nxyz = 'x'",
            "web.xyz: there is no such setting; accepted here: allow_unauthenticated, host, port, public_url",
        ),
        (
            "[web]\nport = 'x'",
            "web.port: given 'x'; accepted: a valid integer, unable to parse string as an integer",
        ),
        (
            "[sync]\nfailure_alert_share = 2",
            "sync.failure_alert_share: given 2; accepted: less than or equal to 1",
        ),
        (
            "[locations.Shop]\n",
            "locations.Shop: given 'Shop'; accepted: a name of at most 63 lower-case letters, digits, - and _, "
            "beginning with a letter or digit",
        ),
        (
            "[channels.shop]\nplatform = 'etsy'",
            "channels.shop.platform: given 'etsy'; accepted: 'shopify', 'woocommerce', 'bigcommerce'",
        ),
        (
            "[channels.shop]\nbase_url = 'http://x'",
            "channels.shop.platform: is missing; accepted: 'bigcommerce', 'shopify', 'woocommerce'",
        ),
        (
            "[channels.shop]\nplatform = 'shopify'\nbase_url = 'http://x'\ntoken_env = 'T'",
            "channels.shop.places: is missing, and has to be given",
        ),
        (
            "[channels.shop]\nplatform = 'shopify'\nbase_url = 'http://x'\nplaces = { 1 = ['leeds'] }",
            "channels.shop: give token_env, or client_id_env and client_secret_env",
        ),
        (
            "[channels.shop]\nplatform = 'shopify'\nbase_url = 'x.test'\ntoken_env = 'T'\nplaces = { 1 = ['leeds'] }",
            "channels.shop.base_url: given 'x.test'; accepted: an address beginning with http:// or https://",
        ),
        (
            "[channels.shop]\nplatform = 'shopify'\nbase_url = 'http://x'\ntoken_env = 'T'\nplaces = { 1 = ['york'] }",
            "channels.shop.places.1: given 'york', which is not in [locations]; accepted: leeds",
        ),
        (
            "[channels.web.rule]\nmode = 'pool'",
            "channels.web.rule.mode: given 'pool'; accepted: 'pooled', 'partitioned' or 'adaptive'",
        ),
        (
            "[channels.web.rule.bufer]\nunits = 3",
            "channels.web.rule.bufer: there is no such setting; did you mean buffer?",
        ),
        (
            "[channels.web.rule]\nshare = 33.33333",
            "channels.web.rule.share is 33.33333; accepted is a percentage from 0 to 100 with at most four "
            "decimal places",
        ),
        (
            "[[sku_rules]]\nchannel = 'web'\nskus = []",
            "sku_rules[0].skus: given []; accepted: at least 1",
        ),
        (
            "[[sku_rules]]\nchannel = 'web'",
            "sku_rules[0]: give skus, tags, or both",
        ),
        (
            "[rule]\nlast_units = 2",
            "rule.last_channel is not given; accepted beside last_units is the channel they are for",
        ),
        (
            "[[sku_rules]]\ntags = ['new']\nlast_units = 2\nlast_channel = 'shop'",
            "sku_rules[0].last_channel: given 'shop', which is not in [channels]; accepted: web",
        ),
        (
            "[[sku_rules]]\nchannel = 'shop'\nskus = ['A']",
            "sku_rules[0].channel: given 'shop', which is not in [channels]; accepted: web",
        ),
        (
            "[source]\nkind = 'csv'\npath = 'x'\ndelimiter = ';;'",
            "source.delimiter: given ';;'; accepted: at most 1 character",
        ),
        (
            "[source]\nkind = 'csv'\npath = 'x'\nlocation = 'york'",
            "source.location: given 'york', which is not in [locations]; accepted: leeds",
        ),
        (
            "[clients.wms]\nscopes = ['events']",
            "clients.wms: give token_envs, hmac_secret_envs, or both",
        ),
        (
            "[clients.wms]\ntoken_envs = ['T']\nscopes = ['write']",
            "clients.wms.scopes[0]: given 'write'; accepted: 'events', 'read' or 'operate'",
        ),
        (
            "[clients.wms]\ntoken_envs = ['T']\nscopes = ['events']\nauthority_for = ['york']",
            "clients.wms.authority_for: given 'york', which is not in [locations]; accepted: leeds",
        ),
        (
            "[clients.wms]\ntoken_envs = ['T']\nscopes = ['read']\nauthority_for = ['leeds']",
            'clients.wms: authority_for is given; accepted only with the scope "events"',
        ),
        (
            "authority_for = ['york']",
            "channels.web.authority_for: given 'york'; accepted: a location that exactly one place shows, alone",
        ),
        (
            "authority_for = ['leeds']\norders = 'ignore'",
            "channels.web.authority_for: given; accepted only on a channel without rules of its own, and with "
            'orders = "listen"',
        ),
        (
            "[report]\nat = '7:00'",
            "report.at: given '7:00'; accepted: a time of day such as 07:00",
        ),
        (
            "[report]\ntimezone = 'Mars/Olympus'",
            "report.timezone: given 'Mars/Olympus'; accepted: a time zone this machine knows, for example "
            "Europe/London",
        ),
        (
            "[slack]\nbase_url = 'http://x'",
            "slack.base_url: given 'http://x'; accepted: an address beginning with http:// or https:// "
            "and ending with /",
        ),
    ],
)
def test_a_wrong_setting_is_told_with_key_given_and_accepted(tmp_path: Path, added: str, said: str) -> None:
    assert complaints(tmp_path, GOOD + added) == [said]


def test_all_wrong_settings_are_told_at_once(tmp_path: Path) -> None:
    assert complaints(
        tmp_path, "log_levl = 'x'\n" + GOOD + "[web]\nport = -1\n[schedule]\nevery_minutes = 0"
    ) == [
        "schedule.every_minutes: given 0; accepted: greater than or equal to 1",
        "web.port: given -1; accepted: greater than or equal to 0",
        "log_levl: there is no such setting; did you mean log_level?",
    ]
    unknown_names = (
        GOOD.replace('["leeds"]', '["york", "bath"]') + "[[sku_rules]]\nchannel = 'x'\nskus = ['A']"
    )
    assert complaints(tmp_path, unknown_names) == [
        "channels.web.locations: given 'york', which is not in [locations]; accepted: leeds",
        "channels.web.locations: given 'bath', which is not in [locations]; accepted: leeds",
        "sku_rules[0].channel: given 'x', which is not in [channels]; accepted: web",
    ]


def test_a_secret_put_where_a_name_belongs_is_not_repeated(tmp_path: Path) -> None:
    text = GOOD.replace('key_env = "K"', 'key_env = "planted-1"') + 'secret = "planted-2"'
    said = complaints(tmp_path, text)
    assert said == [
        "channels.web.key_env: given something else (not shown, in case it is a secret); accepted: the name of "
        "an environment variable in capitals, for example ONHAND_SHOPIFY_TOKEN",
        "channels.web.secret: there is no such setting; did you mean secret_env?",
    ]


def test_text_that_is_not_toml_and_a_file_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "onhand.toml"
    path.write_text("web = [")
    with pytest.raises(
        SettingsError, match=r"onhand\.toml is not valid TOML: Invalid value \(at end of document\)"
    ):
        load_settings(path)
    monkeypatch.delenv("ONHAND_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    assert find_config(None) == Path("onhand.toml")
    path.unlink()
    with pytest.raises(SettingsError, match=r"no configuration at onhand\.toml\. Copy onhand\.example\.toml"):
        find_config(None)


def test_the_file_named_in_the_environment_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "other.toml"
    path.write_text(GOOD)
    monkeypatch.setenv("ONHAND_CONFIG", str(path))
    assert find_config(None) == path
    assert load_settings(path).data_dir == tmp_path / ".onhand"


def test_the_guard_is_on_unless_said_otherwise(tmp_path: Path) -> None:
    """Goal: the defaults are the domain's own, and what is switched off is off for live errands, too."""
    path = tmp_path / "onhand.toml"
    path.write_text(GOOD)
    settings = load_settings(path)
    assert (settings.guard.limits(), settings.rule_book().guarded) == (Limits(), True)
    path.write_text(
        f"{GOOD}\n[guard]\nenabled = false\nshare_percent = 5.5\nlistings_min = 1\nunits_min = 0\n"
    )
    settings = load_settings(path)
    assert settings.guard.limits() == Limits(5.5, 1, 0, enabled=False)
    assert not settings.rule_book().guarded


def test_a_secret_that_was_read_is_masked_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONHAND_TEST_SECRET", "planted-settings-secret")
    assert secret("ONHAND_TEST_SECRET") == "planted-settings-secret"
    assert mask_text("said planted-settings-secret") == "said [redacted]"
    with pytest.raises(SettingsError, match="the environment variable ONHAND_NOT_SET is not set"):
        secret("ONHAND_NOT_SET")


FULFILLED = """
[locations.fba]
counted_by = "amazon"
lag_seconds = 1800
SOLD_ON
[clients.amazon]
token_envs = ["AMAZON_TOKEN"]
scopes = ["events"]
"""


def test_stock_that_another_party_keeps_is_counted_by_it_alone(tmp_path: Path) -> None:
    """Goal: whose counts are taken, and how far they may lag, as the ledger is told."""
    path = tmp_path / "onhand.toml"
    path.write_text(GOOD + FULFILLED.replace("SOLD_ON", ""))
    assert load_settings(path).counters() == {"fba": ("client/amazon", timedelta(minutes=30))}
    path.write_text(
        GOOD
        + "[locations.dock]\ncounted_by = 'source'\n"
        + "[source]\nkind = 'csv'\npath = 'x.csv'\nlag_seconds = 60\n"
    )
    settings = load_settings(path)
    assert settings.counters() == {"dock": ("source/csv", timedelta(0))}
    assert settings.source.lag() == timedelta(minutes=1)


def test_stock_that_another_party_keeps_is_sold_where_that_is_said_and_nowhere_else(tmp_path: Path) -> None:
    selling = GOOD.replace('["leeds"]', '["leeds", "fba"]')
    path = tmp_path / "onhand.toml"

    assert complaints(tmp_path, selling + FULFILLED.replace("SOLD_ON", "")) == [
        "channels.web.locations: given 'fba', whose stock amazon keeps; accepted once locations.fba.sellable_on names "
        "'web'"
    ]
    path.write_text(selling + FULFILLED.replace("SOLD_ON", 'sellable_on = ["web"]'))
    assert load_settings(path).rule_book().channels["web"].places == {"": ("leeds", "fba")}


@pytest.mark.parametrize(
    ("added", "said"),
    [
        (
            "[locations.fba]\ncounted_by = 'amazon'",
            "locations.fba.counted_by: given 'amazon'; accepted: a client that may post events, or 'source'",
        ),
        (
            FULFILLED.replace("SOLD_ON", "sellable_on = ['shop']"),
            "locations.fba.sellable_on: given 'shop', which is not in [channels]; accepted: web",
        ),
        (
            FULFILLED.replace("SOLD_ON", "") + "authority_for = ['fba']",
            "clients.amazon.authority_for: given 'fba', which amazon counts alone",
        ),
        (
            "[locations.fba]\nsellable_on = ['web']",
            "locations.fba: sellable_on or lag_seconds is given; accepted only with counted_by",
        ),
    ],
)
def test_what_cannot_be_meant_by_another_partys_stock_is_told(tmp_path: Path, added: str, said: str) -> None:
    assert complaints(tmp_path, GOOD + added) == [said]


def test_only_a_place_that_shows_one_shop_alone_is_for_pick_up(tmp_path: Path) -> None:
    """Goal: neither a channel with one number nor a place that adds up several shops shows actuals."""
    path = tmp_path / "onhand.toml"
    path.write_text(
        GOOD
        + "[locations.york]\npickup = true\npickup_buffer = 2\n[channels.shop]\nplatform = 'shopify'\n"
        + "base_url = 'http://x'\ntoken_env = 'T'\nplaces = { 1 = ['york'], 2 = ['leeds'], 3 = ['leeds', 'york'] }\n"
        + "[channels.woo]\nplatform = 'woocommerce'\nbase_url = 'http://x'\nkey_env = 'K'\nsecret_env = 'S'\n"
        + "locations = ['york']\n"
    )
    channels = load_settings(path).rule_book().channels
    assert {name: dict(rules.pickup) for name, rules in channels.items()} == {
        "web": {},
        "shop": {"1": 2},
        "woo": {},
    }
