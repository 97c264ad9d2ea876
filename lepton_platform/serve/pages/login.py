"""Log in: the token, kept in a cookie that no script can read."""

from __future__ import annotations

import hmac

from fastapi import APIRouter, Request
from starlette.responses import Response

from lepton_platform.serve.gate import COOKIE, cookie
from lepton_platform.serve.pages.page import Form, go, show
from lepton_platform.serve.settings import Settings


def router(settings: Settings) -> APIRouter:
    """Return the pages."""
    pages = APIRouter()

    @pages.get("/login")
    def ask(request: Request) -> Response:
        return show(request, "login", wrong=False)

    @pages.post("/login")
    def log_in(request: Request, form: Form) -> Response:
        given = str(form.get("token", "")).strip()
        if settings.token is None:
            return go("/")
        if not hmac.compare_digest(given.encode(), settings.token.encode()):
            return show(request, "login", 401, wrong=True)
        answer = go("/")
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, cookie(given), httponly=True, samesite="strict", secure=secure)
        return answer

    @pages.post("/logout")
    def log_out() -> Response:
        answer = go("/login")
        answer.delete_cookie(COOKIE)
        return answer

    return pages
