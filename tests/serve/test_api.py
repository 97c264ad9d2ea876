"""The HTTP API: the decisions of ``lepton decide``, and an answer to whatever else is sent."""

import io
import json

import numpy as np
import pandas as pd
import pytest

from lepton_platform import store
from lepton_platform.decide import decide
from lepton_platform.errors import UsageError
from lepton_platform.run import reopen
from lepton_platform.serve.settings import Settings, read_token

CREDIT = "finance.credit-risk"
DECIDE = f"/v1/{CREDIT}/decide"
CSV = {"content-type": "text/csv"}
TOKEN = "a secret of more than 16 letters"


def as_cases(table):
    """Return a table as JSON cases."""
    return json.loads(table.to_json(orient="records"))


@pytest.fixture
def new(loans):
    """Cases to decide, some of them incomplete."""
    return loans(40, 7).drop(columns="default")


@pytest.fixture
def expected(root, new, tmp_path):
    """What ``lepton decide`` writes for them."""
    new.to_csv(tmp_path / "new.csv", index=False)
    run = reopen(store.last_good_run(root, CREDIT))
    decide(run, str(tmp_path / "new.csv"), str(tmp_path / "decisions.parquet"))
    return pd.read_parquet(tmp_path / "decisions.parquet")


def same(decisions, expected):
    """Assert that JSON decisions are those of a table."""
    found = pd.DataFrame(decisions)
    assert list(found.columns) == list(expected.columns) and len(found) == len(expected)
    for name in expected:
        if pd.api.types.is_float_dtype(expected[name]):
            assert found[name].to_numpy() == pytest.approx(expected[name].to_numpy(), abs=1e-12)
        else:
            assert found[name].where(found[name].notna(), None).tolist() == expected[name].tolist()


# ------------------------------------------------------------------------------------- decisions


def test_cases_as_json_get_the_decisions_of_the_command_line(client, new, expected):
    answer = client.post(DECIDE, json=as_cases(new))
    assert answer.status_code == 200, answer.text
    same(answer.json()["decisions"], expected)


def test_one_case_gets_the_decision_that_it_gets_among_others(client, new, expected):
    for row, case in enumerate(as_cases(new)[:6]):
        (decision,) = client.post(DECIDE, json=case).json()["decisions"]
        same([decision], expected.iloc[[row]].assign(case=0))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_gets_the_decisions_of_the_command_line(client, new, expected, kind):
    if kind == "csv":
        body, content_type = new.to_csv(index=False).encode(), "text/csv; charset=utf-8"
    else:
        written = io.BytesIO()
        new.to_parquet(written)
        body, content_type = written.getvalue(), "application/vnd.apache.parquet"
    answer = client.post(DECIDE, content=body, headers={"content-type": content_type})
    assert answer.status_code == 200, answer.text
    same(answer.json()["decisions"], expected)


def test_a_category_that_training_never_saw_is_decided_and_said(client, case):
    answer = client.post(DECIDE, json={**case, "home": "castle", "debt": 1e6}).json()
    assert len(answer["decisions"]) == 1
    assert [(one["row"], one["field"]) for one in answer["remarks"]] == [(0, "debt"), (0, "home")]
    assert "'castle' was never seen in training" in answer["remarks"][1]["text"]


def test_a_case_may_lack_every_value(client, case):
    answer = client.post(DECIDE, json=dict.fromkeys(case))
    assert answer.status_code == 200 and 0 < answer.json()["decisions"][0]["probability"] < 1


