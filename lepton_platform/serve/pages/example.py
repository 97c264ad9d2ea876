"""How a program asks for a decision: commands and code that work when they are pasted."""

from __future__ import annotations

import json
import shlex
from typing import Any, NamedTuple

from lepton_platform.serve.openapi import case_schema
from lepton_platform.serve.service import Served


class Example(NamedTuple):
    """A text to paste, and where."""

    title: str
    text: str


def examples(served: Served, base: str, token: bool) -> list[Example]:
    """Return how to decide the typical case, or a file where cases are no rows, at the address ``base``.

    Parameters
    ----------
    token : bool
        Whether the server asks for one: it is then taken from the variable ``LEPTON_TOKEN``.
    """
    address = f"{base}/v1/{served.run.application_id}/decide"
    with_file = Example("curl, a file", _curl(address, "text/csv", "@cases.csv", token))
    if not served.takes_cases:
        return [with_file]
    case = case_schema(served)["examples"][0]
    data = shlex.quote(json.dumps(case, ensure_ascii=False))
    return [
        Example("curl", _curl(address, "application/json", data, token)),
        Example("Python", _python(address, case, token)),
        with_file,
    ]


def _curl(address: str, kind: str, data: str, token: bool) -> str:
    authorization = ['-H "Authorization: Bearer $LEPTON_TOKEN"'] if token else []
    parts = [
        f"curl -sS {shlex.quote(address)}",
        *authorization,
        f"-H 'Content-Type: {kind}'",
        f"--data-binary {data}",
    ]
    return " \\\n  ".join(parts)


def _python(address: str, case: dict[str, Any], token: bool) -> str:
    imports = [
        "import json",
        *(["import os"] if token else []),
        "from urllib.request import Request, urlopen",
    ]
    fields = [f"    {_literal(name)}: {_literal(value)}," for name, value in case.items()]
    bearer = ['    "Authorization": f"Bearer {os.environ[\'LEPTON_TOKEN\']}",'] if token else []
    lines = [
        *imports,
        "",
        "case = {",
        *fields,
        "}",
        "headers = {",
        '    "Content-Type": "application/json",',
        *bearer,
        "}",
        f"request = Request({_literal(address)}, json.dumps(case).encode(), headers)",
        "answer = json.load(urlopen(request))",
        'print(answer["decisions"][0])',
    ]
    return "\n".join(lines)


def _literal(value: Any) -> str:
    """Write a value in Python, text in double quotes."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
