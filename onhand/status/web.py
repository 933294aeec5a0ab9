"""Whether the web app answers: webhooks come in by it."""

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
    import httpx  # a look without it is over sooner

    address = web_address(settings)
    try:
        async with httpx.AsyncClient(timeout=seconds) as client:
            answer = await client.get(f"{address}/healthz")
    except httpx.HTTPError as error:
        return f"{address} does not answer: {str(error) or type(error).__name__}"
    return "" if answer.is_success else f"{address}/healthz answered HTTP {answer.status_code}"
