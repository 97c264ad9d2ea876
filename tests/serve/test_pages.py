"""The pages as a browser without scripts meets them."""

import html
import io
import json
import re
import subprocess
import sys
import threading
import time

import pandas as pd
import pytest
import uvicorn

from lepton_platform import history, store
from lepton_platform.cli import main
from lepton_platform.serve.app import create
from lepton_platform.serve.settings import Settings

CREDIT = "finance.credit-risk"
APP = f"/apps/{CREDIT}"
PAGE = {"accept": "text/html"}
TOKEN = "correct-horse-battery"
DECIDED = r'class="decision">(\w+)<'


def text_of(answer):
    """Return a page's text as it is read: without tags, with single spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


@pytest.fixture
def page(client):
    """Return what opens a page as a browser does."""

    def page(url, **asked):
        send = client.post if asked else client.get
        return send(url, headers=PAGE, **asked)

    return page


@pytest.fixture
def filled(case):
    """The form of a case, filled in."""
    return {f"case.{name}": str(value) for name, value in case.items()}


def ended(page, run, seconds=90):
    """Return a run's page once it is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = page(f"/runs/{run}")
        if "hx-trigger" not in answer.text:
            return answer
        time.sleep(0.2)
    raise AssertionError(f"{run} is still under way: {text_of(answer)}")


# ------------------------------------------------------------------------------------ catalogue


def test_the_catalogue_shows_each_application_and_what_is_served(page, runs):
    told = text_of(page("/"))
    assert "finance.credit-risk" in told and "Score loan applications and explain each decision" in told
    assert f"Serves {runs[-1]}" in told and "✓ done" in told


def test_a_plugin_that_cannot_be_loaded_is_shown_with_the_remedy(page, installed):
    installed("lepton-torn", {"lepton_torn.py": "import no_such_thing"}, {"torn.job": "lepton_torn"})
    told = text_of(page("/"))
    assert "torn.job of lepton-torn 1.0: No module named 'no_such_thing'" in told
    assert "Remedy: Install it: pip install" in told


def test_pages_have_no_script_or_style_of_their_own(page, runs):
    urls = ["/", APP, f"{APP}/start", f"{APP}/decide", "/runs", f"/runs/{runs[0]}", "/watch", "/doctor"]
    for url in urls:
        answer = page(url)
        assert answer.status_code == 200, url
        assert not re.search(r"<style|style=|<script(?! src)|\son\w+=|javascript:", answer.text), url
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"


def test_an_application_whose_model_cannot_be_loaded_still_has_its_page(page, root, runs):
    model = next((root / CREDIT / runs[-1] / "model").glob("model*"))
    model.write_bytes(b"torn")
    told = text_of(page(APP))
    assert "Start a run" in told and runs[0] in told
    assert "is not the one that the run saved" in told and str(root) not in told


