"""`python -m onhand.sandbox faults ...`: make a running sandbox's shops fail, and be well again."""

import json
from typing import Annotated, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

import typer

from onhand.sandbox.faults import BY_KIND
from onhand.sandbox.presets import PRESETS

TIMEOUT_SECONDS = 30.0

app = typer.Typer(no_args_is_help=True, help="Make the shops of a running sandbox fail, and be well again.")

Url = Annotated[str, typer.Option(help="Where the sandbox answers.", envvar="ONHAND_SANDBOX_URL")]
Platform = Annotated[str, typer.Argument(help="shopify, woocommerce or bigcommerce.")]
SANDBOX = "http://127.0.0.1:8700"


@app.command("list")
def listed(url: Url = SANDBOX) -> None:
    """What is on, and what has ended."""
    _show(_asked(url, "GET", "/faults"))


@app.command()
def kinds() -> None:
    """Names for `on`, and the kinds of faults that JSON can switch on, with their parameters."""
    for name, preset in PRESETS.items():
        typer.echo(f"{name:20} {preset.label}")
    typer.echo("")
    for kind, record in BY_KIND.items():
        typer.echo(f"{kind:24} {', '.join(name for name in record.model_fields if name != 'kind')}")


@app.command()
def on(
    platform: Platform,
    what: Annotated[str, typer.Argument(help="A name that `kinds` lists, or a fault as JSON.")],
    url: Url = SANDBOX,
) -> None:
    """Switch faults on: `on shopify throttled`, or `on shopify '{"kind": "throttle", "seconds": 60}'`."""
    if what.lstrip().startswith(("{", "[")):
        try:
            body = json.loads(what)
        except json.JSONDecodeError as error:
            raise _refusal(f"that is not JSON: {error}") from error
    elif what in PRESETS:
        body = [fault.model_dump() for fault in PRESETS[what].faults]
    else:
        raise _refusal(f"no fault {what!r}; there are {', '.join(PRESETS)}, or a fault as JSON")
    told = _asked(url, "PUT", f"/{platform}/faults", body)
    _show({platform: told})
    for done in told["done"]:
        typer.echo("  ".join(f"{name} {value}" for name, value in done.items()))


@app.command()
def off(
    platform: Annotated[str, typer.Argument(help="One shop; all, unless it is said.")] = "",
    kind: Annotated[str, typer.Option(help="Only this kind.")] = "",
    url: Url = SANDBOX,
) -> None:
    """Faults end."""
    if platform:
        query = f"?{urlencode({'kind': kind})}" if kind else ""
        _show({platform: _asked(url, "DELETE", f"/{platform}/faults{query}")})
    elif kind:
        raise _refusal("say which shop, too")
    else:
        _show(_asked(url, "DELETE", "/faults"))


@app.command()
def minute(
    seed: Annotated[int, typer.Argument(help="The day.")],
    number: Annotated[int, typer.Argument(help="The minute of it, from 0.")],
    url: Url = SANDBOX,
) -> None:
    """One minute of a drawn bad day, in place of whatever is on; the same for the same two numbers."""
    typer.echo(json.dumps(_asked(url, "POST", "/faults/minute", {"seed": seed, "minute": number}), indent=2))


def _asked(url: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{url.rstrip('/')}/_sandbox{path}", data, method=method)
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=TIMEOUT_SECONDS) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
    except HTTPError as error:
        raise _refusal(json.load(error).get("error", str(error))) from error
    except URLError as error:
        raise _refusal(f"no sandbox at {url}: {error.reason}. `onhand demo` starts one.") from error


def _refusal(said: str) -> typer.Exit:
    typer.echo(said, err=True)
    return typer.Exit(2)


def _show(by_platform: dict[str, Any]) -> None:
    for platform, told in by_platform.items():
        if not told["on"]:
            typer.echo(f"{platform}: nothing is wrong")
        for each in told["on"]:
            left = each["seconds_left"]
            until = "until it is switched off" if left is None else f"for another {left:.0f} s"
            typer.echo(f"{platform}: {each['kind']} {until}, struck {each['struck']} of {each['seen']}")
