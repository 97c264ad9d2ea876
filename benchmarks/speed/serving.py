"""Serving: ``lepton serve`` beside other servers on the same LightGBM model with 20 features.

A made-up application without a rule of its own is trained by ``lepton run`` with boosted trees alone. Its
booster goes to FastAPI (pydantic and numpy), MLflow's scoring server, BentoML and LitServe, each one
process. A client of ours on the same machine keeps connections open and asks for one case at a time:
1 connection for the time of an answer, 16 for the throughput, all servers in turn, several rounds. Ours
does more: it checks the case against the schema, calibrates, gives limits, counts drift, logs the decision.
Bars: at least twice the throughput of the best peer, at a lower median time.

    .venv/bin/python benchmarks/speed/serving.py
    .venv/bin/python benchmarks/speed/serving.py --peers fastapi --seconds 2 --rounds 2
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import pandas as pd
import psutil
from sklearn.datasets import make_classification

from lepton_platform.run import reopen
from lepton_platform.store import last_good_run

APPLICATION = "made-up.plain"
OURS = "lepton"
PEERS = ("fastapi", "mlflow", "bentoml", "litserve")
CONNECTIONS = 16
START = 90.0
"""Seconds that a server may take to come up."""
PLUGIN = """
from lepton_platform import Application
application = Application("Tell two made-up classes apart", task="binary", target="left")
"""


class Server(NamedTuple):
    """Where a server listens and what it is sent for one case."""

    name: str
    port: int
    request: bytes
    process: psutil.Process

    def cpu(self) -> float:
        """Return the CPU seconds that its processes have spent."""
        family = [self.process, *self.process.children(recursive=True)]
        return sum(sum(one.cpu_times()[:2]) for one in family)


class Measured(NamedTuple):
    """What came of asking: with many connections, and with one."""

    throughput: float
    """Answers a second, with many."""
    per_cpu: float
    """Answers per CPU second of the server, with many: steadier where other work disturbs."""
    p50: float
    """Median time of an answer, ms, with one."""


# -------------------------------------------------------------------------------------- the model


def install_plugin(folder: Path) -> None:
    """Put a distribution with one application without hooks where Python finds it."""
    described = folder / "lepton_plain-1.0.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: lepton-plain\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(f"[lepton.applications]\n{APPLICATION} = lepton_plain\n")
    (folder / "lepton_plain.py").write_text(PLUGIN)


def train(folder: Path, environment: dict[str, str]) -> None:
    """Make a run with boosted trees alone, and give its booster to the peers."""
    X, y = make_classification(4_000, 20, n_informative=8, weights=[0.75], flip_y=0.05, random_state=0)
    table = pd.DataFrame(X.round(4), columns=[f"x{number}" for number in range(20)])
    table.assign(left=y).to_csv(folder / "cases.csv", index=False)
    command = ["run", APPLICATION, "--data", "cases.csv", "--models", "boosting", "--out", "runs"]
    lepton(command, folder, environment)
    sys.path.insert(0, str(folder / "plugins"))
    run = reopen(last_good_run(folder / "runs", APPLICATION))
    (member,) = run.model.fitted_
    member[-1].booster_.save_model(folder / "model.txt")
    columns = list(member[0].get_feature_names_out())
    (folder / "columns.json").write_text(json.dumps(columns))
    (folder / "case.json").write_text(table.iloc[[0]].to_json(orient="records")[1:-1])


def lepton(command: Sequence[str], folder: Path, environment: dict[str, str]) -> None:
    """Carry out one command of ours."""
    subprocess.run(
        [sys.executable, "-m", "lepton_platform", *command], cwd=folder, env=environment, check=True
    )


# ------------------------------------------------------------------------------------- the servers


@contextmanager
def serving(
    name: str, folder: Path, environment: dict[str, str], peers_python: str
) -> Iterator[Server | None]:
    """Run a server; give nothing if it does not come up, and say why."""
    port = free_port()
    if name == OURS:
        command = [sys.executable, "-m", "lepton_platform", "serve", APPLICATION, "--port", str(port)]
    else:
        command = [
            peers_python,
            str(Path(__file__).with_name("serving_peers.py")),
            name,
            str(port),
            str(folder),
        ]
        environment = {**environment, "PATH": f"{Path(peers_python).parent}:{environment['PATH']}"}
    with (folder / f"{name}.log").open("w+") as log:
        child = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        server = Server(name, port, request_of(name, port, folder), psutil.Process(child.pid))
        try:
            if is_up(server, child):
                yield server
            else:
                log.seek(0)
                print(f"{name} did not come up: {log.read()[-600:]}", file=sys.stderr)
                yield None
        finally:
            with suppress(ProcessLookupError):  # it did not come up
                os.killpg(child.pid, signal.SIGTERM)
            child.wait()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def request_of(name: str, port: int, folder: Path) -> bytes:
    """Return the bytes of a request for one case, as the server wants it."""
    case = json.loads((folder / "case.json").read_text())
    columns = json.loads((folder / "columns.json").read_text())
    if name == OURS:
        path, body = f"/v1/{APPLICATION}/decide", case
    elif name == "mlflow":
        path, body = "/invocations", {"inputs": [[case[column] for column in columns]]}
    elif name == "bentoml":
        path, body = "/decide", {"case": case}
    else:
        path, body = "/decide", case
    content = json.dumps(body)
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n{content}".encode()


def is_up(server: Server, child: subprocess.Popen[bytes]) -> bool:
    """Wait until the server answers the request with 200."""
    end = time.monotonic() + START
    while time.monotonic() < end and child.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
                connection.sendall(server.request)
                if connection.recv(100).startswith(b"HTTP/1.1 200"):
                    return True
        except OSError:
            pass
        time.sleep(0.3)
    return False


# -------------------------------------------------------------------------------------- the client


class Connection(asyncio.Protocol):
    """Sends the same request again as soon as it is answered, and notes the times."""

    def __init__(self, request: bytes, until: float) -> None:
        self._request, self._until = request, until
        self._received = b""
        self.times: list[float] = []
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._begun = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < length_of(head):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"not answered: {head[:200]!r} {body[:500]!r}")
        now = time.perf_counter()
        self.times.append(now - self._begun)
        self._received = b""
        if now < self._until:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


def length_of(head: bytes) -> int:
    """Return the length of the body that a head announces."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise SystemExit(f"an answer without its length: {head!r}")