# ---------------------------------------------------------------------------- what cannot be done


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"debt": "much"}, "debt", "must be a number or null, not text"),
        ({"debt": True}, "debt", "not true or false"),
        ({"debt": [1]}, "debt", "not a list"),
        ({"debt": 10**400}, "debt", "must be finite"),
        ({"home": {"own": 1}}, "home", "must be text or null, not an object"),
        ({"dept": 1}, "dept", "is no field"),
        ({"debt": ...}, "debt", "is missing; null says that it is not known"),
    ],
)
def test_a_fault_of_a_case_is_told_with_its_row_and_field(client, case, change, field, words):
    wrong = {name: value for name, value in {**case, **change}.items() if value is not ...}
    answer = client.post(
        DECIDE, content=json.dumps([case, wrong]), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "invalid_cases"
    assert [(place["row"], place["field"]) for place in error["places"]] == [(1, field)]
    assert words in error["places"][0]["text"] and words in error["message"]


def test_all_faults_of_all_cases_are_told_at_once(client, case):
    wrong = {**case, "debt": "x", "home": [1], "other": 1}
    places = client.post(DECIDE, json=[wrong, 7, {**wrong}]).json()["error"]["places"]
    assert {(place["row"], place["field"]) for place in places} == {
        *((row, field) for row in (0, 2) for field in ("debt", "home", "other")),
        (1, None),
    }


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("", 400, "no JSON"),
        ("{", 400, "no JSON"),
        ('{"debt": NaN}', 400, "no JSON"),
        ('{"debt": Infinity}', 400, "no JSON"),
        ("\xff\xfe", 400, "no JSON"),
        ("[" * 100_000, 400, "no JSON"),
        ("[]", 422, "at least one case"),
        ("7", 422, "is a number, not an object"),
        ("null", 422, "is null, not an object"),
        ('"' + "x" * 10_000_000 + '"', 413, "5 MB"),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else value,
)
def test_a_body_that_holds_no_cases_is_refused(client, body, status, words):
    content = body.encode("latin-1")
    answer = client.post(DECIDE, content=content, headers={"content-type": "application/json"})
    assert answer.status_code == status and words in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "upload.csv"),
        (b"a,b\n1,2\n", "column 'amount' is missing"),
        (b"\x00\x01\x02", "upload.csv"),
        (b"amount,debt,months,home\nmany,0.1,1,own\n", "holds what is no number"),
    ],
)
def test_a_file_that_cannot_be_decided_is_refused_without_the_servers_paths(client, body, words):
    answer = client.post(DECIDE, content=body, headers=CSV)
    assert answer.status_code == 422
    assert words in answer.json()["error"]["message"] and "/tmp" not in answer.text


def test_a_file_with_more_cases_than_are_allowed_is_refused(root, client_of, new):
    small = client_of(Settings(root, (CREDIT,), most_rows=10))
    assert small.post(DECIDE, content=new.to_csv(index=False), headers=CSV).status_code == 413
    assert small.post(DECIDE, json=as_cases(new)).status_code == 413


def test_a_content_type_that_is_not_known_is_answered_with_those_that_are(client):
    answer = client.post(DECIDE, content=b"<a/>", headers={"content-type": "application/xml"})
    assert answer.status_code == 415 and "text/csv" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/nobody.knows/decide",
        "/v1/..%2f..%2fetc%2fpasswd/decide",
        "/v1/%2e%2e/schema",
        "/v1/nobody.knows/schema",
        "/v1/medical.diagnosis-aid/decide",
        "/nowhere",
    ],
)
def test_what_is_not_there_is_404(client, path, case):
    answer = client.get(path) if not path.endswith("decide") else client.post(path, json=case)
    assert answer.status_code == 404 and answer.json()["error"]["message"]


def test_an_application_without_a_finished_run_says_how_to_make_one(tmp_path, client_of, case):
    answer = client_of(Settings(tmp_path, (CREDIT,))).post(DECIDE, json=case)
    assert (
        answer.status_code == 404 and f"lepton run {CREDIT} --data FILE" in answer.json()["error"]["message"]
    )


def test_another_method_is_refused_as_json(client):
    for path, method, allowed in ((DECIDE, "GET", "POST"), (f"/v1/{CREDIT}/schema", "DELETE", "GET")):
        answer = client.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
        assert answer.json()["error"]["code"] == "refused"


# ------------------------------------------------------------------------------------- promotion


def test_a_promoted_run_answers_and_can_be_rolled_back(client, runs, root, client_of, case):
    old, new = runs
    assert client.post(DECIDE, json=case).json()["run"] == new
    for run in (old, new, new, old):
        assert client.post(f"/v1/{CREDIT}/promote", json={"run": run}).json() == {"run": run}
        assert client.post(DECIDE, json=case).json()["run"] == run
    assert client.post(f"/v1/{CREDIT}/rollback").json() == {"run": new}
    assert client.post(DECIDE, json=case).json()["run"] == new
    restarted = client_of(Settings(root, (CREDIT,)))
    assert restarted.post(DECIDE, json=case).json()["run"] == new


