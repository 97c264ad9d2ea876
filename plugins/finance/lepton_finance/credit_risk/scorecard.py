"""Points scorecard for credit risk: weight of evidence, logistic regression, points, and exports.

Conventions, the same in every table and export:

* The target's second class (``classes_[1]``, 1 of 0/1) is the *bad*, a default; the first is the *good*.
* Weight of evidence (WoE) is ln(share of goods / share of bads) in a bin: positive is safer.
* Odds are good to bad, more points are safer, probabilities are of default.
* A numeric bin holds its lower end and not its upper one: ``[12, 24)``.

Formulas for WoE, information value (IV) and points: Siddiqi, *Credit Risk Scorecards* (Wiley, 2006).
"""

import difflib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, Self, TypeAlias, TypedDict

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import assert_all_finite, check_array, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

__all__ = ["Scorecard", "WeightOfEvidence", "score", "weight_of_evidence"]

Column: TypeAlias = "pd.Series[Any]"
Floats = NDArray[np.float64]
Integers = NDArray[np.intp]


class Bins(TypedDict):
    """Bins of one column, in this order: ordinary ones, then special codes or "other", then missing."""

    cuts: NotRequired[list[float]]  # numeric: where each ordinary bin but the first begins
    codes: NotRequired[list[float]]  # numeric: special codes, a bin each
    groups: NotRequired[list[list[str]]]  # categories: the levels of each ordinary bin


def weight_of_evidence(counts: ArrayLike, totals: ArrayLike) -> Floats:
    """Return the smoothed ln(share of goods / share of bads) of each bin; positive is safer.

    Each bin gets one more row, divided between the classes as the whole sample is (half and half in a
    balanced sample, hence the usual "+0.5"). So a bin of one class is finite, and a bin at the base rate
    stays at 0, which a plain +0.5 for either class would move. An empty bin has 0 as well.

    Parameters
    ----------
    counts : array-like of shape (n_bins, 2)
        Goods and bads of each bin.
    totals : array-like of shape (2,)
        Goods and bads of the sample, both positive.

    Examples
    --------
    >>> weight_of_evidence([[90, 10], [0, 0], [9, 0]], [900, 100]).round(3)
    array([0.   , 0.   , 2.398])
    """
    goods_bads = np.asarray(totals, dtype=np.float64)
    # With p, q the classes' shares, ln[(g + p) / (b + q)] - ln[p / q] = ln(1 + g / p) - ln(1 + b / q).
    evidence = np.log1p(np.asarray(counts) / (goods_bads / goods_bads.sum()))
    return np.asarray(evidence[:, 0] - evidence[:, 1])


def _information(counts: Floats, totals: Floats) -> Floats:
    """IV of each bin, (share of goods - share of bads) * WoE; never negative."""
    shares = counts / totals
    return np.asarray((shares[:, 0] - shares[:, 1]) * weight_of_evidence(counts, totals))


