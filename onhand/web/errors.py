"""Errors in one shape: {"error": {"code", "message", "advice"}}, and the same words as a page for people."""

from collections.abc import Awaitable, Callable

import psycopg
import psycopg_pool
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from onhand.web.backends import NotReadyError
from onhand.web.bodies import BodyTooLargeError, BodyTooSlowError, SenderGoneError
from onhand.web.pages import error_page


class ErrorDetail(BaseModel):
    """What went wrong, for a program and for a person."""

    code: str = Field(description="For programs; it never changes.", examples=["unknown_run"])
    message: str = Field(description="What happened.", examples=["there is no run 'sync-run-1'"])
    advice: str = Field(
        description="What to do about it; empty where there is nothing.",
        examples=["GET /api/runs lists the runs there are"],
    )


class ErrorAnswer(BaseModel):
    """The one shape of every error."""

    error: ErrorDetail


class ApiError(Exception):
    """A request cannot be answered as asked."""

    def __init__(self, status: int, code: str, message: str, advice: str = "") -> None:
        self.status = status
        self.detail = ErrorDetail(code=code, message=message, advice=advice)
        super().__init__(message)


Handler = Callable[[Request, Exception], Awaitable[Response]]


def install(app: FastAPI) -> None:
    """Make every error of the app take the one shape."""
    for kind in (
        ApiError,
        HTTPException,
        RequestValidationError,
        NotReadyError,
        BodyTooLargeError,
        BodyTooSlowError,
        SenderGoneError,
        psycopg_pool.PoolTimeout,
        psycopg.OperationalError,
        psycopg.DataError,
        Exception,
    ):
        app.add_exception_handler(kind, _answer)


async def _answer(request: Request, error: Exception) -> Response:
    return answer(request, error)


def answer(request: Request, error: Exception) -> Response:
    """An error in the one shape, or as a page where a person asked."""
    said = _said(error)
    headers = {"Retry-After": "5"} if said.status == 503 else {}
    if isinstance(error, HTTPException):
        headers.update(error.headers or {})
    if for_a_person(request):
        page = error_page(said.status, said.detail.message, said.detail.advice, request.app.state.temporal_ui)
        page.headers.update(headers)
        return page
    body = ErrorAnswer(error=said.detail).model_dump()
    return JSONResponse(body, said.status, headers)


def for_a_person(request: Request) -> bool:
    """Whether a browser asked for a page."""
    machine_paths = ("/api/", "/events", "/webhooks/", "/healthz", "/readyz", "/openapi.json")
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(machine_paths)


def _said(error: Exception) -> ApiError:
    match error:
        case ApiError():
            return error
        case HTTPException(status_code=404):
            return ApiError(
                404, "not_found", "there is nothing at this address", "See /docs for what there is."
            )
        case HTTPException(status_code=405):
            return ApiError(405, "method_not_allowed", "this address takes no such request", "See /docs.")
        case HTTPException():
            return ApiError(error.status_code, "refused", str(error.detail))
        case RequestValidationError():
            return ApiError(422, "wrong_parameter", _parameters(error), "See /docs for what is accepted.")
        case psycopg.DataError():
            return ApiError(
                422, "wrong_parameter", "a parameter holds what no text can", "Check its characters."
            )
        case BodyTooLargeError():
            return ApiError(413, "too_large", "the body is too large", "Send less at once.")
        case BodyTooSlowError() | SenderGoneError():
            return ApiError(408, "too_slow", "the body did not come in time", "Send it again.")
        case NotReadyError():
            return ApiError(503, "not_ready", str(error), "Try again soon; /readyz says what is missing.")
        case psycopg_pool.PoolTimeout() | psycopg.OperationalError():
            return ApiError(503, "ledger_unreachable", "the ledger does not answer", "/readyz says more.")
        case _:
            # Starlette raises it again behind this answer, and the server logs it whole.
            return ApiError(500, "internal", "this should not have happened", "The log of the app says more.")


def _parameters(error: RequestValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in fault['loc'][1:])}: {fault['msg'].removeprefix('Input should be ')}"
        for fault in error.errors()
    )
