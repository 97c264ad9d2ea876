"""Exports every run to MLflow, whatever its application, when it ends.

It only observes: a store that cannot be reached costs the run nothing but a warning. What takes long
to import, MLflow and what ``Run`` stands for, is not needed to declare it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import field_validator

from lepton_platform import Config, Extension, Field, hookimpl

if TYPE_CHECKING:
    import click

    from lepton_platform import Run


class MLflow(Config):
    """Where runs are exported to, and how much of them."""

    uri: str | None = Field(None, description="MLflow's store or server; else MLFLOW_TRACKING_URI decides")
    experiment: str | None = Field(
        None, description="experiment; else MLFLOW_EXPERIMENT_NAME, else the application's id"
    )
    model: bool = Field(False, description="upload the model's folder as well")

    @field_validator("uri")
    @classmethod
    def _no_password(cls, uri: str | None) -> str | None:
        if uri is not None and re.search(r"://[^/@]*:[^/@]*@", uri):
            raise ValueError(
                "the run's record would keep the password; set MLFLOW_TRACKING_USERNAME and "
                "MLFLOW_TRACKING_PASSWORD, or all of it as MLFLOW_TRACKING_URI"
            )
        return uri


extension = Extension(
    "*",
    config=MLflow,
    waivers={"leaves-nothing-behind": "MLflow's default store lies in the folder where a run is made"},
)


@hookimpl
def lepton_run_finished(run: Run, config: MLflow) -> None:
    """Export the finished run."""
    from lepton_mlflow.export import export

    entry = export(run.folder, run.record, config.uri, config.experiment, config.model)
    run.log(f"exported to MLflow as run {entry}")


@hookimpl
def lepton_run_failed(run: Run, config: MLflow) -> None:
    """Export what there is of a run that failed or was interrupted."""
    from lepton_mlflow.export import export

    export(run.folder, run.record, config.uri, config.experiment, model=False)


@hookimpl
def lepton_commands() -> Sequence[click.Command]:
    """Add ``lepton mlflow``, for runs that are over."""
    from lepton_mlflow.command import command

    return [command]
