"""The daily reports in the browser: which there are, and each as the file that was mailed."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import HTMLResponse

from onhand.reports import files
from onhand.web import api, pages
from onhand.web.errors import ApiError
from onhand.web.html import Content, tag

router = APIRouter(include_in_schema=False)

_SECURITY = {
    # Mail programs want the styles on the elements, and so the file has them; nothing else may be in it.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@router.get("/reports")
async def list_reports(request: Request) -> HTMLResponse:
    """The days whose reports are kept."""
    days = files.days(api.settings_of(request).data_dir)
    return reports_page(days, request.app.state.temporal_ui)


@router.get("/reports/{day}")
async def show_report(request: Request, day: Annotated[str, Path(max_length=10)]) -> HTMLResponse:
    """One report, as it was made."""
    text = _read(request, day)
    if text is None:
        raise ApiError(
            404,
            "unknown_report",
            f"there is no report of {day!r}",
            "onhand report --send --day DAY makes one.",
        )
    return HTMLResponse(text, headers=_SECURITY)


def _read(request: Request, day: str) -> str | None:
    try:
        return files.read(api.settings_of(request).data_dir, date.fromisoformat(day))
    except ValueError:
        return None


def reports_page(days: Sequence[date], temporal_ui: str) -> HTMLResponse:
    """The list."""
    empty = tag("p", "None yet: one is made every morning, and by onhand report --send.", class_="soft")
    listed: Content = [
        tag("li", tag("a", f"{day:%A, %-d %B %Y}", href=f"/reports/{day.isoformat()}")) for day in days
    ]
    return pages.page(
        "Reports",
        tag("h1", "Daily reports"),
        tag("ul", listed, class_="days") if days else empty,
        temporal_ui=temporal_ui,
    )