@pytest.mark.parametrize("run", ["", "nothing", "../../etc", "20200101-000000-aaaaaaa", "x" * 201, 7, None])
def test_only_a_finished_run_of_the_application_can_be_promoted(client, run, runs, case):
    assert client.post(f"/v1/{CREDIT}/promote", json={"run": run}).status_code in (404, 422)
    assert client.post(DECIDE, json=case).json()["run"] == runs[-1]


def test_a_run_whose_model_was_tampered_with_is_not_promoted(client, root, runs, case):
    (file,) = (root / CREDIT / runs[0] / "model").glob("*.json")
    file.write_bytes(file.read_bytes() + b" ")
    answer = client.post(f"/v1/{CREDIT}/promote", json={"run": runs[0]})
    assert answer.status_code == 409 and "Traceback" not in answer.text
    assert client.post(DECIDE, json=case).json()["run"] == runs[1]


def test_there_is_nothing_to_roll_back_to_at_first(client):
    answer = client.post(f"/v1/{CREDIT}/rollback")
    assert answer.status_code == 409 and "no earlier promotion" in answer.json()["error"]["message"]


# ---------------------------------------------------------------------------------------- safety


@pytest.fixture
def guarded(root, client_of):
    return client_of(Settings(root, (CREDIT,), host="0.0.0.0", token=TOKEN))


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("path", [DECIDE, f"/v1/{CREDIT}/schema", "/metrics", "/openapi.json", "/v1", "/"])
def test_every_method_asks_for_the_token(guarded, method, path):
    assert guarded.request(method, path).status_code == 401
    wrong = guarded.request(method, path, headers={"authorization": f"Bearer {TOKEN}x"})
    assert wrong.status_code == 401


def test_the_right_token_opens(guarded, case):
    bearer = {"authorization": f"Bearer {TOKEN}"}
    assert guarded.post(DECIDE, json=case, headers=bearer).status_code == 200
    assert guarded.get("/health").status_code == 200


def test_an_address_that_others_reach_needs_a_token(tmp_path):
    with pytest.raises(UsageError, match="--token-file"):
        Settings(tmp_path, host="0.0.0.0")
    for host in ("127.0.0.1", "localhost", "::1"):
        assert Settings(tmp_path, host=host).is_local


def test_a_token_that_is_short_or_unreadable_is_refused(tmp_path):
    for name, text in (("short", "secret"), ("lines", "a secret of\ntwo lines"), ("signs", "ä" * 20)):
        (tmp_path / name).write_text(text)
    for name in ("short", "lines", "signs", "absent"):
        with pytest.raises(UsageError, match="--token-file"):
            read_token(tmp_path / name)


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}],
)
def test_what_another_sites_page_sends_is_refused(client, case, headers):
    assert client.post(DECIDE, json=case, headers=headers).status_code == 403
    assert client.post(f"/v1/{CREDIT}/rollback", headers=headers).status_code == 403


def test_what_our_own_page_sends_is_answered(client, case):
    ours = {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}
    assert client.post(DECIDE, json=case, headers=ours).status_code == 200


def test_a_name_that_was_rebound_to_this_machine_is_refused(client):
    assert client.get("/v1", headers={"host": "evil.example:8000"}).status_code == 400


def test_every_answer_has_the_headers_that_keep_a_browser_from_guessing(client):
    for path in ("/health", "/nowhere", "/openapi.json"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]


BROKEN = """
from lepton_platform import Application, hookimpl
application = Application("Raises", task="binary", target="default")

@hookimpl
def lepton_decide(predictions, run):
    if run.reopened:
        raise ValueError("secret of the server")
    return predictions
"""


