"""The binary task's plots: what they draw is right, and they survive what real data bring."""

import io
import warnings

import matplotlib
import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import roc_auc_score, roc_curve

from lepton_platform.report import figures
from lepton_platform.report.html import render
from lepton_platform.report.section import Figure, Section


def scored(cases: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn with the very probabilities that are predicted."""
    generator = np.random.default_rng(seed)
    probability = generator.beta(1.2, 4, cases)
    return (generator.random(cases) < probability).astype(int), probability


def drawn(figure: Figure) -> str:
    """The page that shows only this figure."""
    return render("T", "", [Section("S", figure)], {})


def size_of_picture(figure: Figure) -> int:
    return len(drawn(figure)) - len(render("T", "", [Section("S", "")], {}))


def words(figure: Figure) -> set[str]:
    """Every text that stands in the picture's axes and legends."""
    chart = figure.figure
    chart.savefig(io.BytesIO(), format="svg")
    legends = [*chart.legends, *(axes.get_legend() for axes in chart.axes if axes.get_legend())]
    texts = [text for legend in legends for text in legend.get_texts()]
    for axes in chart.axes:
        texts += [*axes.texts, *axes.get_yticklabels(), axes.xaxis.label, axes.yaxis.label]
    return {text.get_text() for text in texts if text.get_text()}


class TestReliability:
    def test_its_points_are_those_of_scikit_learn(self):
        truth, probability = scored(3000)
        observed, predicted = calibration_curve(truth, probability, n_bins=10, strategy="quantile")
        line = figures.reliability(truth, probability).figure.axes[0].lines[1]
        assert line.get_xdata() == pytest.approx(predicted)
        assert line.get_ydata() == pytest.approx(observed)

    def test_groups_have_equally_many_cases(self):
        groups = figures.reliability_groups(*scored(3000), bins=10)
        assert groups["cases"].tolist() == [300] * 10

    def test_intervals_are_wilsons(self):
        # 8 of 10: Wilson's 95 % interval is 0.4902 to 0.9433 (Newcombe 1998's formula, by hand).
        groups = figures.reliability_groups([1] * 8 + [0] * 2, [0.7] * 10)
        assert groups[["low", "high"]].to_numpy()[0] == pytest.approx([0.4902, 0.9433], abs=1e-4)

    def test_intervals_cover_honest_probabilities(self):
        covered = []
        for seed in range(60):
            groups = figures.reliability_groups(*scored(2000, seed))
            covered.append(groups["predicted"].between(groups["low"], groups["high"]).mean())
        assert 0.93 < np.mean(covered) < 0.97

    def test_equal_scores_are_never_parted(self):
        groups = figures.reliability_groups([0, 1] * 50, [0.25] * 60 + [0.75] * 40)
        assert groups["cases"].tolist() == [60, 40]

    def test_alt_text_states_the_gap_and_the_rates(self):
        figure = figures.reliability([0] * 60 + [1] * 40, [0.2] * 50 + [0.3] * 50)
        assert "0 of 2 groups" in figure.alt
        assert "50.0 percentage points, where 30.0 % is predicted and 80.0 % observed" in figure.alt
        assert "Overall 25.0 % is predicted and 40.0 % observed" in figure.alt

    def test_scores_beyond_the_axis_are_counted_in_the_caption(self):
        figure = figures.reliability([0] * 1990 + [1] * 10, [*np.linspace(0.01, 0.05, 1999), 0.99])
        assert "(1 beyond 0.1 not shown)" in figure.caption


class TestRoc:
    def test_its_points_are_those_of_scikit_learn(self):
        truth, probability = scored(150)
        line = figures.roc(truth, {"model": probability}).figure.axes[0].lines[1]
        expected = roc_curve(truth, probability, drop_intermediate=False)
        assert line.get_xdata() == pytest.approx(expected[0])
        assert line.get_ydata() == pytest.approx(expected[1])

    @pytest.mark.parametrize("decimals", [1, 8])
    def test_areas_are_those_of_scikit_learn_also_with_ties(self, decimals):
        truth, probability = scored(2000)
        rounded = probability.round(decimals)
        figure = figures.roc(truth, {"boosting": rounded, "coin": np.full(2000, 0.5)})
        area = f"{roc_auc_score(truth, rounded):.3f}"
        assert {f"boosting ({area})", "coin (0.500)"} <= words(figure)
        assert (
            f"boosting ranks a random positive case above a random negative one with chance {area}"
            in figure.alt
        )
        assert "coin 0.500" in figure.alt

    @pytest.mark.parametrize("label", [0, 1])
    def test_one_class_has_no_curve_and_it_says_so(self, label):
        figure = figures.roc(np.full(7, label), {"model": np.linspace(0, 1, 7)})
        assert figure.alt == f"There is no ROC curve: all 7 cases are of class {label}."
        assert "no curve: all cases are of one class" in words(figure)


class TestScoreDistribution:
    def test_each_class_adds_up_to_a_hundred_percent(self):
        axes = figures.score_distribution(*scored(500)).figure.axes[0]
        for stairs in axes.patches:
            assert stairs.get_data().values.sum() == pytest.approx(100)

    def test_a_case_at_the_cut_off_counts_as_above_it(self):
        figure = figures.score_distribution([0, 0, 1, 1], [0.1, 0.5, 0.5, 0.9], 0.5, ("repaid", "defaulted"))
        assert "2 repaid cases: median 0.3, 50.0 % at or above the cut-off 0.5." in figure.alt
        assert "2 defaulted cases: median 0.7, 100.0 % at or above" in figure.alt

    def test_a_missing_class_is_named(self):
        assert "There is no bad case." in figures.score_distribution([0, 0], [0.1, 0.2]).alt


class TestBars:
    def test_the_largest_in_size_is_on_top(self):
        figure = figures.bars(pd.Series({"age": 0.1, "income": -0.7, "term": 0.4}), "Importance", "loss")
        axes = figure.figure.axes[0]
        assert [label.get_text() for label in axes.get_yticklabels()] == ["income", "term", "age"]
        assert [bar.get_width() for bar in axes.patches] == [-0.7, 0.4, 0.1]
        assert axes.get_ylim()[0] > axes.get_ylim()[1]
        assert figure.alt == "Importance, largest first: income -0.7, term 0.4, age 0.1."

    def test_intervals_go_with_their_bars(self):
        values = pd.Series({"age": 0.1, "income": 0.7})
        axes = figures.bars(values, "Importance", "loss", low=values - 0.05, high=values + 0.1).figure.axes[0]
        ends = [segment[:, 0].tolist() for segment in axes.collections[0].get_segments()]
        assert ends == [pytest.approx([0.65, 0.8]), pytest.approx([0.05, 0.2])]

    def test_intervals_in_another_order_are_refused(self):
        values = pd.Series({"age": 0.1, "income": 0.7})
        with pytest.raises(ValueError, match="order of the values"):
            figures.bars(values, "Importance", "loss", low=values[::-1], high=values)

    def test_half_an_interval_is_refused(self):
        with pytest.raises(ValueError, match="both low and high"):
            figures.bars(pd.Series({"age": 0.1}), "Importance", "loss", low=[0.0])

    def test_what_is_not_shown_is_said(self):
        values = pd.Series(np.arange(30.0), index=[f"x{place}" for place in range(30)])
        assert "20 of 30 are shown" in figures.bars(values, "Importance", "loss").alt

    def test_values_that_are_not_finite_are_left_out(self):
        figure = figures.bars(pd.Series({"a": np.nan, "b": np.inf, "c": 1.0}), "Importance", "loss")
        assert len(figure.figure.axes[0].patches) == 1


class TestCurve:
    def test_a_peak_among_a_million_points_is_kept(self):
        x = np.linspace(0, 1, 1_000_000)
        profit = np.sin(x)
        profit[345_678] = 9.5
        figure = figures.curve(x, {"profit": profit}, "cut-off", "EUR", mark=(x[345_678], 9.5))
        assert figure.figure.axes[0].lines[0].get_ydata().max() == 9.5
        assert "highest 9.5 at cut-off 0.3457" in figure.alt
        assert "Marked: 9.5 at cut-off 0.3457." in figure.alt

    def test_points_that_are_not_finite_are_left_out(self):
        figure = figures.curve([1, 2, 3], {"loss": [np.nan, 2.0, 1.0]}, "epoch", "loss")
        assert "loss goes from 2 to 1" in figure.alt

    def test_a_line_without_values_is_said_to_have_none(self):
        assert "loss has no values" in figures.curve([1, 2], {"loss": [np.nan] * 2}, "epoch", "loss").alt


class TestLeaderboard:
    frame = pd.DataFrame(
        {
            "name": ["tree", "ensemble", "share", "broken"],
            "value": [0.7, 0.8, 0.5, np.nan],
            "low": [0.65, 0.75, 0.5, np.nan],
            "high": [0.75, 0.85, 0.5, np.nan],
            "baseline": [False, False, True, False],
        }
    )

    def test_the_best_is_on_top_and_named(self):
        figure = figures.leaderboard(self.frame, "ROC AUC")
        labels = [label.get_text() for label in figure.figure.axes[0].get_yticklabels()]
        assert labels == ["ensemble", "tree", "share"]
        assert figure.alt == (
            "ensemble is the best of 2 candidates: ROC AUC 0.8, "
            "95 % interval 0.75 to 0.85 (higher is better). "
            "Its whole interval is better than the baseline's 0.5. Without a value: broken."
        )

    def test_lower_can_be_better(self):
        figure = figures.leaderboard(self.frame, "cost", better="lower")
        assert figure.alt.startswith("tree is the best of 2 candidates: cost 0.7")
        assert "Its whole interval is worse than the baseline's 0.5." in figure.alt

    def test_the_baseline_may_be_a_number_in_every_row(self):
        figure = figures.leaderboard(self.frame.assign(baseline=0.78))
        assert "Its interval includes the baseline's 0.78." in figure.alt
        assert "baseline 0.78" in words(figure)

    def test_it_does_without_baseline_and_without_rows(self):
        assert "baseline" not in figures.leaderboard(self.frame.drop(columns="baseline")).alt
        assert figures.leaderboard(self.frame.iloc[3:]).alt.startswith("No candidate has a value.")


def all_figures(truth: np.ndarray, probability: np.ndarray) -> list[Figure]:
    return [
        figures.reliability(truth, probability),
        figures.roc(truth, {"one": probability, "two": probability**2}),
        figures.score_distribution(truth, probability, cut_off=0.3),
        figures.curve(np.arange(len(truth)), {"a": probability, "b": np.cumsum(truth)}, "case", "sum"),
    ]


DEGENERATE = {
    "one case": (np.array([1]), np.array([0.4])),
    "five cases": (np.array([0, 1, 0, 0, 1]), np.array([0.1, 0.9, 0.3, 0.2, 0.6])),
    "one class": (np.zeros(50, dtype=int), np.linspace(0, 1, 50)),
    "constant scores": (np.array([0, 1] * 20), np.full(40, 0.3)),
    "scores of nought": (np.array([0, 1] * 20), np.zeros(40)),
    "scores of one": (np.array([0, 1] * 20), np.ones(40)),
    "a million cases": scored(1_000_000),
}


def learned(epochs, validation=True):
    """What a network's history holds; the validation loss is least at two thirds."""
    epoch = np.arange(1, epochs + 1)
    judged = {"validation_loss": abs(epoch - epochs * 2 / 3), "validation_accuracy": 1 - 0.1 / epoch}
    columns = {"loss": 1 / epoch, **judged, "learning_rate": 0.001}
    history = pd.DataFrame(columns, index=pd.RangeIndex(1, epochs + 1, name="epoch"))
    return history if validation else history.assign(**dict.fromkeys(judged, np.nan))


class TestTrainingCurves:
    def test_they_draw_every_epoch_of_both_losses_and_of_the_score(self):
        history = learned(9)
        upper, lower = figures.training_curves(history, kept=6).figure.axes
        for axes, names in ((upper, ["loss", "validation_loss"]), (lower, ["validation_accuracy"])):
            for line, name in zip(axes.lines, names, strict=False):
                assert list(line.get_xdata()) == list(range(1, 10))
                assert list(line.get_ydata()) == history[name].tolist()
            assert list(axes.lines[-1].get_xdata()) == [6, 6]

    def test_their_alt_text_says_where_the_loss_was_least_and_what_was_kept(self):
        alt = figures.training_curves(learned(9), kept=6).alt
        assert "validation loss goes from 5 to 3; highest 5 at epoch 1, lowest 0 at 6." in alt
        assert alt.endswith("The weights of epoch 6 were kept.")

    def test_without_a_validation_part_there_is_the_loss_alone(self):
        figure = figures.training_curves(learned(4, validation=False), kept=4)
        assert len(figure.figure.axes) == 1
        assert words(figure) >= {"loss", "kept: epoch 4"}
        assert "nan" not in figure.alt

    @pytest.mark.parametrize("epochs", [1, 2, 5_000])
    def test_any_number_of_epochs_can_be_drawn_and_stays_small(self, epochs):
        assert size_of_picture(figures.training_curves(learned(epochs), kept=1)) < 50_000


@pytest.mark.parametrize("name", DEGENERATE)
def test_every_plot_survives_degenerate_input_and_stays_small(name):
    for figure in all_figures(*DEGENERATE[name]):
        assert size_of_picture(figure) < 50_000
        assert "nan" not in figure.alt


def test_many_long_lines_stay_small():
    truth, probability = scored(20_000)
    generator = np.random.default_rng(1)
    candidates = {
        f"model {place}": np.clip(probability + generator.normal(0, 0.1, 20_000), 0, 1) for place in range(12)
    }
    assert size_of_picture(figures.roc(truth, candidates)) < 50_000


@pytest.mark.parametrize("plot", [figures.reliability, figures.score_distribution])
@pytest.mark.parametrize(
    ("truth", "probability", "message"),
    [
        ([], [], "at least 1"),
        ([0, 1], [0.5], "of one length"),
        ([0, 2], [0.5, 0.5], "0 and 1 only"),
        ([0, 1], [0.5, 1.5], "between 0 and 1"),
        ([0, 1], [0.5, np.nan], "none missing"),
    ],
)
def test_input_that_cannot_be_plotted_is_refused(plot, truth, probability, message):
    with pytest.raises(ValueError, match=message):
        plot(truth, probability)


@pytest.mark.parametrize("name", ["price in $ per $", "_hidden", "年齢", "<b>&", "x" * 90, "%s {0}"])
def test_any_name_can_be_drawn(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        page = drawn(figures.curve([0, 1], {name: [0, 1], "b": [1, 0]}, name, name))
        page += drawn(figures.bars(pd.Series({name: 1.0}), name, name))
    start = name[:20].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert page.count(start) >= 6  # both alt texts, axis labels, legend, row


def test_plots_leave_matplotlibs_settings_alone():
    before = dict(matplotlib.rcParams)
    truth, probability = scored(100)
    for figure in all_figures(truth, probability):
        drawn(figure)
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.5, "-0.5"),
        (0.99996, "1"),
        (2024.0, "2024"),
        (9999.7, "10,000"),
        (float("inf"), "∞"),
        (3e20, "3e+20"),
    ],
)
def test_numbers_are_readable(value, text):
    assert figures.readable(value) == text


def contrast_with_white(color: str) -> float:
    """WCAG 2.1's contrast ratio."""
    channels = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 1.05 / (np.dot([0.2126, 0.7152, 0.0722], linear) + 0.05)


@pytest.mark.parametrize("color", [*figures.PALETTE, figures.INK, figures.MUTED])
def test_colors_can_be_read_on_white(color):
    assert contrast_with_white(color) >= 4.5
