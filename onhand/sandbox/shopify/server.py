"""The HTTP face: token, version, cost bucket, one GraphQL operation a request, and the grant of tokens."""

import secrets
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import parse_qs

import orjson
from graphql import (
    GraphQLError,
    GraphQLNonNull,
    coerce_input_value,
    get_named_type,
    is_input_type,
    type_from_ast,
    value_from_ast_untyped,
)
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from onhand.sandbox.limits import PointBucket
from onhand.sandbox.orders import OrderBook
from onhand.sandbox.shop import Shop
from onhand.sandbox.shopify.bulk import BulkRuns
from onhand.sandbox.shopify.call import Call, Resolvers
from onhand.sandbox.shopify.cost import COST_MAX, requested_cost
from onhand.sandbox.shopify.documents import Operation, operation
from onhand.sandbox.shopify.options import ShopifyOptions
from onhand.sandbox.shopify.problems import BAD_TOKEN, Problem, invalid_variable
from onhand.sandbox.shopify.reads import QUERY_FIELDS
from onhand.sandbox.shopify.schema import SCHEMA
from onhand.sandbox.shopify.writes import Mutations
from onhand.sandbox.traffic import Traffic
from onhand.sandbox.wire import Subscriptions

TOKEN_HEADER = "x-shopify-access-token"
CHECKED_BY_HAND = frozenset(("InventorySetQuantitiesInput", "InventoryAdjustQuantitiesInput", "String", "ID"))
"""quantities.py checks the large inputs entry by entry, at a tenth of the generic coercion's price; what arrives
as a key, a cursor, a search or an id is checked where it is used."""

Json = dict[str, Any]


def routes(
    shop: Shop, options: ShopifyOptions, traffic: Traffic, book: OrderBook, subscriptions: Subscriptions
) -> list[BaseRoute]:
    """The endpoints of one shop: GraphQL under each supported version, the client-credentials grant, and the files of
    bulk operations."""
    server = Server(shop, options, traffic, book, subscriptions)
    return [
        Route("/admin/api/{version}/graphql.json", traffic.guarded(server.graphql), methods=["POST"]),
        Route("/admin/oauth/access_token", traffic.guarded(server.grant), methods=["POST"]),
        Route("/bulk/{number}", traffic.guarded(server.bulk.file), methods=["GET"]),
    ]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request's body, decoded."""

    operation: Operation
    variables: Json


