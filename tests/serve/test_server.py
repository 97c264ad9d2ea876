"""``lepton serve`` as a process: start, load, kill, restart, two on one folder."""

import json
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

CREDIT = "finance.credit-risk"


class Server:
    """A server in a process of its own."""

    def __init__(self, root, *options):
        command = [
            sys.executable,
            "-m",
            "lepton_platform",
            "serve",
            CREDIT,
            "--port",
            "0",
            "--runs",
            str(root),
        ]
        self.process = subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        found = re.search(r"http://\S+", line)
        assert found, line
        self.url = found[0]

    def ask(self, path, body=None, method=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data, {"content-type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def decide(self, case):
        return self.ask(f"/v1/{CREDIT}/decide", case)

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(60)
        self.process.stderr.close()
        return code


@pytest.fixture
def server_on():
    started = []

    def server_on(root, *options):
        started.append(Server(root, *options))
        return started[-1]

    yield server_on
    for server in started:
        if server.process.poll() is None:
            server.stop(signal.SIGKILL)


def load(server, case, answers, stop):
    """Ask until told to stop; note each answer, or the error of a connection that broke."""
    while not stop.is_set():
        try:
            answers.append(server.decide(case)["decisions"][0]["probability"])
        except OSError as error:
            answers.append(error)


def test_kill_9_under_load_loses_no_promotion_and_leaves_no_torn_file(root, runs, case, server_on):
    server = server_on(root)
    server.ask(f"/v1/{CREDIT}/promote", {"run": runs[0]})
    expected = server.decide(case)["decisions"][0]["probability"]
    answers, stop = [], threading.Event()
    clients = [threading.Thread(target=load, args=(server, case, answers, stop)) for _ in range(3)]
    for client in clients:
        client.start()
    while len(answers) < 20:
        pass
    server.stop(signal.SIGKILL)
    stop.set()
    for client in clients:
        client.join()
    assert {answer for answer in answers if isinstance(answer, float)} == {expected}
    again = server_on(root)
    assert again.decide(case)["run"] == runs[0]
    for line in (root / CREDIT / "audit.jsonl").read_text().splitlines():
        json.loads(line)
    assert not list(root.rglob("*.tmp"))


def test_a_request_in_flight_is_answered_before_the_server_ends(root, case, server_on):
    server = server_on(root)
    server.decide(case)
    answers = []
    many = threading.Thread(
        target=lambda: answers.append(server.ask(f"/v1/{CREDIT}/decide", [case] * 20_000))
    )
    many.start()
    while not (Path(f"/proc/{server.process.pid}").exists() and many.is_alive()):
        pass
    threading.Event().wait(0.3)
    server.stop(signal.SIGTERM)
    many.join()
    assert len(answers) == 1 and len(answers[0]["decisions"]) == 20_000


def test_two_servers_on_one_folder_do_not_disturb_each_other(root, runs, case, server_on):
    one, two = server_on(root), server_on(root)
    one.ask(f"/v1/{CREDIT}/promote", {"run": runs[0]})
    two.ask(f"/v1/{CREDIT}/promote", {"run": runs[1]})
    assert (one.decide(case)["run"], two.decide(case)["run"]) == (runs[0], runs[1])
    assert two.ask(f"/v1/{CREDIT}/rollback", method="POST") == {"run": runs[0]}
    assert len((root / CREDIT / "audit.jsonl").read_text().splitlines()) == 2


def test_a_port_that_is_taken_is_told(root, server_on, lepton):
    taken = server_on(root).url.rpartition(":")[2]
    answer = lepton("serve", CREDIT, "--runs", root, "--port", taken)
    assert answer.code == 2 and f"cannot listen on 127.0.0.1:{taken}" in answer.err


def test_an_address_that_others_reach_needs_a_token(root, lepton):
    answer = lepton("serve", "--runs", root, "--host", "0.0.0.0")
    assert answer.code == 2 and "--token-file" in answer.err


def test_an_application_that_is_not_installed_is_answered_with_the_nearest(root, lepton):
    answer = lepton("serve", "finance.credit-rsk", "--runs", root)
    assert answer.code == 2 and "Did you mean 'finance.credit-risk'?" in answer.err
