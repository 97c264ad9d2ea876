"""Options: frozen, typed, checked once; every fault named as the user wrote it."""

from typing import Literal

import pytest
from pydantic import ValidationError

from lepton_platform import Application, Config, Field, Task
from lepton_platform.config import config_of, option_name
from lepton_platform.errors import ConfigError, UnknownNameError
from lepton_platform.tasks.binary.config import BinaryConfig


class Churn(Config):
    """Options for these tests."""

    offer_cost: float = Field(8.0, gt=0, description="price of one offer, EUR")
    calls: int = Field(20, ge=1, le=100)
    names: tuple[str, ...] = ()
    kind: Literal["mail", "call"] = "mail"
    quick: bool = False


def test_without_values_every_option_has_its_default():
    assert Churn.checked({}).model_dump() == {
        "offer_cost": 8.0, "calls": 20, "names": (), "kind": "mail", "quick": False
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("offer_cost", "12", 12.0),
        ("offer_cost", "1e3", 1000.0),
        ("calls", "7", 7),
        ("names", "a, b,,c ", ("a", "b", "c")),
        ("names", "", ()),
        ("names", ["a", "b"], ("a", "b")),
        ("names", [1, 2], ("1", "2")),
        ("names", ("a b",), ("a b",)),
        ("kind", "call", "call"),
        ("quick", "yes", True),
    ],
)
def test_a_value_is_read_as_it_is_written_on_the_command_line_or_in_a_file(field, text, value):
    assert getattr(Churn.checked({field: text}), field) == value


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"offer_cost": "0"}, "--offer-cost is '0': Input should be greater than 0"),
        ({"offer_cost": "much"}, "--offer-cost is 'much': Input should be a valid number"),
        ({"offer_cost": "nan"}, "--offer-cost is 'nan'"),
        ({"offer_cost": "inf"}, "--offer-cost is 'inf'"),
        ({"calls": 101}, "--calls is 101: Input should be less than or equal to 100"),
        ({"calls": "2.5"}, "--calls is '2.5'"),
        ({"kind": "fax"}, "--kind is 'fax': Input should be 'mail' or 'call'"),
    ],
)
def test_a_bad_value_is_named_with_its_option_and_what_it_should_be(values, said):
    with pytest.raises(ConfigError) as error:
        Churn.checked(values)
    assert str(error.value).startswith(said)


def test_all_bad_values_are_named_at_once():
    with pytest.raises(ConfigError, match=r"--offer-cost is -1.*; --calls is 0"):
        Churn.checked({"offer_cost": -1, "calls": 0})


@pytest.mark.parametrize("owner", ["", "acme.churn"])
def test_an_unknown_option_is_an_error_with_a_suggestion(owner):
    with pytest.raises(
        UnknownNameError, match=r"no option '--offer-cots'\. Did you mean '--offer-cost'\?"
    ) as error:
        Churn.checked({"offer_cots": 12}, owner)
    assert str(error.value).startswith(owner or "there is")


def test_a_config_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Churn.checked({}).calls = 3  # type: ignore[misc]


def test_a_default_that_breaks_its_own_bound_is_an_error():
    class Wrong(Config):
        share: float = Field(2.0, le=1)

    with pytest.raises(ConfigError, match=r"--share is 2\.0"):
        Wrong.checked({})


def test_every_config_survives_the_record_of_its_run():
    config = Churn.checked({"offer_cost": "12", "names": "a,b", "quick": "true"})
    assert Churn.checked(config.model_dump(mode="json")) == config


def test_an_option_is_spelt_with_hyphens():
    assert option_name("cost_of_default") == "--cost-of-default"


# ------------------------------------------------------------- the application's and the task's


def merged_with(config: type[Config] | None, target: str | None = None) -> type[Config]:
    application = Application("Rank", task="binary", config=config, target=target)
    return config_of(application, Task(summary="", config=BinaryConfig))


class Derived(BinaryConfig):
    """A config that builds on its task's."""

    offer_cost: float = 8.0


@pytest.mark.parametrize("own", [Churn, Derived, None])
def test_an_application_has_its_own_options_and_its_tasks(own):
    merged = merged_with(own)
    expected = {*BinaryConfig.model_fields, *(own.model_fields if own else ())}
    assert merged.model_fields.keys() == expected
    assert merged.checked({"folds": "3"}).folds == 3
    with pytest.raises(ConfigError, match="--folds is '1'"):
        merged.checked({"folds": "1"})


def test_an_application_may_replace_an_option_of_its_task():
    class Own(Config):
        folds: int = Field(10, description="ours")

    assert merged_with(Own).checked({}).folds == 10


@pytest.mark.parametrize("own", [Churn, Derived, None])
def test_the_applications_target_is_the_default_and_the_user_may_name_another(own):
    merged = merged_with(own, target="left")
    assert merged.checked({}).target == "left"
    assert merged.checked({"target": "gone"}).target == "gone"
    assert merged.model_fields["target"].description == BinaryConfig.model_fields["target"].description


@pytest.mark.parametrize(
    ("special", "good"), [("-9", True), ("-9,income:-8", True), ("income:", False), ("missing", False)]
)
def test_special_codes_are_numbers(special, good):
    if good:
        BinaryConfig.checked({"special": special})
    else:
        with pytest.raises(ConfigError, match="is no number; write -9 or income:-9"):
            BinaryConfig.checked({"special": special})
