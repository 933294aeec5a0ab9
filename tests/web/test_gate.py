"""Who may do what, over real HTTP: clients, scopes, logins; without clients the app is for its machine alone."""

import time
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from temporalio.testing import WorkflowEnvironment

from onhand.ledger.database import Pool
from onhand.redaction import mask_text
from onhand.settings import Settings, SettingsError
from onhand.web import login
from onhand.web.app import create_app
from onhand.web.clients import Clients, signature_of
from tests.web.conftest import doors_to, served

READ, OLD_READ, POST, OPERATE = (
    f"planted-token-{name}-0123456789" for name in ("read", "old", "post", "operate")
)
SIGNING = "planted-signing-secret-0123456789"
EVERY_READ = (
    "/",
    "/api/runs",
    "/api/channels",
    "/api/inbox",
    "/api/webhooks",
    "/docs",
    "/openapi.json",
    "/skus/A",
    "/status",
    "/reports",
    "/reports/2026-11-26",
    "/x",
)
EVERY_CHANGE = ("/api/channels/web/pause", "/api/channels/web/resume", "/api/inbox/1/replay", "/x")
PERSON = {"Accept": "text/html"}


@pytest.fixture
def guarded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Three clients: one reads (and changes its token), one posts events, one operates."""
    values = {"T_READ": READ, "T_OLD": OLD_READ, "T_POST": POST, "S_POST": SIGNING, "T_OPERATE": OPERATE}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    clients = {
        "viewer": {"token_envs": ["T_READ", "T_OLD"], "scopes": ["read"]},
        "wms": {"token_envs": ["T_POST"], "hmac_secret_envs": ["S_POST"], "scopes": ["events"]},
        "desk": {"token_envs": ["T_OPERATE"], "scopes": ["read", "operate"]},
    }
    return Settings.model_validate(settings.model_dump() | {"clients": clients})


@pytest.fixture
async def app(
    stocked: Pool, database: str, guarded: Settings, temporal_env: WorkflowEnvironment
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the guarded app."""
    async with served(create_app(guarded, doors=doors_to(database, temporal_env.client))) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_health_needs_no_token(app: httpx.AsyncClient) -> None:
    """Goal: probes know no token."""
    assert (await app.get("/healthz")).status_code == 200
    assert (await app.get("/readyz")).status_code == 200


@pytest.mark.parametrize("path", EVERY_READ)
async def test_everything_else_needs_one(app: httpx.AsyncClient, path: str) -> None:
    """Goal: also what is not there: a stranger learns nothing."""
    for headers in (
        {},
        bearer("x" * 30),
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {READ}"},
        bearer(READ[:-1]),
    ):
        answer = await app.get(path, headers=headers)
        assert code(answer) == (401, "not_authenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert code(await app.get(path, headers=bearer(POST))) == (403, "not_allowed")
    for token in (READ, OLD_READ, OPERATE):
        assert (await app.get(path, headers=bearer(token))).status_code in (200, 404)


@pytest.mark.parametrize("path", EVERY_CHANGE)
async def test_every_change_needs_the_scope_operate(app: httpx.AsyncClient, path: str) -> None:
    """Goal: who may look may not change, and who may state events may neither."""
    assert code(await app.post(path)) == (401, "not_authenticated")
    for token in (READ, POST):
        assert code(await app.post(path, headers=bearer(token))) == (403, "not_allowed")
    assert (await app.post(path, headers=bearer(OPERATE))).status_code in (200, 404)


async def test_events_need_the_scope_events(app: httpx.AsyncClient) -> None:
    """Goal: a token or a signature, of a client that has the scope; what is refused is not even read."""
    assert code(await app.post("/events", content=b"{}")) == (401, "not_authenticated")
    for token in (READ, OPERATE):
        assert code(await app.post("/events", content=b"{}", headers=bearer(token))) == (403, "not_allowed")
    assert code(await app.post("/events", content=b"{}", headers=bearer(POST))) == (422, "not_understood")


def signed(body: bytes, *, name: str = "wms", at: float = 0, secret: str = SIGNING) -> dict[str, str]:
    moment = str(int(time.time() + at))
    signature = signature_of(secret.encode(), moment, body)
    return {"X-Onhand-Client": name, "X-Onhand-Time": moment, "X-Onhand-Signature": signature}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda h: h, 422),
        (lambda h: h | {"X-Onhand-Time": str(int(h["X-Onhand-Time"]) + 1)}, 401),
        (lambda h: h | {"X-Onhand-Client": "desk"}, 401),
        (lambda h: h | {"X-Onhand-Client": "nobody"}, 401),
        (lambda h: h | {"X-Onhand-Signature": h["X-Onhand-Signature"][:-1]}, 401),
        (lambda h: signed(b"{ }"), 401),
        (lambda h: signed(b"{}", secret="another-secret"), 401),
        (lambda h: signed(b"{}", at=-270), 422),
        (lambda h: signed(b"{}", at=-302), 401),
        (lambda h: signed(b"{}", at=302), 401),
        (lambda h: {name: value for name, value in h.items() if name != "X-Onhand-Time"}, 401),
    ],
)
async def test_a_signature_covers_time_and_body(
    app: httpx.AsyncClient, change: Callable[[dict[str, str]], dict[str, str]], status: int
) -> None:
    """Goal: any change of what was signed fails; an old request cannot be sent again for ever."""
    assert (await app.post("/events", content=b"{}", headers=change(signed(b"{}")))).status_code == status


