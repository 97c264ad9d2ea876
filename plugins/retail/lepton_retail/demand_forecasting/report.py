"""Demand forecasting, report stage: what to have, who to look at, where the errors are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lepton_platform import Run, Section, hookimpl
from lepton_platform.report import figures
from lepton_platform.store import replacing
from lepton_platform.tasks.forecast.panel import Panel, numbers_of
from lepton_platform.tasks.forecast.report import known_rows
from lepton_retail.demand_forecasting import orders, review
from lepton_retail.demand_forecasting.classes import abc_xyz
from lepton_retail.demand_forecasting.config import DemandConfig
from lepton_retail.demand_forecasting.hierarchy import Tree, node_forecasts
from lepton_retail.demand_forecasting.uplift import uplifts


@hookimpl
def lepton_decide(
    predictions: pd.DataFrame, cases: pd.DataFrame, run: Run, config: DemandConfig
) -> pd.DataFrame:
    """Per series and period: the forecast, what to have, and whether to look at it."""
    panel: Panel = run.model.panel_
    names = cases.index.get_level_values(0).astype(str)
    return pd.DataFrame(
        {
            "mean": predictions["mean"],
            "median": predictions["median"],
            "low": predictions["q0.05"],
            "high": predictions["q0.95"],
            "order_up_to": orders.order_up_to(predictions, config.level()),
            "review": review.reasons(names, panel, config.horizon),
        },
        index=cases.index,
    )


@hookimpl
def lepton_summary(run: Run, config: DemandConfig) -> Mapping[str, Any]:
    """What the orders would have met, and what would have been left, beside those of the baseline."""
    rows = known_rows(run)
    told = {"cases": len(run.decisions), "level": config.level()}
    told["to review"] = int(run.decisions["review"].ne("").groupby(level=0).any().sum())
    if not len(rows.truth) or run.learned["least"] < 0:
        return told
    sold = rows.truth
    mine, naive = (
        _met(sold, orders.order_up_to(predictions, config.level())[rows.known])
        for predictions in (run.predictions, run.baseline_predictions)
    )
    words = (
        f"Had each period been stocked up to its {config.level():.0%} quantile, {mine['met']:.1%} of "
        f"{sold.sum():,.0f} units would have been met, with {mine['left']:,.0f} left over in all; by the "
        f"baseline's, {naive['met']:.1%} with {naive['left']:,.0f} left."
    )
    return {**told, **mine, "baseline": naive, "in_words": words}


def _met(sold: Any, stocked: Any) -> dict[str, float]:
    """Return the share of demand that was met (fill rate), how often it lasted, and what was left."""
    return {
        "met": float(np.minimum(sold, stocked).sum() / max(sold.sum(), 1e-300)),
        "lasted": float((sold <= stocked).mean()),
        "left": float(np.maximum(stocked - sold, 0).sum()),
    }


@hookimpl
def lepton_sections(run: Run, config: DemandConfig) -> Sequence[Section]:
    """Orders, forecast value added by class, promotions, the greatest errors, what to look at."""
    sections = [
        Section("How much to have", _orders(run, config), 10),
        Section("Which series to look at", _review(run), 45),
    ]
    if run.learned["least"] >= 0 and len(known_rows(run).truth):
        sections.append(Section("Forecast value added", _value_added(run), 26))
        sections.append(Section("Where the error is", _contributors(run), 28))
    if config.hierarchy:
        sections.append(Section("Adding up", _adding_up(run, config), 27))
    if config.known_ahead:
        sections.append(Section("What promotions do", _uplift(run), 32))
    return sections


def order_table(run: Run, config: DemandConfig) -> pd.DataFrame:
    """Return per series what the whole horizon needs."""
    earlier = run.out_of_fold
    truth, origin = earlier_truth(run)
    return orders.whole_horizon(run.predictions, config.level(), earlier, truth, origin)


def earlier_truth(run: Run) -> tuple[Any, Any]:
    """Return the truth of the forecasts from earlier origins, and the number of each one's origin."""
    assert run.dataset.target is not None
    scored = np.unique(np.concatenate([held for _, held in run.split.folds]))
    origin = np.empty(len(scored), dtype=np.intp)
    for fold, (_, held) in enumerate(run.split.folds):
        origin[np.searchsorted(scored, held)] = fold
    return run.dataset.target.to_numpy(dtype=float)[run.split.train[scored]], origin


def _orders(run: Run, config: DemandConfig) -> Sequence[Any]:
    table = order_table(run, config).sort_values("mean", ascending=False)
    said = (
        f"For all {config.horizon} periods together, with a chance of {config.level():.1%} that it lasts; "
        "the largest 20 here, all in orders.csv, per period in decisions.parquet. Stock at hand and on "
        "the way is to be taken off."
    )
    shown = table.head(20).rename_axis("series").reset_index().rename(columns={"order_up_to": "order up to"})
    return [said, shown.round(1)]