class Server:
    """One shop's GraphQL endpoint."""

    def __init__(
        self,
        shop: Shop,
        options: ShopifyOptions,
        traffic: Traffic,
        book: OrderBook,
        subscriptions: Subscriptions,
    ) -> None:
        self._shop = shop
        self._options = options
        self._traffic = traffic
        self._book = book
        self._subscriptions = subscriptions
        self._bucket = PointBucket(
            options.points_max, options.points_per_second, options.clock, enforced=options.limits
        )
        self.bulk = BulkRuns(options.clock)
        self._mutations = Mutations(options.clock).fields | self.bulk.mutations
        self._queries = QUERY_FIELDS | self.bulk.queries
        self._granted: dict[str, float] = {}
        self._request_numbers = count(1)

    async def graphql(self, request: Request) -> Response:
        """One GraphQL request. Almost every failure is an HTTP 200, as on the platform."""
        version = request.path_params["version"]
        if version not in self._options.versions:
            self._traffic.rejected["unknown version"] += 1
            return self._json({"errors": "Not Found"}, 404, version)
        if not self._admits(request.headers.get(TOKEN_HEADER, "")):
            self._traffic.rejected["bad token"] += 1
            return self._json({"errors": BAD_TOKEN}, 401, version)
        root_url = f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"
        return self._json(self._answer(await request.body(), version, root_url), 200, version)

    async def grant(self, request: Request) -> Response:
        """A token for the app's own credentials (OAuth 2 client-credentials grant)."""
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        wanted = (self._options.client_id, self._options.client_secret)
        if (form.get("client_id"), form.get("client_secret")) != wanted:
            self._traffic.rejected["bad client"] += 1
            return self._json({"error": "invalid_client"}, 400, "")
        if form.get("grant_type") != "client_credentials":
            return self._json({"error": "unsupported_grant_type"}, 400, "")
        token = f"sandbox-granted-{secrets.token_hex(16)}"
        self._granted[token] = self._options.clock() + self._options.token_seconds
        seconds = self._options.token_seconds
        return self._json(
            {"access_token": token, "scope": ",".join(self._options.scopes), "expires_in": seconds}, 200
        )

    def _admits(self, token: str) -> bool:
        return token == self._options.access_token or self._granted.get(token, 0.0) > self._options.clock()

    def _answer(self, body: bytes, version: str, root_url: str) -> Json:
        try:
            asked = _asked(body)
        except Problem as problem:
            self._traffic.rejected[problem.code] += 1
            return {"errors": [problem.error()]}
        cost = requested_cost(asked.operation, asked.variables)
        name = asked.operation.roots[0].name
        if cost > COST_MAX:
            self._traffic.rejected["MAX_COST_EXCEEDED"] += 1
            message = f"Query cost is {cost}, which exceeds the single query max cost limit ({COST_MAX})."
            return {"errors": [Problem(message, "MAX_COST_EXCEEDED", cost=cost, maxCost=COST_MAX).error()]}
        if not self._bucket.take(cost):
            self._traffic.throttled[name] += 1
            return self._throttled(cost)
        self._traffic.calls[name] += 1
        parts = (self._shop, self._options, self._book, self._subscriptions)
        call = Call(*parts, version, asked.variables, root_url)
        answer = self._run(call, asked.operation)
        self._bucket.give_back(call.saved_points)
        return {**answer, "extensions": {"cost": self._cost(cost, cost - call.saved_points)}}

    def _run(self, call: Call, asked: Operation) -> Json:
        resolvers: Resolvers = self._queries if asked.kind == "query" else self._mutations
        data: Json = {}
        for root in asked.roots:
            try:
                data[root.key] = resolvers[root.name](call, None, root)
            except Problem as problem:
                self._traffic.rejected[problem.code] += 1
                if problem.fatal:
                    return {"errors": [problem.error()]}
                data[root.key] = None
                call.errors.append(problem.error([root.key]))
        return {"data": data, "errors": call.errors} if call.errors else {"data": data}

    def _throttled(self, cost: int) -> Json:
        guide = "https://shopify.dev/api/usage/rate-limits"
        extensions = {"code": "THROTTLED", "documentation": guide}
        return {
            "errors": [{"message": "Throttled", "extensions": extensions}],
            "extensions": {"cost": self._cost(cost, None)},
        }

    def _cost(self, requested: int, actual: int | None) -> Json:
        return {
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": {
                "maximumAvailable": float(self._options.points_max),
                "currentlyAvailable": int(self._bucket.available()),
                "restoreRate": float(self._options.points_per_second),
            },
        }

    def _json(self, answer: Json, status: int, version: str = "") -> Response:
        headers = {"X-Request-Id": f"sandbox-{next(self._request_numbers)}"}
        if version:
            headers["X-Shopify-API-Version"] = version
        return Response(orjson.dumps(answer), status, headers, "application/json; charset=utf-8")


def _asked(body: bytes) -> Asked:
    try:
        given = orjson.loads(body)
        text, name = given["query"], given.get("operationName")
        variables = given.get("variables") or {}
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise Problem("the body is not a GraphQL request in JSON", "badRequest") from error
    found = operation(text, name)
    return Asked(found, {**variables, **_coerced(found, variables)})


def _coerced(asked: Operation, variables: Json) -> Json:
    """The declared variables as their types want them, defaults filled in; raises Problem where one does not fit."""
    out: Json = {}
    for node in asked.variables:
        name, kind = node.variable.name.value, type_from_ast(SCHEMA, node.type)
        if name in variables and not (kind and get_named_type(kind).name in CHECKED_BY_HAND):
            assert is_input_type(kind), f"${name} is of a type that cannot be given"
            try:
                out[name] = coerce_input_value(variables[name], kind)
            except GraphQLError as error:
                raise invalid_variable(name, str(kind), [], error.message) from error
        elif name not in variables and node.default_value:
            out[name] = value_from_ast_untyped(node.default_value)
        elif name not in variables and isinstance(kind, GraphQLNonNull):
            raise invalid_variable(name, str(kind), [], "Expected value to not be null")
    return out
