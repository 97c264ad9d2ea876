"""What every request passes first: whose it is, where it comes from, how large and how slow it may be."""

from __future__ import annotations

import asyncio
import hmac
import sys
import traceback
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from lepton_platform.errors import LeptonError
from lepton_platform.serve.problem import LATE, TOO_LARGE, Problem, problem_of
from lepton_platform.serve.settings import MEGABYTE, Settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "lepton-token"
OPEN = frozenset({"/health", "/login"})
"""What is answered without a token: whether the server lives, and the form that asks for one."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = (
    b"content-security-policy",
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    b"form-action 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'self'",
)
HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # without any, a form of ours would come from "null"
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


class Gate:
    """An ASGI application around another."""

    def __init__(
        self, inner: Application, settings: Settings, tell: Callable[[Request, Problem], Response]
    ) -> None:
        self._inner = inner
        self._settings = settings
        self._tell = tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        answered = _Answered(send)
        scope["lepton_request"] = request = uuid.uuid4().hex[:16]
        try:
            if (refusal := self._refuse(scope, headers)) is not None:
                await refusal(scope, receive, answered)
                return
            await self._inner(scope, self._limited(headers, receive), answered)
        except Problem as problem:
            await answered.instead(self._tell(Request(scope), problem), scope, receive)
        except LeptonError as error:
            await answered.instead(self._tell(Request(scope), problem_of(error)), scope, receive)
        except Exception:
            print(f"request {request} {scope['method']} {scope['path']}", file=sys.stderr)
            traceback.print_exc()
            told = Problem(500, "bug", f"the server failed; its log tells more under request {request}")
            await answered.instead(self._tell(Request(scope), told), scope, receive)

    def _refuse(self, scope: Scope, headers: dict[bytes, str]) -> Response | None:
        host = headers.get(b"host", "")
        if self._settings.is_local and _name(host) not in self._settings.names:
            return Problem(400, "unknown_host", f"this server is not called {host[:80]!r}").response()
        if scope["method"] not in SAFE and _is_foreign(host, headers):
            return Problem(403, "foreign_page", "a page of another site sent this request").response()
        if not self._is_known(scope["path"], headers):
            if scope["method"] == "GET" and "text/html" in headers.get(b"accept", ""):
                return RedirectResponse("/login", 303)
            told = "send the server's token as: Authorization: Bearer TOKEN"
            return Problem(401, "no_token", told, headers={"www-authenticate": "Bearer"}).response()
        return None

    def _is_known(self, path: str, headers: dict[bytes, str]) -> bool:
        token = self._settings.token
        if token is None or path in OPEN or path.startswith("/static/"):
            return True
        scheme, _, given = headers.get(b"authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return hmac.compare_digest(_cookie(headers.get(b"cookie", "")).encode(), cookie(token).encode())
        return hmac.compare_digest(given.strip().encode(), token.encode())

    def _limited(self, headers: dict[bytes, str], receive: Receive) -> Receive:
        """Return ``receive`` that gives up on a body that is too large or too slow."""
        is_json = "json" in headers.get(b"content-type", "json")
        most = self._settings.most_json if is_json else self._settings.most_upload
        told = f"a body of this kind may have {most / MEGABYTE:g} MB"
        too_large = Problem(TOO_LARGE, "too_large", f"{told}; send fewer cases, or send them as a file")
        if (declared := headers.get(b"content-length", "0")).isdigit() and int(declared) > most:
            raise too_large
        received = 0
        deadline = asyncio.get_running_loop().time() + self._settings.seconds

        async def limited() -> Message:
            nonlocal received
            try:
                async with asyncio.timeout_at(deadline if received >= 0 else None):
                    message = await receive()
            except TimeoutError:
                late = f"the body did not come within {self._settings.seconds:g} s"
                raise Problem(408, "too_slow", late) from None
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > most:
                    raise too_large
                if not message.get("more_body", False):
                    received = -1  # from now on it waits for the client to leave
            return message

        return limited


class _Answered:
    """Adds the headers of every answer, and knows how far it has come."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun = self._ended = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            self._ended = not message.get("more_body", False)
        if message["type"] == "http.response.start":
            self._begun = True
            headers = message.setdefault("headers", [])
            headers += HEADERS
            if not any(name == b"content-security-policy" for name, _ in headers):
                headers.append(POLICY)
        await self._send(message)

    async def instead(self, answer: Response, scope: Scope, receive: Receive) -> None:
        """Send another answer; if one has begun, it can only be cut off."""
        if not self._begun:
            await answer(scope, receive, self)
        elif not self._ended:
            raise ConnectionAbortedError("the answer had begun when it failed")


def _name(host: str) -> str:
    """Return a Host header without its port.

    >>> _name("localhost:8000"), _name("[::1]:8000"), _name("127.0.0.1")
    ('localhost', '[::1]', '127.0.0.1')
    """
    return host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]


def _is_foreign(host: str, headers: dict[bytes, str]) -> bool:
    """Whether a browser says that another site's page sends this; programs send neither header."""
    if headers.get(b"sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = headers.get(b"origin")
    return origin is not None and urlsplit(origin).netloc != host


def cookie(token: str) -> str:
    """Return what a browser keeps in place of the token: letters that any cookie may hold."""
    return hmac.new(token.encode(), COOKIE.encode(), "sha256").hexdigest()


def _cookie(header: str) -> str:
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return ""


async def within(seconds: float, work: Awaitable[Any]) -> Any:
    """Return what ``work`` gives, or raise the problem that it took too long."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        raise Problem(LATE, "too_slow", f"no decision within {seconds:g} s; send fewer cases") from None
