"""Options of a diagnosis-aid run."""

from __future__ import annotations

from lepton_platform import Field
from lepton_platform.tasks.image.config import ImageConfig


class DiagnosisAidConfig(ImageConfig):
    """What the report shows, beside how pictures are read and when they are referred."""

    gallery: int = Field(8, ge=0, le=40, description="pictures of each kind that the report shows")
    heat_maps: int = Field(
        6, ge=0, le=500, description="pictures whose heat map the report shows; a second or so each"
    )
