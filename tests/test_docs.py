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
        *ROOT.glob("examples/*/*.md"),
        ROOT / "benchmarks/README.md",
    ]
)
RUN_ID = r"\d{8}-\d{6}-[0-9a-f]{7}"


def blocks(page):
    """Return the fenced blocks of a page, in its order, as (language, name of a file or none, text)."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(console):
    """Return what is typed and what is shown in answer, command by command."""
    typed = re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]
    return [tuple(part.partition("\n")[::2]) for part in typed]


def says(shown, printed):
    """Whether a page shows what was printed: ``...`` stands for anything, one run's id for another's."""
    wanted, said = (re.sub(RUN_ID, "RUN", " ".join(text.split())) for text in (shown, printed))
    return re.fullmatch(re.escape(wanted).replace(r"\.\.\.", ".*"), said) is not None


def follow(page, shell):
    """Do what a page says, block by block, and compare what is printed with what it shows.

    A block that is named after a file is written to it, or, where the page goes on with the file, to
    its end. A block of text after a program is what it prints. Returns all that was printed.
    """
    everything, last = "", None
    for language, name, text in blocks(page):
        if name:
            write(shell.folder / name, text)
        elif language == "python":
            last = done(shell("python -", given=text), text)
            everything += last
        elif language == "text" and last is not None:
            assert says(text, last), f"{text}--- is shown, but this is printed:\n{last}"
            last = None
        elif language == "console":
            for command, shown in commands(text):
                answer = shell(command)
                printed = answer.err if shown.startswith("Error:") else done(answer, command)
                assert not shown or says(shown, printed), f"$ {command}\n{shown}--- but it says:\n{printed}"
                everything += printed
    return everything


def done(answer, what):
    """Return what was printed by something that has to succeed."""
    assert answer.code == 0, f"{what}\n{answer.out}\n{answer.err}"
    return answer.out


def write(file, text):
    """Write a module or a file of its own; what does not begin with a docstring goes on with the module."""
    file.parent.mkdir(parents=True, exist_ok=True)
    goes_on = file.suffix == ".py" and file.exists() and not text.startswith('"""')
    before = file.read_text(encoding="utf-8") + "\n\n" if goes_on else ""
    file.write_text(before + text, encoding="utf-8")


def run(command, folder, more_path=()):
    """Run a command in a folder, with further folders in which Python looks for modules."""
    modules = os.pathsep.join([*map(str, more_path), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
    environment = {**os.environ, "PYTHONPATH": modules}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)


@pytest.mark.parametrize("page", ["tutorial.md", "your-first-plugin.md"])
def test_a_tutorial_says_what_happens(page, shell_in, tmp_path):
    follow(ROOT / "docs" / page, shell_in(tmp_path))


def test_the_programs_about_networks_run(shell_in, tmp_path):
    printed = follow(ROOT / "docs" / "how-to" / "train-a-network.md", shell_in(tmp_path))
    assert "validation_accuracy" in printed and "Conv1d" in printed


def test_the_plugin_of_the_readme_works_as_a_distribution_of_its_own(tmp_path):
    shown = {language: text for language, _, text in blocks(ROOT / "README.md")}
    module, project = shown["python"], shown["toml"]
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
