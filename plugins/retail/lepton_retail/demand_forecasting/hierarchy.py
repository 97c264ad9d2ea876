"""Forecasts of departments, categories and the whole that add up.

Every node's forecast is the sum of its items'. Beside it stand forecasts of the nodes themselves,
reconciled with the items' by minimum trace with structural weights (Wickramasuriya, Athanasopoulos
and Hyndman 2019; hierarchicalforecast's): where these are nearer, the items miss what they share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_retail.demand_forecasting.classical import Classical

Floats = NDArray[np.float64]

TOTAL = "all"


@dataclass(frozen=True)
class Tree:
    """The nodes above the items, from the whole down."""

    nodes: pd.MultiIndex
    """(level, node), one per row of ``sums``."""
    sums: Floats
    """Shape (nodes, items): 1 where the item is in the node."""

    @classmethod
    def of(cls, attributes: pd.DataFrame) -> Tree:
        """Return the tree of items, one per row, by their attributes from top to bottom."""
        names, rows = [(TOTAL, TOTAL)], [np.ones(len(attributes))]
        for depth in range(1, attributes.shape[1] + 1):
            path = attributes.iloc[:, :depth].astype(str).agg(" / ".join, axis=1).to_numpy()
            for node in sorted(set(path)):
                names.append((str(attributes.columns[depth - 1]), str(node)))
                rows.append((path == node).astype(float))
        return cls(pd.MultiIndex.from_tuples(names, names=["level", "node"]), np.array(rows))

    def up(self, items: Floats) -> Floats:
        """Return the sums of the items' values, shape (nodes, periods); unknown values count as 0."""
        return np.asarray(self.sums @ np.nan_to_num(items), dtype=float)

    def reconciled(self, nodes: Floats, items: Floats) -> Floats:
        """Return forecasts of all nodes that add up, from forecasts of nodes and of items.

        Shapes (nodes, periods) and (items, periods); the result is of the nodes.
        """
        from hierarchicalforecast.methods import MinTrace

        whole = np.vstack([self.sums, np.eye(self.sums.shape[1])])
        method = MinTrace(method="wls_struct")
        told = method.fit_predict(S=whole, y_hat=np.vstack([nodes, items]))["mean"]
        return np.asarray(told[: len(self.sums)], dtype=float)


def node_forecasts(history: Floats, horizon: int, seasons: tuple[int, ...]) -> Floats:
    """Return forecasts of each node's own past by the theta method, shape (nodes, horizon)."""
    count, periods = history.shape
    index = pd.MultiIndex.from_product([[str(node) for node in range(count)], range(periods)])
    future = pd.MultiIndex.from_product([index.levels[0], range(periods, periods + horizon)])
    model = Classical("theta", horizon, seasons).fit(
        pd.DataFrame(index=index), pd.Series(history.ravel(), index)
    )
    order = np.argsort(np.argsort([str(node) for node in range(count)]))
    return model.predict(pd.DataFrame(index=future))[:, 0].reshape(count, horizon)[order]