def test_a_bug_is_told_without_its_traceback(tmp_path, client_of, case, loans, monkeypatch, installed, capfd):
    installed("lepton-broken", {"lepton_broken.py": BROKEN}, {"broken.app": "lepton_broken"})
    from lepton_platform.run import Options, start

    loans(300).to_csv(tmp_path / "loans.csv", index=False)
    asked = Options(data=str(tmp_path / "loans.csv"), models=("logistic",))
    start("broken.app", asked, {}, tmp_path / "runs")
    answer = client_of(Settings(tmp_path / "runs", ("broken.app",))).post("/v1/broken.app/decide", json=case)
    assert answer.status_code == 500 and answer.json()["error"]["code"] == "bug"
    assert "secret" not in answer.text and "Traceback" not in answer.text
    assert "secret of the server" in capfd.readouterr().err


# ---------------------------------------------------------------------------- what is watched


def test_the_audit_log_holds_decisions_and_no_cases_unless_asked_for(root, client_of, case):
    for asked in (False, True):
        client_of(Settings(root, (CREDIT,), audit_cases=asked)).post(DECIDE, json=case)
    lines = (root / CREDIT / "audit.jsonl").read_text().splitlines()
    without, with_cases = map(json.loads, lines)
    assert without["decisions"][0]["decision"] in ("approve", "decline", "refer") and without["run"]
    assert "cases" not in without and with_cases["cases"] == [
        {**case, "amount": float(case["amount"]), "months": 12.0}
    ]


def test_metrics_count_requests_cases_and_decisions(client, case):
    client.post(DECIDE, json=[case, case])
    client.post(DECIDE, json=7)
    text = client.get("/metrics").text
    assert f'lepton_requests_total{{application="{CREDIT}",status="200"}} 1.0' in text
    assert f'lepton_requests_total{{application="{CREDIT}",status="422"}} 1.0' in text
    assert f'lepton_cases_total{{application="{CREDIT}"}} 2.0' in text


@pytest.mark.parametrize("as_file", [False, True])
def test_cases_like_the_training_data_are_stable_and_others_a_shift(client, loans, as_file):
    table = loans(400, 3).drop(columns="default")
    for shift, status in ((0.0, "stable"), (0.6, "shifted")):
        moved = table.assign(debt=np.clip(table["debt"] + shift, 0, None))
        client.post(f"/v1/{CREDIT}/promote", json={"run": client.get(f"/v1/{CREDIT}/runs").json()[0]["id"]})
        if as_file:
            client.post(DECIDE, content=moved.to_csv(index=False), headers=CSV)
        else:
            client.post(DECIDE, json=as_cases(moved))
        drift = client.get(f"/v1/{CREDIT}/drift").json()
        assert drift["cases"] == 400 and sum(drift["decisions"].values()) == 400
        found = {one["field"]: one["status"] for one in drift["shifts"]}
        assert found["debt"] == status and found["amount"] == found["home"] == "stable"


def test_few_cases_say_nothing_of_drift(client, case):
    client.post(DECIDE, json=case)
    assert {one["status"] for one in client.get(f"/v1/{CREDIT}/drift").json()["shifts"]} == {"too few cases"}


def test_readiness_waits_for_the_models(client, case):
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").status_code == 503
    client.post(DECIDE, json=case)
    assert client.get("/ready").status_code == 200


def test_the_schemas_example_can_be_sent_as_it_is(client):
    schema = client.get(f"/v1/{CREDIT}/schema").json()
    (example,) = schema["case"]["examples"]
    assert client.post(DECIDE, json=example).status_code == 200
    assert "training saw" in schema["case"]["properties"]["debt"]["description"]
    assert schema["options"]["properties"]["cost_of_default"]["description"]


def test_the_card_says_what_the_run_measured(client, root, runs):
    card = client.get(f"/v1/{CREDIT}/card").json()
    assert card["id"] == runs[-1]
    assert card["metrics"] == json.loads((root / CREDIT / runs[-1] / "metrics.json").read_text())


def test_the_description_names_every_application_and_answer(client, case):
    client.post(DECIDE, json=case)
    document = client.get("/openapi.json").json()
    described = document["paths"][DECIDE]["post"]
    properties = described["requestBody"]["content"]["application/json"]["schema"]["oneOf"][0]["properties"]
    assert set(properties) == set(case)
    assert {"200", "401", "413", "422"} <= described["responses"].keys()
