"""Soak: a server's memory under thousands of good and bad requests, and what it answers to them.

A server of the made-up application of ``serving.py`` is sent bad requests (torn, nested, huge, mistyped,
binary bodies; wrong types, paths and headers; seeded), and good ones. What is measured: the resident
memory after a warm-up and at the end, and how often each status came. Bars: no status of 500 or more, no
connection cut, memory at the end at most 1.1 times that after the warm-up.

    .venv/bin/python benchmarks/speed/soak.py
    .venv/bin/python benchmarks/speed/soak.py --bad 1000 --good 2000
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import serving

WARM_UP = 0.2
"""Share of the requests before memory is first read."""
MOST_GROWTH = 1.1
PATHS = (
    "/v1/%2e%2e/decide",
    "/v1/nobody/decide",
    "/v1//decide",
    "/nowhere",
    "/v1/" + "x" * 2_000 + "/schema",
)
TYPES = (
    "application/json",
    "text/csv",
    "application/vnd.apache.parquet",
    "text/plain",
    "",
    "application/json; x",
)


def spoiled(case: dict[str, Any], rng: random.Random) -> bytes:
    """Return a body that is no good, in one of many ways."""
    name = rng.choice(list(case))
    value = rng.choice(["x", [], {}, True, 10**400, "\x00", {"a": [None] * 50}, -1e308 * 10])
    changed = {**case, name: value}
    without = {key: one for key, one in case.items() if key != name}
    text = json.dumps(case)
    ways: list[Any] = [
        lambda: json.dumps(changed),
        lambda: json.dumps(without),
        lambda: json.dumps({**case, "x" * rng.randrange(200): 1}),
        lambda: json.dumps([case, rng.choice([7, None, "x", []])]),
        lambda: text[: rng.randrange(len(text))],
        lambda: "[" * rng.randrange(10, 50_000),
        lambda: text.replace(":", rng.choice(["", "::", ": NaN,"]), 1),
        lambda: "[]",
    ]
    if rng.random() < 0.2:
        return rng.randbytes(rng.randrange(2_000))
    return str(rng.choice(ways)()).encode()


def send(server: serving.Server, path: str, body: bytes, content_type: str, method: str = "POST") -> int:
    """Send one request on a connection of its own; return its status, 0 if the connection was cut."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request(method, path, body, {"content-type": content_type})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (http.client.HTTPException, OSError):
        return 0
    finally:
        connection.close()


def soak(server: serving.Server, case: dict[str, Any], bad: int, good: int) -> tuple[Counter[int], float]:
    """Send all requests, mixed; return the statuses and by how much memory has grown."""
    rng = random.Random(0)
    statuses: Counter[int] = Counter()
    decide, content = f"/v1/{serving.APPLICATION}/decide", json.dumps(case).encode()
    kinds = [False] * bad + [True] * good
    rng.shuffle(kinds)
    early = 0
    for number, is_good in enumerate(kinds):
        if number == int(WARM_UP * len(kinds)):
            early = server.process.memory_info().rss
        if is_good:
            statuses[send(server, decide, content, "application/json")] += 1
            continue
        path = rng.choice(PATHS) if rng.random() < 0.1 else decide
        method = rng.choice(["PUT", "DELETE", "GET"]) if rng.random() < 0.05 else "POST"
        content_type = rng.choice(TYPES) if rng.random() < 0.3 else "application/json"
        statuses[send(server, path, spoiled(case, rng), content_type, method)] += 1
    return statuses, server.process.memory_info().rss / early


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bad", type=int, default=10_000, help="requests that are no good (%(default)s)")
    parser.add_argument("--good", type=int, default=20_000, help="good ones (%(default)s)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="lepton-soak-") as name:
        folder = Path(name)
        serving.install_plugin(folder / "plugins")
        environment = {**os.environ, "PYTHONPATH": str(folder / "plugins"), "OMP_NUM_THREADS": "1"}
        serving.train(folder, environment)
        with serving.serving(serving.OURS, folder, environment, sys.executable) as server:
            assert server is not None
            case = json.loads((folder / "case.json").read_text())
            statuses, growth = soak(server, case, options.bad, options.good)
    for status, count in sorted(statuses.items()):
        print(f"  {status or 'cut'}  {count:>8,}")
    faults = sum(count for status, count in statuses.items() if status >= 500 or status == 0)
    print(f"  {'met' if not faults else 'MISSED'}: {faults} answers of 500 and more, or cut; at most 0")
    met = "met" if growth <= MOST_GROWTH else "MISSED"
    print(f"  {met}: memory at the end {growth:.3f} times that after the warm-up, at most {MOST_GROWTH}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