async def ask(server: Server, connections: int, seconds: float) -> list[float]:
    """Return the times of all answers, in s."""
    loop = asyncio.get_running_loop()
    until = time.perf_counter() + seconds
    made = [
        (await loop.create_connection(lambda: Connection(server.request, until), "127.0.0.1", server.port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(one.ended for one in made))
    return [time for one in made for time in one.times]


def measure(server: Server, seconds: float) -> Measured:
    """Ask with one connection, then with many."""
    alone = asyncio.run(ask(server, 1, seconds))
    spent = server.cpu()
    together = asyncio.run(ask(server, CONNECTIONS, seconds))
    spent = server.cpu() - spent
    return Measured(len(together) / seconds, len(together) / spent, 1_000 * median(alone))


# ------------------------------------------------------------------------------------- the table


def report(rounds: list[dict[str, Measured]]) -> None:
    """Print medians over the rounds, and the bars."""
    names = list(rounds[0])
    middle = {name: Measured(*np.median([one[name] for one in rounds], axis=0)) for name in names}
    print(f"\n  {'':<12}{'answers/s':>12}{'per CPU s':>12}{'p50, ms':>12}   median of {len(rounds)} rounds")
    for name, one in sorted(middle.items(), key=lambda item: -item[1].throughput):
        print(f"  {name:<12}{one.throughput:>12.0f}{one.per_cpu:>12.0f}{one.p50:>12.2f}")
    peers = [name for name in names if name != OURS]
    if not peers:
        return
    ratios = [one[OURS].throughput / max(one[name].throughput for name in peers) for one in rounds]
    per_cpu = [one[OURS].per_cpu / max(one[name].per_cpu for name in peers) for one in rounds]
    faster = [min(one[name].p50 for name in peers) / one[OURS].p50 for one in rounds]
    told = (("throughput", ratios, 2.0), ("answers per CPU s", per_cpu, 2.0), ("median time", faster, 1.0))
    for what, values, bar in told:
        verdict = "met" if median(values) >= bar else "MISSED"
        spread = f"{min(values):.2f} to {max(values):.2f}"
        print(f"  {verdict:<8} {what}: {median(values):.2f} times the best peer ({spread}), at least {bar:g}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", default=",".join(PEERS), help="of %(default)s")
    parser.add_argument("--python", default=sys.executable, help="a Python that has the peers (this one)")
    parser.add_argument("--seconds", type=float, default=4, help="of each measurement (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="lepton-serving-") as name, ExitStack() as stack:
        folder = Path(name)
        install_plugin(folder / "plugins")
        environment = {**os.environ, "PYTHONPATH": str(folder / "plugins"), "OMP_NUM_THREADS": "1"}
        train(folder, environment)
        wanted = [OURS, *(peer for peer in options.peers.split(",") if peer)]
        servers = [stack.enter_context(serving(one, folder, environment, options.python)) for one in wanted]
        up = [server for server in servers if server is not None]
        rounds = [
            {server.name: measure(server, options.seconds) for server in up} for _ in range(options.rounds)
        ]
        report(rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
