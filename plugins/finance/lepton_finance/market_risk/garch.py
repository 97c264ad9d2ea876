"""The GARCH family, estimated by the package arch and filtered here day by day.

Variance of the return r with mean mu and shock e = r - mu, z = e / sigma (Bollerslev 1986; Glosten,
Jagannathan and Runkle 1993; Nelson 1991):

- GARCH, GJR: ``omega + (alpha + gamma [e < 0]) e**2 + beta sigma**2``
- EGARCH: ``log sigma**2 = omega + alpha (|z| - sqrt(2 / pi)) + gamma z + beta log sigma**2``

The recursion starts from arch's backcast, an exponentially weighted mean of the window's first 75 squared
shocks. Returns are divided by their deviation before they are estimated on: the optimiser needs numbers
near one.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from arch import arch_model
from numpy.typing import NDArray

from lepton_platform.tasks.volatility.filters import FEWEST, LEAST, Forecast, Tails, empirical_tails
from lepton_platform.tasks.volatility.panel import Day, Panel
from lepton_platform.tasks.volatility.rolling import GatedForecast

Floats = NDArray[np.float64]

MEAN_OF_ABSOLUTE_NORMAL = np.sqrt(2 / np.pi)


@dataclass(frozen=True)
class GarchFilter:
    """The recursion of each instrument, in units of its ``scale``; NaN where nothing could be estimated."""

    scale: Floats
    """Deviation of the window's returns, shape (instruments,)."""
    parameters: Floats
    """mu, omega, alpha, gamma, beta; shape (5, instruments)."""
    log_variance: Floats
    """Of the next day, shape (instruments,)."""
    tails: Tails
    exponential: bool
    """Whether the recursion is EGARCH's."""

    def forecast(self) -> Forecast:
        """Return the forecast of the next day."""
        with np.errstate(over="ignore", invalid="ignore"):
            volatility = self.scale * np.exp(self.log_variance / 2)
        mean = (self.scale * self.parameters[0])[:, None]
        var, es = (multiple * volatility[:, None] - mean for multiple in self.tails)
        nobody = np.zeros(len(volatility), dtype=bool)
        return Forecast(volatility, var, es, nobody, np.full(len(volatility), np.nan))

    def step(self, day: Day) -> GarchFilter:
        """Return the filter after one more day."""
        mu, omega, alpha, gamma, beta = self.parameters
        shock = day.returns / self.scale - mu
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            if self.exponential:
                z = shock * np.exp(-self.log_variance / 2)
                news = alpha * (np.abs(z) - MEAN_OF_ABSOLUTE_NORMAL) + gamma * z
                after = omega + news + beta * self.log_variance
            else:
                news = (alpha + gamma * (shock < 0)) * shock**2
                after = np.log(omega + news + beta * np.exp(self.log_variance))
        return replace(self, log_variance=np.where(np.isfinite(day.returns), after, self.log_variance))


