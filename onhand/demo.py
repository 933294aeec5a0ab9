"""The demo: the example configuration against a sandbox of three shops, with a real catalogue."""

import os
import re
import sys
from pathlib import Path

from onhand.channels.registry import make_channels
from onhand.embedded.files import make_data_dir
from onhand.embedded.lock import FolderLock
from onhand.embedded.ports import PortBook
from onhand.embedded.services import CommandService, answers
from onhand.running import Running
from onhand.sandbox.bigcommerce import BigCommerceOptions
from onhand.sandbox.shopify import ShopifyOptions
from onhand.sandbox.slack import SlackOptions
from onhand.sandbox.woocommerce import WooOptions
from onhand.settings import DEMO_CONFIG, Settings, SettingsError

EXAMPLE_NAME = "onhand.example.toml"
SANDBOX_PORT = 8700
WEB_PORT = 8600

SECRETS = {
    "ONHAND_SHOPIFY_TOKEN": ShopifyOptions().access_token,
    "ONHAND_SHOPIFY_SECRET": ShopifyOptions().client_secret,
    "ONHAND_WOO_KEY": WooOptions().consumer_key,
    "ONHAND_WOO_SECRET": WooOptions().consumer_secret,
    "ONHAND_BIGCOMMERCE_TOKEN": BigCommerceOptions().access_token,
    "ONHAND_SLACK_TOKEN": SlackOptions().token,
    "ONHAND_WOO_WEBHOOK": "sandboxwoowebhook",
    "ONHAND_BIGCOMMERCE_WEBHOOK": "sandbox-bigcommerce-webhook",
}
"""What the sandbox's shops let in, and what they sign with. They guard nothing, so they may be known."""


def home() -> Path:
    """The checkout with the example and its data. Raises SettingsError where there is none."""
    for folder in (Path.cwd(), Path(__file__).parent.parent):
        if (folder / EXAMPLE_NAME).is_file() and (folder / "demo" / "catalogue.csv").is_file():
            return folder
    raise SettingsError(f"the demo needs a checkout of Onhand: no {EXAMPLE_NAME} with demo/ was found here")


def lend_secrets() -> None:
    """Let this process and its children into the sandbox's shops; what is set already stays."""
    for name, value in SECRETS.items():
        os.environ.setdefault(name, value)


def prepare() -> tuple[Path, int]:
    """Write the demo's configuration, the example with the addresses of this machine; it and the sandbox's port.

    Raises AlreadyRunning where a stack runs here.
    """
    folder = home()
    data_dir = folder / ".onhand"
    make_data_dir(data_dir)
    # While another demo runs here its configuration is in use: the lock is asked for before it is written anew.
    lock = FolderLock(data_dir)
    lock.acquire()
    lock.release()
    ports = PortBook(data_dir)
    port, web_port = ports.choose("sandbox", SANDBOX_PORT), ports.choose("web", WEB_PORT)
    text = (folder / EXAMPLE_NAME).read_text()
    text = text.replace(f"http://127.0.0.1:{SANDBOX_PORT}", f"http://127.0.0.1:{port}")
    text = text.replace(f"http://127.0.0.1:{WEB_PORT}", f"http://127.0.0.1:{web_port}")
    text = re.sub(r'^data_dir = ".*?"', lambda _: f"data_dir = {_toml(data_dir)}", text, flags=re.MULTILINE)
    text = re.sub(
        r'^path = "demo/stock"',
        lambda _: f"path = {_toml(folder / 'demo' / 'stock')}",
        text,
        flags=re.MULTILINE,
    )
    config = data_dir / DEMO_CONFIG.name
    config.write_text(text)
    return config, port


def _toml(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


async def start_shops(running: Running, port: int) -> None:
    """The sandbox, with the demo's catalogue in each shop."""
    url = f"http://127.0.0.1:{port}/"
    argv = [sys.executable, "-m", "onhand.sandbox", "--port", str(port)]
    argv += ["--data-dir", str(running.settings.data_dir / "sandbox")]
    argv += ["--catalogue", str(home() / "demo" / "catalogue.csv")]
    shops = CommandService("sandbox", argv, data_dir=running.settings.data_dir, ready=answers(url), port=port)
    await running.stack.add(shops)
    running.urls["sandbox"] = url


async def subscribe(settings: Settings) -> None:
    """Have the shops tell us of their orders, as `onhand webhooks register` does."""
    for name, channel in make_channels(settings).items():
        try:
            await channel.hooks.ensure(f"{settings.web.public_url}/webhooks/{name}")
        finally:
            await channel.aclose()
