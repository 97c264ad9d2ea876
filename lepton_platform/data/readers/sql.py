"""Databases, by an SQLAlchemy URL that says what to read.

``sqlite:///shop.db?query=SELECT * FROM orders WHERE paid = 1`` runs a query, and
``postgresql://user:password@host/shop?table=orders`` reads a whole table. A query without spaces is
taken as URL-encoded, one with spaces as it stands. Messages never show the password.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote_plus

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError

from lepton_platform.data.dataset import Finding, Source
from lepton_platform.data.readers.missing import missing_fault
from lepton_platform.data.readers.table import Table, checked, inexact_warnings
from lepton_platform.errors import DataError, did_you_mean

KIND = "a database"
FAULTS: tuple[type[Exception], ...] = ()
HOW_TO_ASK = "Write ...?table=NAME, or ...?query=SELECT ... FROM ..."


def knows(source: Source) -> bool:
    """Whether SQLAlchemy has a dialect for the scheme of ``source``."""
    try:
        sa.URL.create(str(source).partition("://")[0]).get_dialect()
    except NoSuchModuleError:
        return False
    return True


def read(source: Source) -> Table:
    """Return all rows of the query or table."""
    with _result(source) as (query, connection, shown):
        frame = pd.read_sql_query(query, connection)
        frame.columns = pd.Index(checked(shown, frame.columns, len(frame)))
    return Table(frame, tuple(inexact_warnings(frame)))


def batches(source: Source, rows: int) -> Iterator[pd.DataFrame]:
    """Yield the rows of the query or table in frames of at most ``rows`` rows."""
    with _result(source) as (query, connection, shown):
        for frame in pd.read_sql_query(query, connection, chunksize=rows):
            frame.columns = pd.Index(checked(shown, frame.columns, len(frame)))
            yield frame


@contextmanager
def _result(source: Source) -> Iterator[tuple[str, sa.Connection, Source]]:
    """Connect, and give the query to run and the source as it may be shown."""
    url, request = _parsed(source)
    shown = Source(url.set(query={}).render_as_string(hide_password=True))
    with _connected(url, shown) as connection:
        yield _query(connection, request, shown), connection, shown


def _parsed(source: Source) -> tuple[sa.URL, dict[str, str]]:
    """Split ``source`` into the database's URL and what is asked of it (``query`` or ``table``)."""
    address, _, parameters = str(source).partition("?")
    request: dict[str, str] = {}
    others: list[str] = []
    # Not parse_qsl: it would turn the plus in "SELECT a+b FROM t" into a space.
    for parameter in re.split(r"&(?=\w+=)", parameters):
        key, _, value = parameter.partition("=")
        if key in ("query", "table"):
            request[key] = value if re.search(r"\s", value) else unquote_plus(value)
        elif parameter:
            others.append(parameter)
    try:
        return sa.make_url(address + ("?" + "&".join(others) if others else "")), request
    except (SQLAlchemyError, ValueError) as error:
        remedy = "Write dialect://user:password@host:port/database?query=..., special characters as %XX"
        fault = Finding("error", "it is not a database URL that SQLAlchemy understands", remedy=remedy)
        raise DataError([fault], address.partition("://")[0] + "://...") from error


@contextmanager
def _connected(url: sa.URL, shown: Source) -> Iterator[sa.Connection]:
    """Connect, and turn every fault of connection and query into a ``DataError``."""
    _check_sqlite_file(url, shown)
    try:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        # Rows stream instead of gathering in the driver, and a percent sign in the query is itself.
        options = {"stream_results": True, "no_parameters": True}
        with engine.connect() as connection:
            yield connection.execution_options(**options)
    except ModuleNotFoundError as error:
        remedy = f"Install the driver: pip install {error.name}"
        fault = Finding("error", f"connecting needs the Python module {error.name!r}", remedy=remedy)
        raise DataError([fault], str(shown)) from error
    except (SQLAlchemyError, OSError, pd.errors.DatabaseError) as error:
        reason = str(error.orig if isinstance(error, DBAPIError) else error).strip()
        if url.password:
            reason = reason.replace(str(url.password), "***")
        remedy = "Check the query, the address and the right to read"
        fault = Finding("error", f"the database answered: {reason}", remedy=remedy)
        raise DataError([fault], str(shown)) from error


def _check_sqlite_file(url: sa.URL, shown: Source) -> None:
    """SQLite would create a missing file and then say that the table is missing."""
    name = url.database or ":memory:"
    if (
        url.get_backend_name() == "sqlite"
        and not name.startswith((":memory:", "file:"))
        and not Path(name).exists()
    ):
        raise DataError([missing_fault(Path(name))], str(shown))


def _query(connection: sa.Connection, request: dict[str, str], shown: Source) -> str:
    """Return the query to run; raise ``DataError`` where there is none, listing the tables."""
    if request.get("query"):
        return request["query"]
    inspector = sa.inspect(connection)
    tables = [*inspector.get_table_names(), *inspector.get_view_names()]
    name = request.get("table", "")
    if not name:
        fault = Finding(
            "error", "the URL does not say what to read", remedy=f"{HOW_TO_ASK}. {_listed(tables)}"
        )
        raise DataError([fault], str(shown))
    if name not in tables and "." not in name:
        fault = Finding(
            "error", f"there is no table {name!r}", remedy=did_you_mean(name, tables) or _listed(tables)
        )
        raise DataError([fault], str(shown))
    quote = connection.dialect.identifier_preparer.quote_identifier
    parts = [name] if name in tables else name.split(".")  # schema.table
    return f"SELECT * FROM {'.'.join(quote(part) for part in parts)}"


def _listed(tables: list[str]) -> str:
    return f"Tables there: {', '.join(sorted(tables))}" if tables else "There are no tables there"
