"""Whether the web app answers: webhooks come in by it."""

import asyncio
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from onhand.embedded.state import read_state
from onhand.settings import Settings

ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}
"""What a server listens on for everybody, and where this machine reaches it."""


def web_address(settings: Settings) -> str:
    """Where it should be: as the stack here says, or where channels reach it, or where it is told to listen."""
    running = read_state(settings.data_dir)
    if running is not None and "web" in running.urls:
        return running.urls["web"].rstrip("/")
    web = settings.web
    return web.public_url or f"http://{ANY_ADDRESS.get(web.host, web.host)}:{web.port}"


async def ask_web(settings: Settings, seconds: float) -> str:
    """Why it cannot be used; "" where it answers."""
    return await asyncio.to_thread(_ask, web_address(settings), seconds)


def _ask(address: str, seconds: float) -> str:
    # Of the standard library: loading httpx for this one call took a sixth of the whole command.
    try:
        with urlopen(f"{address}/healthz", timeout=seconds):
            return ""
    except HTTPError as error:
        return f"{address}/healthz answered HTTP {error.code}"
    except (OSError, HTTPException) as error:
        said = error.reason if isinstance(error, URLError) else error
        return f"{address} does not answer: {str(said) or type(said).__name__}"
