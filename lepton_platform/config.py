"""Options of an application: one frozen, typed model, checked once, where it is made.

Every field is a command-line option (``cost_of_default`` is ``--cost-of-default``); its type,
bounds and description become the option's type, its help and its error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from lepton_platform.errors import ConfigError, UnknownNameError

if TYPE_CHECKING:
    from lepton_platform.application import Application, Task

__all__ = ["Config", "Field", "config_of", "option_name"]


class Config(BaseModel):
    """Options of one run; a subclass per application.

    Examples
    --------
    >>> class Churn(Config):
    ...     offer_cost: float = Field(8.0, gt=0, description="price of one offer, EUR")
    >>> Churn.checked({"offer_cost": "12"}).offer_cost
    12.0
    >>> Churn.checked({"offer_cots": 12})
    Traceback (most recent call last):
        ...
    lepton_platform.errors.UnknownNameError: there is no option '--offer-cots'. Did you mean '--offer-cost'?
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _listed(cls, value: object, info: ValidationInfo) -> object:
        """Read ``a,b`` where a tuple is wanted, as it comes from the command line."""
        if get_origin(cls.model_fields[str(info.field_name)].annotation) is not tuple:
            return value
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return tuple(map(str, value)) if isinstance(value, list) else value

    @classmethod
    def checked(cls, values: Mapping[str, Any], owner: str = "", prefix: str = "") -> Self:
        """Return the config with ``values``, or raise ``ConfigError`` naming every bad one.

        ``prefix`` stands before the options' names in messages: an extension's name and a dot.
        """
        for name in values:
            if name not in cls.model_fields:
                known = [option_name(prefix + field) for field in cls.model_fields]
                raise UnknownNameError("option", option_name(prefix + name), known, owner)
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            faults = [_fault(detail, prefix) for detail in error.errors()]
            raise ConfigError("; ".join(faults)) from None


def config_of(application: Application, task: Task) -> type[Config]:
    """Return the one class that holds the options of an application and of its task.

    A field of the application replaces the task's field of the same name; ``Application.target``
    becomes the target's default.
    """
    own = application.config
    if own is None:
        merged: type[Config] = task.config
    elif issubclass(own, task.config):
        merged = own
    else:
        described = {"__module__": own.__module__, "__doc__": own.__doc__}
        merged = type(own.__name__, (own, task.config), described)
    if application.target is None or "target" not in merged.model_fields:
        return merged
    known = Field(application.target, description=merged.model_fields["target"].description)
    fields = {"target": known, "__annotations__": {"target": str}, "__module__": merged.__module__}
    return type(merged.__name__, (merged,), {**fields, "__doc__": merged.__doc__})


def option_name(field: str) -> str:
    """Return the command-line spelling of a field, or of an extension's ``<extension>.<field>``.

    >>> option_name("cost_of_default"), option_name("acme-forest.max_depth")
    ('--cost-of-default', '--acme-forest.max-depth')
    """
    return "--" + field.replace("_", "-")


def _fault(detail: Any, prefix: str) -> str:
    if not detail["loc"]:  # a validator over several fields
        return str(detail["msg"]).removeprefix("Value error, ")
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{option_name(prefix + str(detail['loc'][0]))} is {detail['input']!r}: {message}"