def test_the_signature_is_what_the_documentation_says() -> None:
    """Goal: a client in another language can check itself against this."""
    assert signature_of(b"secret", "1700000000", b"{}") == (
        "sha256=b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163"
    )


async def test_a_person_logs_in_with_a_token(app: httpx.AsyncClient) -> None:
    """Goal: sent to the form, in with a token, the cookie safe from scripts and other sites, out again."""
    sent = await app.get("/", headers=PERSON)
    assert (sent.status_code, sent.headers["location"]) == (303, "/login")
    form = await app.get("/login")
    assert 'name="token" type="password"' in form.text

    answer = await app.post("/login", data={"token": READ}, headers={"Sec-Fetch-Site": "same-origin"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("onhand_login=viewer.")
    assert "; HttpOnly; Max-Age=43200; Path=/; SameSite=strict" in cookie
    assert READ not in cookie
    assert (await app.get("/", headers=PERSON)).status_code == 200
    assert "as viewer" in (await app.get("/login")).text
    assert code(await app.post("/api/channels/web/pause")) == (403, "not_allowed")

    await app.post("/logout")
    assert (await app.get("/", headers=PERSON)).status_code == 303


async def test_pages_lead_to_the_login_and_say_who_is_logged_in(
    app: httpx.AsyncClient, web: httpx.AsyncClient
) -> None:
    """Goal: where there is a login it can be found, and so can the way out; where there is none, nothing is shown."""
    link, named = '<a href="/login">Log in</a>', '<a href="/login">Logged in as viewer</a>'
    assert link in (await app.get("/login", headers=PERSON)).text
    await app.post("/login", data={"token": READ})
    for path in ("/", "/login", "/runs/nothing"):
        page = (await app.get(path, headers=PERSON)).text
        assert named in page, path
        assert link not in page, path
    assert 'href="/login"' not in (await web.get("/", headers=PERSON)).text


@pytest.mark.parametrize("token", ["", "wrong", POST])
async def test_a_login_needs_a_client_that_may_read(app: httpx.AsyncClient, token: str) -> None:
    """Goal: nobody else gets a cookie."""
    answer = await app.post("/login", data={"token": token})
    assert answer.status_code == (403 if token == POST else 401)
    assert "set-cookie" not in answer.headers


async def test_a_cookie_cannot_be_made_or_changed(guarded: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: name, time and signature hold together; it ends with its time and with its token."""
    clients = Clients.from_settings(guarded)
    form = f"token={OLD_READ}".encode()
    value = login.log_in(clients, form, secure=True).headers["set-cookie"].split(";")[0].partition("=")[2]
    assert "; Secure" in login.log_in(clients, form, secure=True).headers["set-cookie"]
    name, until, signature = value.split(".")

    def caller(*parts: str) -> object:
        found = login.logged_in(clients, {"cookie": f"onhand_login={'.'.join(parts)}"})
        return found and found.name

    assert caller(name, until, signature) == "viewer"
    assert caller("desk", until, signature) is None
    assert caller(name, str(int(until) + 1), signature) is None
    assert caller(name, until, signature[:-1]) is None
    assert caller(name, until) is None
    monkeypatch.setattr(login.time, "time", lambda: int(until) + 1)
    assert caller(name, until, signature) is None
    monkeypatch.undo()
    monkeypatch.setenv("T_READ", READ)
    rotated = guarded.clients["viewer"].model_copy(update={"token_envs": ["T_READ"]})
    monkeypatch.setenv("T_POST", POST)
    clients = Clients.from_settings(guarded.model_copy(update={"clients": {"viewer": rotated}}))
    assert caller(name, until, signature) is None, "the token it was given for is gone"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
    ],
)
async def test_another_sites_page_changes_nothing(
    app: httpx.AsyncClient, web: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    """Goal: neither with the cookie of somebody logged in, nor where the app asks nobody who they are."""
    await app.post("/login", data={"token": OPERATE})
    for door in (app, web):
        assert code(await door.post("/api/channels/web/pause", headers=headers)) == (403, "foreign_page")
        assert code(await door.post("/events", headers=headers)) == (403, "foreign_page")
        own = {"Origin": str(door.base_url).rstrip("/")}
        assert (await door.post("/api/channels/web/pause", headers=own)).status_code == 200


async def test_without_clients_this_machine_may_do_everything(web: httpx.AsyncClient) -> None:
    """Goal: the demo needs no login."""
    assert (await web.get("/", headers=PERSON)).status_code == 200
    assert (await web.post("/api/channels/web/pause")).status_code == 200
    assert (await web.post("/events", json={})).status_code == 422


@pytest.mark.parametrize(
    "headers", [{"Host": "shop.test"}, {"X-Forwarded-For": "203.0.113.9"}, {"Forwarded": "for=203.0.113.9"}]
)
async def test_without_clients_others_may_do_nothing(web: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """Goal: a tunnel for webhooks, or a name made to lead here, does not open the app to the world."""
    assert code(await web.get("/api/runs", headers=headers)) == (401, "not_authenticated")
    assert code(await web.post("/api/channels/web/pause", headers=headers)) == (401, "not_authenticated")
    assert code(await web.post("/events", headers=headers)) == (401, "not_authenticated")
    assert (await web.get("/healthz", headers=headers)).status_code == 200


async def test_behind_a_proxy_with_a_login_everybody_may_look(
    stocked: Pool, database: str, settings: Settings, temporal_env: WorkflowEnvironment
) -> None:
    """Goal: allow_unauthenticated is for looking; to change anything takes a client."""
    open_ = settings.model_copy(
        update={"web": settings.web.model_copy(update={"allow_unauthenticated": True})}
    )
    async with served(create_app(open_, doors=doors_to(database, temporal_env.client))) as client:
        behind = {"Host": "stock.test", "X-Forwarded-For": "203.0.113.9"}
        assert (await client.get("/api/runs", headers=behind)).status_code == 200
        assert code(await client.post("/api/channels/web/pause", headers=behind)) == (403, "not_allowed")
        assert code(await client.post("/events", headers=behind)) == (403, "not_allowed")


def test_secrets_are_read_at_the_start_and_masked(guarded: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: a missing or short secret stops the start and is named by its variable; a read one is masked."""
    Clients.from_settings(guarded)
    assert mask_text(f"{READ} {SIGNING}") == "[redacted] [redacted]"
    monkeypatch.setenv("T_POST", "x" * 19)
    with pytest.raises(SettingsError, match="T_POST holds fewer than 20 characters"):
        Clients.from_settings(guarded)
    monkeypatch.delenv("T_POST")
    with pytest.raises(SettingsError, match="T_POST is not set"):
        Clients.from_settings(guarded)