class GarchForecast(GatedForecast):
    """GARCH, GJR or EGARCH of order one, by maximum likelihood on each window.

    Parameters
    ----------
    form : {"garch", "gjr", "egarch"}
    distribution : {"normal", "t", "skewt"}
        Of the standardised returns; the t distributions are scaled to a variance of one.
    tails : {"both", "parametric", "historical"}
        Quantiles of that distribution, of the standardised returns in the window, or the mean of the two.
    """

    def __init__(
        self,
        form: str = "gjr",
        distribution: str = "skewt",
        *,
        levels: tuple[float, ...],
        es_levels: tuple[float, ...],
        tails: str = "both",
        window: int = 1000,
        refit_every: int = 20,
    ) -> None:
        super().__init__(levels=levels, es_levels=es_levels, window=window, refit_every=refit_every)
        self.form = form
        self.distribution = distribution
        self.tails = tails

    def estimate(self, past: Panel) -> GarchFilter:
        """Estimate each instrument's own."""
        fits = [self._one(column[np.isfinite(column)]) for column in past.returns.T]
        scale, parameters, log_variance, var, es = (np.array(part) for part in zip(*fits, strict=True))
        return GarchFilter(scale, parameters.T, log_variance, Tails(var, es), self.form == "egarch")

    def _one(self, returns: Floats) -> tuple[float, Floats, float, Floats, Floats]:
        """Return scale, parameters, log variance of the next day, and the tails, of one instrument."""
        nothing = (
            np.nan,
            np.full(5, np.nan),
            np.nan,
            np.full(len(self.levels), np.nan),
            np.full(len(self.es_levels), np.nan),
        )
        scale = float(returns.std()) if len(returns) >= FEWEST else 0.0
        if scale <= LEAST:
            return nothing
        result = fitted(returns / scale, self.form, self.distribution)
        if result is None:
            return nothing
        parameters = _parameters(result, self.form)
        if not _stable(parameters, self.form):
            return nothing
        z = np.asarray(result.std_resid)
        last = GarchFilter(
            np.ones(1),
            parameters[:, None],
            np.log(np.asarray(result.conditional_volatility)[-1:] ** 2),
            Tails(np.ones((1, 1)), np.ones((1, 1))),
            self.form == "egarch",
        ).step(Day(returns[-1:] / scale, np.full(1, np.nan)))
        tails = self._tails(z, result)
        return scale, parameters, float(last.log_variance[0]), tails.var[0], tails.es[0]

    def _tails(self, z: Floats, result: Any) -> Tails:
        observed = empirical_tails(z[:, None], self.levels, self.es_levels)
        if self.tails == "historical":
            return observed
        assumed = parametric_tails(result, self.levels, self.es_levels)
        if self.tails == "parametric":
            return assumed
        return Tails((observed.var + assumed.var) / 2, (observed.es + assumed.es) / 2)


def fitted(returns: Floats, form: str, distribution: str, backcast: float | None = None) -> Any | None:
    """Return arch's result for returns near unit variance, or ``None`` where the optimiser gave up."""
    model = arch_model(
        returns,
        mean="Constant",
        vol="EGARCH" if form == "egarch" else "GARCH",
        p=1,
        o=0 if form == "garch" else 1,
        q=1,
        dist=distribution,  # type: ignore[arg-type]
        rescale=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether it converged is looked at below
        try:
            result = model.fit(disp="off", show_warning=False, backcast=backcast)
        except (ValueError, FloatingPointError, np.linalg.LinAlgError):
            return None
    return result if result.convergence_flag == 0 and np.isfinite(result.params).all() else None


def parametric_tails(result: Any, levels: tuple[float, ...], es_levels: tuple[float, ...]) -> Tails:
    """Return the tails of the estimated distribution, of unit variance."""
    distribution, shape = (
        result.model.distribution,
        result.params.to_numpy()[-result.model.distribution.num_params :],
    )
    shape = shape if distribution.num_params else None
    var = -np.asarray(distribution.ppf(np.array(levels), shape))
    cuts = np.atleast_1d(distribution.ppf(np.array(es_levels), shape))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an integral far out; the gate looks at the result
        moments = [distribution.partial_moment(1, cut, shape) for cut in cuts]
    es = [-moment / level for moment, level in zip(moments, es_levels, strict=True)]
    return Tails(var[None, :], np.array(es, dtype=float)[None, :])


def _parameters(result: Any, form: str) -> Floats:
    """Return mu, omega, alpha, gamma, beta."""
    found = result.params.to_numpy(dtype=float)
    return np.insert(found[:4], 3, 0.0) if form == "garch" else found[:5]


def _stable(parameters: Floats, form: str) -> bool:
    """Return whether the variance has a mean to come back to."""
    _, _, alpha, gamma, beta = parameters
    return bool(abs(beta) < 1 if form == "egarch" else alpha + gamma / 2 + beta < 1)