class WeightOfEvidence(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Bin the columns of a table and replace each value by its bin's weight of evidence.

    Numbers and booleans are binned by a shallow tree whose default rates are monotone; categories are
    grouped by WoE. Missing values have a bin of their own. What training never saw (an unknown level where
    no level was rare, a first missing value, a special code without rows) falls in an empty bin: WoE 0.

    Parameters
    ----------
    max_bins : int, default=8
        Most ordinary bins per column, at least 2.
    min_share : float, default=0.05
        Least share of all training rows in an ordinary bin.
    min_iv : float, default=0.02
        Columns with less information value drop out (Siddiqi calls IV below 0.02 unpredictive).
    min_level_share : float, default=0.01
        Levels with a smaller share of the training rows are pooled in the bin "other".
    monotone : dict of str to int, optional
        Risk rises with the column (+1), falls (-1) or is free (0). A numeric column not named here takes
        the one of +1 and -1 with more IV.
    special : sequence of float, or dict of str to sequence of float, optional
        Codes in numeric columns that are not amounts (-9 "no record"): a bin each, however few the rows.
        A sequence holds for every numeric column.

    Attributes
    ----------
    bins_, counts_, woe_ : dict
        For each column kept: its :class:`Bins`, goods and bads of shape (n_bins, 2), WoE of shape (n_bins,).
    iv_ : dict of str to float
        Information value of every column, of those that dropped out too.
    monotone_ : dict of str to int
        Direction of each numeric column: +1 risk rises, -1 falls, 0 free.
    dropped_ : dict of str to str
        Columns that dropped out, and why.
    totals_ : ndarray of shape (2,)
        Goods and bads in the training rows.
    feature_names_in_, n_features_in_ : ndarray of str, int

    Examples
    --------
    >>> X = pd.DataFrame({"income": [1, 1, 1, 1, 3, 3, 3, 3], "noise": [0, 1] * 4})
    >>> WeightOfEvidence().fit_transform(X, [1, 1, 1, 0, 0, 0, 0, 1]).round(3).iloc[[0, 7]]
       income
    0  -0.847
    7   0.847
    """

    def __init__(
        self,
        *,
        max_bins: int = 8,
        min_share: float = 0.05,
        min_iv: float = 0.02,
        min_level_share: float = 0.01,
        monotone: dict[str, int] | None = None,
        special: Sequence[float] | Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        self.max_bins = max_bins
        self.min_share = min_share
        self.min_iv = min_iv
        self.min_level_share = min_level_share
        self.monotone = monotone
        self.special = special

    def fit(self, X: pd.DataFrame, y: ArrayLike) -> Self:
        """Learn the bins of ``X``, shape (n_rows, n_columns), from the 0/1 outcome ``y``, 1 = default.

        Raises
        ------
        ValueError
            Not two classes, repeated or unknown column names, infinite numbers.
        TypeError
            A column of dates: give the time since, as a number.
        """
        frame = _frame(X)
        _, bad = _outcome(y, frame)
        self._check_names(frame)
        self.feature_names_in_ = np.array(frame.columns, dtype=object)
        self.n_features_in_ = frame.shape[1]
        self.totals_ = np.bincount(bad).astype(np.float64)
        self.bins_: dict[str, Bins] = {}
        self.counts_: dict[str, Floats] = {}
        self.woe_: dict[str, Floats] = {}
        self.iv_: dict[str, float] = {}
        self.monotone_: dict[str, int] = {}
        self.dropped_: dict[str, str] = {}
        for name in frame.columns:
            self._fit_column(name, frame[name], bad)
        return self

    def assign(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the position of each value's bin in ``table()``'s order; columns are found by name.

        Raises
        ------
        ValueError
            A column that scores is not in ``X`` (columns that dropped out may be absent).
        """
        check_is_fitted(self)
        frame = _frame(X)
        width, expected = frame.shape[1], self.n_features_in_
        if not isinstance(X, pd.DataFrame) and width != expected:  # no names to find the columns by
            raise ValueError(
                f"X has {width} features, but Scorecard is expecting {expected} features as input"
            )
        places = {name: _locate(_column(frame, name), bins) for name, bins in self.bins_.items()}
        return pd.DataFrame(places, index=frame.index)

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the WoE of each value, shape (n_rows, n_columns_kept); positive is safer."""
        places = self.assign(X)
        return pd.DataFrame({name: woe[places[name]] for name, woe in self.woe_.items()}, index=places.index)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Return the names of the columns kept."""
        check_is_fitted(self)
        return np.array(list(self.bins_), dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        return tags

    def _check_names(self, frame: pd.DataFrame) -> None:
        by_column = self.special if isinstance(self.special, Mapping) else {}
        for option, names in (("monotone", self.monotone or {}), ("special", by_column)):
            for name in names:
                if not _is_numeric(_column(frame, name)):
                    raise ValueError(f"{option} names column {name!r}, which is not numeric")

    def _fit_column(self, name: str, column: Column, bad: Integers) -> None:
        bins = self._bin_numbers(name, column, bad) if _is_numeric(column) else self._bin_levels(column, bad)
        counts = _count(_locate(column, bins), bad, len(_labels(bins)))
        self.iv_[name] = iv = float(_information(counts, self.totals_).sum())
        if column.isna().all():
            self.dropped_[name] = "every value is missing"
        elif (counts.sum(axis=1) > 0).sum() < 2:
            self.dropped_[name] = "all rows are in one bin"
        elif iv < self.min_iv:
            self.dropped_[name] = f"information value {iv:.4f} is below {self.min_iv:g}"
        else:
            self.bins_[name], self.counts_[name] = bins, counts
            self.woe_[name] = weight_of_evidence(counts, self.totals_)

    def _bin_numbers(self, name: str, column: Column, bad: Integers) -> Bins:
        values = _numbers(column)
        if np.isinf(values).any():
            raise ValueError(f"column {name!r} holds infinity; make it missing or a number")
        special = () if self.special is None else self.special
        wanted_codes = special.get(name, ()) if isinstance(special, Mapping) else special
        codes = [float(code) for code in dict.fromkeys(wanted_codes)]
        ordinary = ~np.isnan(values) & ~np.isin(values, codes)
        unique, place = np.unique(values[ordinary], return_inverse=True)
        counts = _count(place, bad[ordinary], len(unique))
        wanted = (self.monotone or {}).get(name)
        found = {way: self._starts(counts, way) for way in ((1, -1) if wanted is None else (wanted,))}
        gain = {way: _information(_pooled(counts, at), self.totals_).sum() for way, at in found.items()}
        self.monotone_[name] = best = max(gain, key=gain.__getitem__)
        return {"cuts": [_short(unique[i - 1], unique[i]) for i in found[best]], "codes": codes}

    def _bin_levels(self, column: Column, bad: Integers) -> Bins:
        place, levels = _levels(column)
        known = place >= 0
        counts = _count(place[known], bad[known], len(levels))
        common = np.flatnonzero(counts.sum(axis=1) >= self.min_level_share * len(bad))
        if not len(common):
            return {"groups": []}
        # From safe to risky, ties by name, levels are binned like a number with which risk rises.
        woe = weight_of_evidence(counts, self.totals_)
        order = np.array(sorted(common, key=lambda i: (-woe[i], levels[i])))
        groups = np.split(order, self._starts(counts[order], 1))
        return {"groups": [sorted(levels[i] for i in group) for group in groups]}

    def _starts(self, counts: Floats, direction: int) -> list[int]:
        """Positions in the ordered values ``counts``, shape (n_values, 2), at which a new bin starts."""
        least, total = self.min_share * self.totals_.sum(), counts.sum()
        value, label = np.nonzero(counts)
        if total < 2 * least or len(np.unique(label)) < 2:
            return []
        # Values enter as ranks: exact in the tree's float32, whatever their size.
        tree = DecisionTreeClassifier(
            max_leaf_nodes=self.max_bins,
            min_weight_fraction_leaf=min(0.5, least / total),
            monotonic_cst=[direction],
            random_state=0,
        ).fit(value[:, None], label, sample_weight=counts[value, label])
        inner = tree.tree_.children_left >= 0
        starts = [int(at) for at in np.sort(np.ceil(tree.tree_.threshold[inner]))]
        # Smoothing draws small bins to 0 more than large ones and may swap their order: pool those.
        while direction and starts:
            steps = direction * np.diff(weight_of_evidence(_pooled(counts, starts), self.totals_))
            if steps.max() < 0:
                break
            del starts[int(steps.argmax())]
        return starts


class Scorecard(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Logistic regression on weights of evidence, scaled to points that add up to a score.

    A column whose coefficient would reverse its own WoE (safer bins getting fewer points) is removed,
    the worst first, and the rest refitted. With a logit a + sum(b * WoE) of default and k columns, a bin has
    -(b * WoE + a / k) * factor + offset / k points, where factor = pdo / ln 2 and
    offset = base_points - factor * ln(base_odds) (Siddiqi 2006, section on scaling). So points =
    offset + factor * ln(odds), and P(default) = 1 / (1 + exp((points - offset) / factor)), always.

    Parameters
    ----------
    binning : WeightOfEvidence, optional
        How columns are binned; its defaults if None.
    C : float, default=1.0
        Inverse strength of the ridge penalty of the regression.
    pdo, base_points, base_odds : float, default=20, 600, 50
        Points to double the odds; points at which the odds good to bad are ``base_odds``.
    prior : float, optional
        Default rate of the population, where the training rows over-represent one class: shifts the
        intercept by logit(prior) - logit(rate in the sample) (King and Zeng 2001). None: as in the sample.
    rounded : bool, default=False
        Whole points for each bin. Probabilities follow the rounded points.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        Sorted labels; the second is the default.
    binning_ : WeightOfEvidence
        The fitted bins.
    coef_ : dict of str to float
        Coefficient of each column's WoE in the logit of default; negative.
    intercept_ : float
        Logit of default where every WoE is 0, after ``prior``.
    points_ : dict of str to ndarray of shape (n_bins,)
        Points of each column's bins.
    factor_, offset_, constant_ : float
        Scaling, and points that every row gets: 0 unless no column is left to carry them.
    removed_ : dict of str to str
        Columns that are not in the card, and why.
    feature_names_in_, n_features_in_ : ndarray of str, int

    Examples
    --------
    >>> X = pd.DataFrame({"months": range(100), "status": ["A11"] * 40 + ["A12"] * 60})
    >>> y = [1, 1, 0, 0] * 10 + [1, 0, 0, 0] * 5 + [0] * 40
    >>> card = Scorecard(WeightOfEvidence(max_bins=2), rounded=True).fit(X, y)
    >>> card.table()[["column", "bin", "n", "bads", "points"]]
       column         bin   n  bads  points
    0  months  (-inf, 41)  41    21   487.0
    1  months   [41, inf)  59     4   560.0
    2  months     missing   0     0   518.0
    >>> card.removed_
    {'status': 'coefficient +0.0925 of its WoE would reverse its points'}
    >>> score(card.to_dict(), {"months": 12})
    487.0
    """

    def __init__(
        self,
        binning: WeightOfEvidence | None = None,
        *,
        C: float = 1.0,
        pdo: float = 20.0,
        base_points: float = 600.0,
        base_odds: float = 50.0,
        prior: float | None = None,
        rounded: bool = False,
    ) -> None:
        self.binning = binning
        self.C = C
        self.pdo = pdo
        self.base_points = base_points
        self.base_odds = base_odds
        self.prior = prior
        self.rounded = rounded

    def fit(self, X: pd.DataFrame, y: ArrayLike) -> Self:
        """Learn the card from applicants ``X``, shape (n_rows, n_columns), and outcomes ``y``, two classes.

        Raises
        ------
        ValueError, TypeError
            As :meth:`WeightOfEvidence.fit`; ``prior`` not between 0 and 1.
        """
        frame = _frame(X)
        self.classes_, bad = _outcome(y, frame)
        if self.prior is not None and not 0 < self.prior < 1:
            raise ValueError(f"prior is a default rate between 0 and 1, not {self.prior}")
        self.binning_ = clone(WeightOfEvidence() if self.binning is None else self.binning).fit(frame, bad)
        self.feature_names_in_ = self.binning_.feature_names_in_
        self.n_features_in_ = self.binning_.n_features_in_
        self.removed_: dict[str, str] = dict(self.binning_.dropped_)
        self.coef_, self.intercept_ = self._regress(self.binning_.transform(frame), bad)
        if self.prior is not None:
            self.intercept_ += _logit(self.prior) - _logit(float(bad.mean()))
        self._scale()
        return self

    def predict_proba(self, X: pd.DataFrame) -> Floats:
        """Return P(good) and P(default), shape (n_rows, 2)."""
        log_odds = (self.points(X) - self.offset_) / self.factor_
        # Each from its own side: 1 - p would lose the digits of a small probability.
        return 1 / (1 + np.exp(np.column_stack([-log_odds, log_odds])))

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return the more probable class of each row."""
        risky = self.predict_proba(X)[:, 1] > 0.5
        return np.asarray(self.classes_[risky.astype(int)])

    def points(self, X: pd.DataFrame) -> Floats:
        """Return the total points of each row, shape (n_rows,); more is safer."""
        return np.asarray(self.contributions(X).to_numpy(np.float64).sum(axis=1) + self.constant_)

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the points of each row by column; they sum to :meth:`points` less ``constant_``."""
        check_is_fitted(self)
        places = self.binning_.assign(X)
        return pd.DataFrame({k: p[places[k]] for k, p in self.points_.items()}, index=places.index)

    def table(self) -> pd.DataFrame:
        """Return the card, a row per bin: column, bin, n, bads, default_rate, woe, iv, points.

        ``iv`` is the bin's part of the column's information value; ``default_rate`` of an empty bin is NaN.
        """
        check_is_fitted(self)
        rows: list[tuple[Any, ...]] = []
        for name, points in self.points_.items():
            counts, woe = self.binning_.counts_[name], self.binning_.woe_[name]
            n, iv = counts.sum(axis=1).astype(int), _information(counts, self.binning_.totals_)
            labels, bads = _labels(self.binning_.bins_[name]), counts[:, 1].astype(int)
            rows += [(name, *row) for row in zip(labels, n, bads, woe, iv, points, strict=True)]
        table = pd.DataFrame(rows, columns=["column", "bin", "n", "bads", "woe", "iv", "points"])
        table.insert(4, "default_rate", table["bads"] / table["n"])
        return table

    def to_dict(self) -> dict[str, Any]:
        """Return the card as plain data for JSON; :func:`score` reads it without any library.

        ``{"format": "scorecard", "version": 1, "factor", "offset", "constant": numbers, "columns": [...]}``.
        Each column has ``name``, ``kind`` and ``missing`` (points of None or NaN). Kind ``numeric`` has
        ``special`` (pairs of code and points, looked up first), ``cuts`` (ascending) and ``points``, one
        more than cuts: ``points[i]`` counts from ``cuts[i - 1]`` inclusive to ``cuts[i]`` exclusive. Kind
        ``category`` has ``levels`` (text to points; a whole number is written without a point) and ``other``.
        P(default) = 1 / (1 + exp((points - offset) / factor)).
        """
        check_is_fitted(self)
        columns = [_plain(name, self.binning_.bins_[name], p.tolist()) for name, p in self.points_.items()]
        scale = {"factor": self.factor_, "offset": self.offset_, "constant": self.constant_}
        return {"format": "scorecard", "version": 1, **scale, "columns": columns}

    def to_sql(self, table: str, keys: Sequence[str] = ()) -> str:
        """Return a standard SQL query that scores every row of ``table``.

        Its columns are ``keys`` (taken over, to tell the rows apart), ``<column>_points`` for each column of
        the card, ``points`` and ``probability`` (of default). It needs only CASE, IN and EXP: SQLite 3.35 or
        later with math functions, PostgreSQL, or MySQL in ANSI mode. Missing is NULL there,
        not NaN; booleans are 0 and 1.

        Raises
        ------
        ValueError
            Two output columns would have the same name (SQL often ignores case).
        """
        check_is_fitted(self)
        cases = {f"{name}_points": self._case(name) for name in self.points_}
        cases = cases or {"constant_points": repr(self.constant_)}
        names = [name.casefold() for name in (*keys, *cases, "points", "probability")]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"the query would have two columns named {twice[0]!r}; leave out the key")
        columns = [f"applicant.{_quoted(key)}" for key in keys]
        columns += [f"{case} AS {_quoted(name)}" for name, case in cases.items()]
        separator = ",\n    "
        odds = f"EXP((points - {self.offset_!r}) / {self.factor_!r})"
        return (
            f"WITH parts AS (\n  SELECT {separator.join(columns)}\n  FROM {_quoted(table)} AS applicant\n),\n"
            f"scored AS (\n  SELECT parts.*, {' + '.join(map(_quoted, cases))} AS points\n  FROM parts\n)\n"
            f"SELECT scored.*, 1.0 / (1.0 + {odds}) AS probability\nFROM scored"
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        return tags

    def _regress(self, woe: pd.DataFrame, bad: Integers) -> tuple[dict[str, float], float]:
        while woe.shape[1]:
            # Newton's steps end at the optimum, so the order of rows and columns does not show in the points.
            model = LogisticRegression(C=self.C, solver="newton-cholesky", tol=1e-8).fit(woe.to_numpy(), bad)
            coef = dict(zip(woe.columns, model.coef_[0].tolist(), strict=True))
            worst = max(coef, key=coef.__getitem__)
            if coef[worst] < 0:
                return coef, float(model.intercept_[0])
            self.removed_[worst] = f"coefficient {coef[worst]:+.3g} of its WoE would reverse its points"
            woe = woe.drop(columns=worst)
        return {}, _logit(float(bad.mean()))

    def _scale(self) -> None:
        self.factor_ = float(self.pdo / np.log(2))
        self.offset_ = float(self.base_points - self.factor_ * np.log(self.base_odds))
        base = self.offset_ - self.factor_ * self.intercept_  # of a row whose every WoE is 0
        tidy = np.rint if self.rounded else np.asarray
        self.constant_ = 0.0 if self.coef_ else float(tidy(base))
        self.points_: dict[str, Floats] = {
            name: tidy(base / len(self.coef_) - self.factor_ * b * self.binning_.woe_[name])
            for name, b in self.coef_.items()
        }

    def _case(self, name: str) -> str:
        # Qualified, because SQLite reads a double-quoted name that it does not know as a string.
        value, bins = f"applicant.{_quoted(name)}", self.binning_.bins_[name]
        points = [repr(p) for p in self.points_[name].tolist()]
        if "groups" in bins:
            tests = [f"{value} IN ({', '.join(map(_literal, group))})" for group in bins["groups"]]
            results, rest = points[:-2], points[-2]
        else:
            size = len(bins["cuts"])
            tests = [f"{value} = {code!r}" for code in bins["codes"]]
            tests += [f"{value} < {cut!r}" for cut in bins["cuts"]]
            results, rest = points[size + 1 : -1] + points[:size], points[size]
        whens = [f"WHEN {test} THEN {result}" for test, result in zip(tests, results, strict=True)]
        return " ".join(["CASE", f"WHEN {value} IS NULL THEN {points[-1]}", *whens, f"ELSE {rest} END"])


def score(card: Mapping[str, Any], applicant: Mapping[str, Any]) -> float:
    """Return the points of one applicant from a card of :meth:`Scorecard.to_dict`; needs only ``bisect``.

    A value may be None (missing); a field that the card asks for and ``applicant`` lacks is a KeyError.
    """
    total: float = card["constant"]
    for column in card["columns"]:
        value = applicant[column["name"]]
        if value is None or value != value:
            total += column["missing"]
        elif column["kind"] == "numeric":
            position = bisect_right(column["cuts"], value)
            total += dict(column["special"]).get(value, column["points"][position])
        else:
            whole = isinstance(value, float) and value.is_integer()
            total += column["levels"].get(str(int(value) if whole else value), column["other"])
    return total


def _plain(name: str, bins: Bins, points: list[float]) -> dict[str, Any]:
    if "groups" in bins:
        pairs = zip(bins["groups"], points, strict=False)  # the last two points are other and missing
        levels = {level: p for group, p in pairs for level in group}
        kind = {"name": name, "kind": "category", "missing": points[-1]}
        return {**kind, "levels": levels, "other": points[-2]}
    size = len(bins["cuts"]) + 1
    special = [[code, p] for code, p in zip(bins["codes"], points[size:-1], strict=True)]
    kind = {"name": name, "kind": "numeric", "missing": points[-1]}
    return {**kind, "special": special, "cuts": list(bins["cuts"]), "points": points[:size]}


def _labels(bins: Bins) -> list[str]:
    if "groups" in bins:
        return [", ".join(group) for group in bins["groups"]] + ["other", "missing"]
    ends = ["-inf", *(f"{cut:.15g}" for cut in bins["cuts"]), "inf"]
    ranges = [f"{'[' if i else '('}{ends[i]}, {ends[i + 1]})" for i in range(len(ends) - 1)]
    return ranges + [f"special {code:.15g}" for code in bins["codes"]] + ["missing"]


def _locate(column: Column, bins: Bins) -> Integers:
    """Position of each value's bin, shape (n_rows,)."""
    if "groups" in bins:
        other = len(bins["groups"])
        known = {level: i for i, group in enumerate(bins["groups"]) for level in group}
        place, levels = _levels(column)
        # Missing has place -1, so its bin stands last.
        return np.array([known.get(level, other) for level in levels] + [other + 1], dtype=np.intp)[place]
    values = _numbers(column)
    index = np.searchsorted(np.array(bins["cuts"]), values, side="right")
    for position, code in enumerate(bins["codes"], start=len(bins["cuts"]) + 1):
        index[values == code] = position
    index[np.isnan(values)] = len(bins["cuts"]) + len(bins["codes"]) + 1
    return index


def _count(place: Integers, bad: Integers, size: int) -> Floats:
    """Goods and bads at each place, shape (size, 2)."""
    return np.bincount(2 * place + bad, minlength=2 * size).reshape(size, 2).astype(np.float64)


def _pooled(counts: Floats, starts: Sequence[int]) -> Floats:
    return np.array([part.sum(axis=0) for part in np.split(counts, starts)])


def _short(low: float, high: float) -> float:
    """Round ``high`` as far as it stays in (low, high]: readable, and read alike by every database."""
    shorter = (float(f"{high:.{digits}g}") for digits in range(1, 18))
    return next(cut for cut in shorter if low < cut <= high)


def _is_numeric(column: Column) -> bool:
    if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
        raise TypeError(f"column {column.name!r} is a date or duration; give the time since, as a number")
    if isinstance(column.dtype, pd.CategoricalDtype):  # numbers declared as categories stay categories
        return pd.api.types.infer_dtype(column.cat.categories) == "boolean"
    objects = {"boolean", "integer", "floating", "mixed-integer-float", "decimal"}
    return pd.api.types.is_numeric_dtype(column) or pd.api.types.infer_dtype(column) in objects


def _numbers(column: Column) -> Floats:
    try:
        plain = column.astype(object) if isinstance(column.dtype, pd.CategoricalDtype) else column
        return plain.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"column {column.name!r} was numeric in training and is not now: {error}") from error


def _levels(column: Column) -> tuple[Integers, list[str]]:
    """Place of each row's level (-1 missing) and the levels as text: 1, 1.0 and "1" are the same level."""
    place, values = pd.factorize(column)
    text = [str(int(v) if isinstance(v, float) and v.is_integer() else v) for v in values.tolist()]
    levels = {level: i for i, level in enumerate(dict.fromkeys(text))}
    return np.array([levels[level] for level in text] + [-1], dtype=np.intp)[place], list(levels)


def _frame(X: pd.DataFrame) -> pd.DataFrame:
    if not isinstance(X, pd.DataFrame):  # an array, as scikit-learn's own checks pass: named x0, x1 ...
        array = check_array(X, dtype=None, ensure_all_finite="allow-nan")
        return pd.DataFrame(array, columns=[f"x{i}" for i in range(array.shape[1])])
    frame = X.set_axis([str(name) for name in X.columns], axis=1)
    if not frame.columns.is_unique:
        raise ValueError(f"column {frame.columns[frame.columns.duplicated()][0]!r} occurs twice")
    return frame


def _column(frame: pd.DataFrame, name: str) -> Column:
    if name not in frame:
        near = difflib.get_close_matches(name, frame.columns, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"column {name!r} is missing; the table has {', '.join(frame.columns)}.{hint}")
    return frame[name]


def _outcome(y: ArrayLike, frame: pd.DataFrame) -> tuple[NDArray[Any], Integers]:
    """Sorted classes, and 1 where a row is of the second, shape (n_rows,)."""
    labels = column_or_1d(y, warn=True)
    assert_all_finite(labels, input_name="y")
    check_classification_targets(labels)
    check_consistent_length(frame, labels)
    classes, bad = np.unique(labels, return_inverse=True)
    if len(classes) != 2:
        found = "1 class" if len(classes) == 1 else f"{len(classes)} classes"
        raise ValueError(f"y holds {found}. Only binary classification is supported: goods and bads")
    return classes, bad.astype(np.intp)


def _logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