@pytest.fixture
def address(root):
    """A server on a port of this machine, with a token."""
    server = uvicorn.Server(
        uvicorn.Config(create(Settings(root, (CREDIT,), token=TOKEN)), port=0, log_level="warning")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def test_the_examples_work_when_pasted(address, tmp_path, loans):
    loans(3, 5).drop(columns="default").to_csv(tmp_path / "cases.csv", index=False)
    bearer = f"Authorization: Bearer {TOKEN}"
    asked = ["curl", "-sS", "-H", bearer, f"{address}{APP}"]
    shown = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    curl, python, file = (
        html.unescape(one) for one in re.findall(r"<pre[^>]*><code>(.*?)</code>", shown, re.S)
    )
    given = {"cwd": tmp_path, "env": {"LEPTON_TOKEN": TOKEN, "PATH": "/usr/bin:/bin"}, "text": True}
    (by_curl,) = json.loads(subprocess.check_output(curl, shell=True, **given))["decisions"]
    by_python = subprocess.check_output([sys.executable, "-c", python], **given)
    assert repr(by_curl["probability"]) in by_python and by_curl["decision"] in by_python
    assert len(json.loads(subprocess.check_output(file, shell=True, **given))["decisions"]) == 3


# --------------------------------------------------------------------------------- starting runs


def test_the_form_of_a_run_shows_what_each_option_is_and_may_be(page):
    answer = page(f"{APP}/start")
    field = re.search(r'<input[^>]*name="folds"[^>]*>', answer.text)[0]
    assert 'type="number"' in field and 'value="5"' in field and 'min="2"' in field and 'max="20"' in field
    assert "parts of the cross-validation; at least 2 and at most 20" in text_of(answer)
    assert "loss from one loan that defaults; above 0" in text_of(answer)


def test_a_run_on_a_file_that_was_sent_is_carried_out_once_the_form_is_right(page, loans, root):
    sent = {"run.file": ("../../mine.csv", loans(200, 2).to_csv(index=False))}
    asked = {"target": "defalt", "run.models": "logistic", "folds": "3"}
    refused = page(f"{APP}/start", data=asked, files=sent)
    assert refused.status_code == 422
    told = text_of(refused)
    assert "the file cannot be used: column 'defalt' is missing" in told and "Did you mean 'default'?" in told
    assert str(root) not in refused.text
    assert 'name="target" value="defalt"' in refused.text
    kept = re.search(r'name="run.upload" value="([^"]+)"', refused.text)[1]
    assert [path.name for path in (root / "uploads").iterdir()] == [kept]

    again = {**asked, "target": "default", "run.upload": kept}
    answer = page(f"{APP}/start", data=again, follow_redirects=False)
    assert answer.status_code == 303
    run = answer.headers["location"].removeprefix("/runs/")
    done = ended(page, run)
    assert "✓ done" in text_of(done) and "What it measured" in text_of(done)
    record = store.find_run(root, run).read_record()
    assert (record["config"]["folds"], record["options"]["models"]) == (3, ["logistic"])
    assert page(APP).text.count(run) > 0


def test_a_run_is_cancelled_resumed_and_cancelled_again(page, loans, root):
    sent = {"run.file": ("loans.csv", loans(2_000, 2).to_csv(index=False))}
    answer = page(f"{APP}/start", data={"target": "default"}, files=sent, follow_redirects=False)
    run = answer.headers["location"].removeprefix("/runs/")
    for again in (True, False):
        assert "Cancel the run" in text_of(page(f"/runs/{run}"))
        told = text_of(page(f"/runs/{run}/cancel", data={"sure": "yes"}))
        assert "interrupted" in told and "Resume after the last stage that is done" in told
        assert history.status(store.find_run(root, run)) == "interrupted"
        if again:
            assert "… running" in text_of(page(f"/runs/{run}/resume", data={"sure": "yes"}))


@pytest.mark.parametrize("field", ["run.path", "target", "special"])
@pytest.mark.parametrize(
    "value", ["/etc/passwd", "http://169.254.169.254/", "a,../../../../../../../etc/passwd"]
)
def test_a_server_that_others_can_reach_takes_no_paths(root, client_of, field, value):
    client = client_of(Settings(root, (CREDIT,), host="0.0.0.0", token=TOKEN))
    known = {**PAGE, "authorization": f"Bearer {TOKEN}"}
    assert "run.path" not in client.get(f"{APP}/start", headers=known).text
    answer = client.post(f"{APP}/start", data={field: value}, headers=known)
    assert answer.status_code == 422 and "takes no paths" in answer.text


@pytest.mark.parametrize("name", ["loans.exe", "loans", ".csv", "loans.csv/.."])
def test_a_file_that_is_no_table_by_its_name_is_refused(page, root, name):
    answer = page(f"{APP}/start", data={"target": "default"}, files={"run.file": (name, "a\n1\n")})
    assert answer.status_code == 415 and "is no table by its name" in answer.text
    assert not (root / "uploads").exists()


@pytest.mark.parametrize("name", ["../finance.credit-risk/promoted.json", "/etc/passwd", "..", "."])
def test_only_a_file_that_was_sent_can_be_learned_from(page, name):
    answer = page(f"{APP}/start", data={"run.upload": name})
    assert answer.status_code == 404 and "send it again" in answer.text


# -------------------------------------------------------------------------------------------- runs


def test_runs_are_found_by_what_they_are(page, runs):
    assert "2 runs" in text_of(page("/runs"))
    assert "1 run for" in text_of(page(f"/runs?q=credit {runs[0]}"))
    assert "0 runs for “<script>alert(1)</script>”" in text_of(page("/runs?q=<script>alert(1)</script>"))
    assert "<script>alert" not in page("/runs?q=<script>alert(1)</script>").text


def test_the_report_opens_in_a_sandbox(page, runs):
    assert f'<iframe src="/runs/{runs[0]}/report"' in page(f"/runs/{runs[0]}").text
    report = page(f"/runs/{runs[0]}/report")
    assert "Verdict" in report.text
    policy = report.headers["content-security-policy"]
    assert policy.endswith("sandbox") and policy.startswith("default-src 'none'") and "script" not in policy


@pytest.mark.parametrize(
    "url",
    [
        "/runs/none",
        "/runs/..%2f..%2fetc",
        "/runs/%2e%2e",
        "/runs/none/report",
        f"{APP}x",
        "/apps/../runs.json",
    ],
)
def test_what_is_not_there_is_told_on_a_page(page, url):
    answer = page(url)
    assert answer.status_code == 404
    assert "<h1>Not found</h1>" in answer.text and "Traceback" not in answer.text


def test_a_page_that_follows_a_run_which_left_nothing_behind_is_loaded_anew(client):
    answer = client.get("/runs/none", headers={**PAGE, "hx-request": "true"})
    assert (answer.status_code, answer.headers["hx-refresh"]) == (200, "true")


def test_of_a_run_only_the_files_that_are_named_are_given(page, runs):
    assert page(f"/runs/{runs[0]}/files/leaderboard.csv").text.startswith("model,")
    for name in ("run.json", "..%2f..%2fpromoted.json", "model%2fmanifest.json"):
        assert page(f"/runs/{runs[0]}/files/{name}").status_code == 404


def test_two_runs_are_compared_as_on_the_command_line(page, runs, root, lepton):
    told = text_of(page(f"/compare?a={runs[0]}&b={runs[1]}"))
    compared = json.loads(lepton("runs", "compare", *runs, "--out", root, "--json").out)
    for name, values in compared["metrics"].items():
        if name == "auc":
            assert all(f"{value:.3f}" in told for value in values)
    assert compared["differ"]["seed"] == [0, 1] and "seed 0 1" in told


def test_a_run_is_promoted_and_rolled_back(page, runs):
    for run in runs:
        page(f"{APP}/promote", data={"run": run})
        assert f"Run {run} decides" in text_of(page(APP))
    assert f"Roll back to {runs[0]}" in text_of(page(APP))
    page(f"{APP}/rollback", data={"sure": "yes"})
    assert f"Run {runs[0]} decides" in text_of(page(APP))


# ---------------------------------------------------------------------------------------- deciding


def test_a_case_is_decided_as_by_the_api_with_its_reasons(page, client, case, filled):
    answer = page(f"{APP}/decide", data={**filled, "case.debt": "0.95"})
    (decided,) = client.post(f"/v1/{CREDIT}/decide", json={**case, "debt": 0.95}).json()["decisions"]
    assert re.search(DECIDED, answer.text)[1] == decided["decision"]
    told = text_of(answer)
    assert f"Probability {decided['probability']:.3f}" in told
    assert decided["reason_1"] == "debt" and "debt is 0.95" in told


def test_what_if_shows_before_and_after_and_is_neither_logged_nor_counted(page, client, case, filled, root):
    first = page(f"{APP}/decide", data={**filled, "case.debt": "0.95"})
    before = html.unescape(re.search(r'name="before" form="case" value="([^"]*)"', first.text)[1])
    answer = page(f"{APP}/what-if", data={**filled, "case.debt": "0.05", "before": before})
    told = text_of(answer)
    assert "debt were 0.05 instead of 0.95" in told and "As it is" in told
    assert len((root / CREDIT / "audit.jsonl").read_text().splitlines()) == 1
    assert client.get(f"/v1/{CREDIT}/drift").json()["cases"] == 1
    both = [{**case, "debt": debt} for debt in (0.95, 0.05)]
    decided = client.post(f"/v1/{CREDIT}/decide", json=both).json()["decisions"]
    assert re.findall(DECIDED, answer.text) == [one["decision"] for one in decided]
    assert all(f"Probability {one['probability']:.3f}" in told for one in decided)


@pytest.mark.parametrize("before", ["", "{", "[]", '{"debt": {}}', "[" * 100_000])
def test_a_what_if_without_a_case_before_it_is_just_decided(page, filled, before):
    answer = page(f"{APP}/what-if", data={**filled, "before": before})
    assert answer.status_code == 200 and len(re.findall(DECIDED, answer.text)) == 1


def test_an_empty_field_is_a_value_that_is_not_known(page, client, case, filled):
    answer = page(f"{APP}/decide", data={**filled, "case.months": ""})
    (decided,) = client.post(f"/v1/{CREDIT}/decide", json={**case, "months": None}).json()["decisions"]
    assert f"Probability {decided['probability']:.3f}" in text_of(answer)


@pytest.mark.parametrize("wrong", ["many", "nan", "1e999", "<b>"])
def test_a_field_that_is_no_number_is_told_and_the_form_stays_as_it_was(page, filled, wrong):
    answer = page(f"{APP}/decide", data={**filled, "case.debt": wrong})
    assert answer.status_code == 422 and "debt" in text_of(answer)
    assert f'value="{html.escape(wrong)}"' in answer.text and "<b>" not in answer.text
    assert page(f"{APP}/what-if", data={**filled, "case.debt": wrong}).status_code == 200


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_is_decided_as_on_the_command_line(page, root, runs, loans, tmp_path, kind):
    cases = loans(30, 3).drop(columns="default")
    cases.to_csv(tmp_path / "new.csv", index=False)
    sent = {"file": ("new.csv", (tmp_path / "new.csv").read_bytes())}
    answer = page(f"{APP}/decide-file", data={"format": kind}, files=sent)
    assert f'filename="decisions-{runs[-1]}.{kind}"' in answer.headers["content-disposition"]
    read = pd.read_csv if kind == "csv" else pd.read_parquet
    asked = ["decide", CREDIT, "--data", str(tmp_path / "new.csv"), "--runs", str(root)]
    with pytest.raises(SystemExit):
        main([*asked, "--out", str(tmp_path / f"out.{kind}")])
    pd.testing.assert_frame_equal(read(io.BytesIO(answer.content)), read(tmp_path / f"out.{kind}"))
    (logged,) = (root / CREDIT / "audit.jsonl").read_text().splitlines()
    assert len(json.loads(logged)["decisions"]) == 30


def test_a_file_that_cannot_be_decided_is_told_on_a_page(page):
    sent = {"file": ("new.csv", b"amount,debt\n1,2\n")}
    answer = page(f"{APP}/decide-file", data={"format": "csv"}, files=sent)
    assert answer.status_code == 422
    assert "home" in text_of(answer) and "is missing" in text_of(answer) and "/tmp" not in answer.text


# ------------------------------------------------------------------------------------------- watch


def test_alerts_of_watched_streams_are_shown_newest_first(page, root, runs, loans, lepton, tmp_path):
    shifted = loans(1_000, 6).drop(columns="default").assign(debt=5.0, home="<b>castle</b>")
    shifted.to_csv(tmp_path / "stream.csv", index=False)
    asked = ("--data", tmp_path / "stream.csv", "--runs", root, "--run", runs[0])
    printed = lepton("watch", CREDIT, *asked, "--state", root / "watches" / "loans").out
    alerts = [json.loads(line) for line in printed.splitlines()]
    answer = page("/watch")
    told = text_of(answer)
    assert "loans: ‖ not watched now 1,000 rows by run" in told
    places = [told.index(alert["message"]) for alert in reversed(alerts)]
    assert len(alerts) > 1 and places == sorted(places)
    assert "<b>" not in answer.text


# ------------------------------------------------------------------------------------------- login


@pytest.mark.parametrize("token", [TOKEN, 'of words; "quoted", and=more'])
def test_with_a_token_pages_are_open_to_whoever_logs_in(root, client_of, token):
    client = client_of(Settings(root, (CREDIT,), token=token))
    sent_on = client.get("/", headers=PAGE, follow_redirects=False)
    assert (sent_on.status_code, sent_on.headers["location"]) == (303, "/login")
    wrong = client.post("/login", data={"token": "guess"}, headers=PAGE)
    assert wrong.status_code == 401 and "That is not this server" in wrong.text
    right = client.post("/login", data={"token": token}, headers=PAGE, follow_redirects=False)
    cookie = right.headers["set-cookie"].lower()
    assert token not in right.headers["set-cookie"]
    assert "httponly" in cookie and "samesite=strict" in cookie
    assert "Log out" in client.get("/", headers=PAGE).text
    client.post("/logout", headers=PAGE)
    assert client.get("/", headers=PAGE, follow_redirects=False).status_code == 303


def test_a_form_of_another_site_is_refused(client, runs):
    foreign = {**PAGE, "sec-fetch-site": "cross-site", "origin": "https://elsewhere.example"}
    assert client.post(f"{APP}/promote", data={"run": runs[0]}, headers=foreign).status_code == 403


def test_a_person_is_told_on_a_page_of_a_file_that_is_too_large(root, client_of):
    client = client_of(Settings(root, (CREDIT,), most_upload=1_000))
    sent = {"run.file": ("loans.csv", b"x" * 2_000)}
    answer = client.post(f"{APP}/start", files=sent, headers=PAGE)
    assert answer.status_code == 413 and "<h1>That is not possible</h1>" in answer.text
