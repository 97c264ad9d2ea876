"""The documents are true: what they show runs, what they generate is current, where they point exists."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("plugins/*/*.md"),
        ROOT / "benchmarks/README.md",
    ]
)


def blocks(page, *languages):
    """Return the fenced blocks in these languages as (language, text), in the page's order."""
    fenced = re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [(language, text) for language, text in fenced if language in languages]


def script_of(page):
    """Return the page's commands and programs as one script for bash that stops at the first failure."""
    parts = ["set -euo pipefail"]
    for number, (language, text) in enumerate(blocks(page, "console", "python"), start=1):
        parts.append(f"echo '--- block {number}' >&2")
        if language == "python":
            parts.append(f"python - <<'END OF PROGRAM'\n{text}END OF PROGRAM")
        else:
            parts += [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]
    return "\n".join(parts) + "\n"


def run(command, folder, more_path=()):
    """Run a command in a folder, `lepton` and `python` being those that run this test."""
    home = Path(sys.executable).parent
    path = os.pathsep.join([str(home), os.environ["PATH"]])
    modules = os.pathsep.join([*map(str, more_path), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
    environment = {**os.environ, "PATH": path, "PYTHONPATH": modules}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)


def test_every_command_of_the_tutorial_runs(tmp_path):
    script = script_of(ROOT / "docs" / "tutorial.md")
    assert script.count("lepton run") >= 3, "the tutorial's blocks were not found"
    done = run(["bash", "-c", script], tmp_path)
    assert done.returncode == 0, f"{done.stderr}\n{done.stdout[-2000:]}"


def test_the_programs_about_networks_run(tmp_path):
    done = run(["bash", "-c", script_of(ROOT / "docs" / "how-to" / "train-a-network.md")], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "validation_accuracy" in done.stdout and "Conv1d" in done.stdout


def test_the_plugin_of_the_readme_works_as_a_distribution_of_its_own(tmp_path):
    (_, module), (_, project) = blocks(ROOT / "README.md", "python", "toml")
    installed = tmp_path / "site"
    entry_points = re.search(r'\[project\.entry-points\."(.+)"\]\n((?:".+\n)+)', project)
    package = installed / "lepton_telecom"
    information = installed / "lepton_telecom-0.1.0.dist-info"
    for folder in (package, information):
        folder.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "churn.py").write_text(module, encoding="utf-8")
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: lepton-telecom\nVersion: 0.1.0\n")
    entries = entry_points[2].replace('"', "")
    (information / "entry_points.txt").write_text(f"[{entry_points[1]}]\n{entries}")
    rows = [f"{n % 37},{n % 5},{int(n % 5 + n % 3 > 4)}" for n in range(400)]
    (tmp_path / "customers.csv").write_text("\n".join(["months,calls,left", *rows]))

    def lepton(*arguments):
        return run([sys.executable, "-m", "lepton_platform", *arguments], tmp_path, [installed])

    listed = " ".join(lepton("list").stdout.split())
    assert "telecom.churn Rank customers by their risk of leaving" in listed
    asked = ["run", "telecom.churn", "--data", "customers.csv", "--models", "logistic,deep boosting"]
    done = lepton(*asked, "--offer-cost", "12")
    assert done.returncode == 0, done.stderr
    assert "better than the baseline" in done.stdout
    (report,) = tmp_path.glob("runs/telecom.churn/*/report.html")
    assert "Whom to call first" in report.read_text(encoding="utf-8")
    wrong = lepton(*asked, "--offer-cots", "12")
    assert "Error: telecom.churn has no option --offer-cots. Did you mean --offer-cost?" in wrong.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"^\[[^\]]+\]: (\S+)", text, re.MULTILINE)
    relative = [target for target in targets if not re.match(r"\w+:", target)]
    broken = [target for target in relative if not leads_somewhere(page, target)]
    assert broken == []


def leads_somewhere(page, target):
    """Return whether a link's file exists and, where it names a heading of a page, that heading too."""
    name, _, heading = target.partition("#")
    file = page.parent / name if name else page
    return file.exists() and (not heading or heading in headings(file))


def headings(page):
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
