"""The API's documentation at /docs, served whole from this machine: no page loads anything from elsewhere."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse, JSONResponse
from starlette.staticfiles import StaticFiles
from swagger_ui_bundle import swagger_ui_path

from onhand.web.gate import OPEN_PATHS
from onhand.web.stated import event_schemas

OPENAPI_VERSION = "3.0.3"
"""The newest that the bundled Swagger UI (4.15) shows."""

SECURITY_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "The token of a client in [clients]."},
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Onhand-Signature",
        "description": "With X-Onhand-Client and X-Onhand-Time; see POST /events.",
    },
}

_FILES = "/docs/files"
_SECURITY = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def install(app: FastAPI) -> None:
    """Serve /docs and /openapi.json."""
    app.openapi_version = OPENAPI_VERSION
    app.mount(_FILES, StaticFiles(directory=str(swagger_ui_path)), name="docs-files")

    @app.get("/openapi.json", include_in_schema=False)
    async def description() -> JSONResponse:
        return JSONResponse(as_3_0(described(app)))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        page = get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="Onhand API",
            swagger_js_url=f"{_FILES}/swagger-ui-bundle.js",
            swagger_css_url=f"{_FILES}/swagger-ui.css",
            swagger_favicon_url=f"{_FILES}/favicon-32x32.png",
            swagger_ui_parameters={"defaultModelsExpandDepth": -1, "tryItOutEnabled": True},
        )
        page.headers.update(_SECURITY)
        return page


def described(app: FastAPI) -> dict[str, Any]:
    """The description of the app, with what it checks by itself and FastAPI does not know of."""
    found = app.openapi()
    components = found.setdefault("components", {})
    components.setdefault("schemas", {}).update(event_schemas())
    components["securitySchemes"] = SECURITY_SCHEMES
    for path, operations in found["paths"].items():
        for operation in operations.values():
            if path not in OPEN_PATHS:
                operation.setdefault("security", [{"token": []}])
    return found


def as_3_0(node: Any) -> Any:
    """An OpenAPI 3.1 description in the words of 3.0: nullable, one example, a list of one, no rule for names."""
    if isinstance(node, list):
        return [as_3_0(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: as_3_0(value) for key, value in node.items() if key != "propertyNames"}
    if "const" in found:
        found["enum"] = [found.pop("const")]
    examples = found.get("examples")
    if isinstance(examples, list):
        del found["examples"]
        found["example"] = examples[0]
    return _nullable(found)


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    kinds = schema.get("anyOf")
    null = {"type": "null"}
    if not isinstance(kinds, list) or null not in kinds:
        return schema
    rest = [kind for kind in kinds if kind != null]
    others = {key: value for key, value in schema.items() if key != "anyOf"}
    if len(rest) == 1 and "$ref" not in rest[0]:
        return {**others, **rest[0], "nullable": True}
    return {**others, "anyOf": rest, "nullable": True}