def _value_added(run: Run) -> Sequence[Any]:
    rows = known_rows(run)
    classes = abc_xyz(run.model.panel_)
    frame = pd.DataFrame(
        {
            "class": classes.reindex(rows.names).fillna("new").to_numpy(),
            "sold": np.abs(rows.truth),
            "error": np.abs(rows.predictions["median"].to_numpy() - rows.truth),
            "naive": np.abs(run.baseline_predictions["median"].to_numpy()[rows.known] - rows.truth),
            "over": rows.predictions["mean"].to_numpy() - rows.truth,
            "inside": (rows.truth >= rows.predictions["q0.05"]) & (rows.truth <= rows.predictions["q0.95"]),
            "series": rows.names,
        }
    )
    by_class = frame.groupby("class")
    total = by_class[["sold", "error", "naive", "over"]].sum()
    table = pd.DataFrame(
        {
            "series": by_class["series"].nunique(),
            "sold": total["sold"].round(),
            "WAPE": total["error"] / total["sold"],
            "WAPE of naive": total["naive"] / total["sold"],
            "value added": (total["naive"] - total["error"]) / total["sold"],
            "bias": total["over"] / total["sold"],
            "inside 90 %": by_class["inside"].mean(),
        }
    )
    worse = int((table["value added"] < 0).sum())
    said = (
        "Value added is how much lower the error is than that of the seasonal naive forecast, as a share of "
        f"what was sold. A, B, C: the first 80 %, next 15 %, last 5 % of sales; X, Y, Z: steady to "
        f"erratic. {worse} of {len(table)} classes are forecast worse than by the naive rule."
    )
    return [said, table.reset_index()]


def _contributors(run: Run) -> Sequence[Any]:
    rows = known_rows(run)
    error = pd.Series(np.abs(rows.predictions["median"].to_numpy() - rows.truth)).groupby(rows.names).sum()
    share = (error / max(error.sum(), 1e-300)).sort_values(ascending=False)
    said = (
        f"The 15 series with most absolute error make {share.head(15).sum():.0%} of it; "
        f"there are {len(share):,} series."
    )
    return [said, figures.bars(share.head(15), "", "share of all absolute error")]


def _adding_up(run: Run, config: DemandConfig) -> Sequence[Any]:
    table = hierarchy_table(run, config)
    error = {way: (table[way] - table["truth"]).abs() for way in ("forecast", "reconciled")}
    by_level = table.assign(**error).groupby("level", sort=False)[["truth", "forecast", "reconciled"]].sum()
    shares = by_level[["forecast", "reconciled"]].div(by_level["truth"].where(by_level["truth"] > 0), axis=0)
    nodes = table.reset_index().groupby("level", sort=False)["node"].nunique()
    shown = shares.add_prefix("WAPE, ").assign(nodes=nodes).reset_index()
    said = (
        "Each node's forecast is the sum of its items' means (hierarchy.csv): they add up by construction. "
        "Reconciled is what minimum trace makes of them and of forecasts of the nodes themselves; where it "
        "is nearer, the items miss something that they share."
    )
    return [said, shown]


def hierarchy_table(run: Run, config: DemandConfig) -> pd.DataFrame:
    """Return per node and period the sum of its items, what reconciliation makes of it, and the truth.

    Items that the model never saw are left out: they have no place in its panel.
    """
    panel: Panel = run.model.panel_
    attributes = pd.DataFrame(panel.attributes, columns=list(panel.attribute_names))
    tree = Tree.of(attributes[list(config.hierarchy)])
    row = pd.Index(panel.series).get_indexer(run.predictions.index.get_level_values(0).astype(str))
    step = numbers_of(run.predictions.index, run.learned["frequency"]) - panel.end
    shape = (len(panel.series), config.horizon)
    means, truth = np.zeros(shape), np.zeros(shape)
    old = row >= 0
    means[row[old], step[old] - 1] = run.predictions["mean"].to_numpy()[old]
    truth[row[old], step[old] - 1] = np.nan_to_num(run.truth.to_numpy(dtype=float))[old]
    seasons = tuple(run.learned["seasons"])
    own = node_forecasts(tree.up(panel.values), config.horizon, seasons)
    parts = {"forecast": tree.up(means), "reconciled": tree.reconciled(own, means), "truth": tree.up(truth)}
    steps = pd.Index(range(1, config.horizon + 1), name="periods_ahead")
    stacked = {name: pd.DataFrame(part, tree.nodes, steps).stack() for name, part in parts.items()}
    return pd.DataFrame(stacked)


def _uplift(run: Run) -> Sequence[Any]:
    table = uplifts(run.model.panel_)
    said = (
        "Demand in a period with a typical amount of each, all else as it was, against a period without: "
        "learned by ridge regression from these series together. It is what went along with promotions, "
        "not proof of what they caused."
    )
    return [said, table]


def _review(run: Run) -> Sequence[Any]:
    flags = run.decisions["review"].groupby(level=0, sort=False).first()
    flagged = flags[flags.ne("")]
    if flagged.empty:
        return ["None stands out."]
    counts = ", ".join(f"{reason}: {count:,}" for reason, count in flagged.value_counts().items())
    table = pd.DataFrame({"series": flagged.index[:30], "why": flagged.to_numpy()[:30]})
    return [f"{counts}. The first 30:", table]


@hookimpl
def lepton_write(run: Run, config: DemandConfig) -> Sequence[Path]:
    """The quantities of the whole horizon, a row per series, as CSV for the planning system."""
    path = run.folder / "orders.csv"
    with replacing(path) as temporary:
        order_table(run, config).round(4).to_csv(temporary, index_label="series")
    if not config.hierarchy:
        return [path]
    nodes = run.folder / "hierarchy.csv"
    with replacing(nodes) as temporary:
        hierarchy_table(run, config).to_csv(temporary)
    return [path, nodes]
