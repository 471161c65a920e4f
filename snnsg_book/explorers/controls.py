"""Controls of an explorer: checked traits that also say how the page shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import traitlets

from snnsg_lib.checks import check_choice, check_number
from snnsg_lib.surrogates import FAMILIES


class Control(traitlets.TraitType):
    """A synchronised value that the reader can change; without a label the page shows no control for it.

    Parameters
    ----------
    default : object
        First value.
    label : str
        What the page writes above the control.
    wide : bool
        Whether it takes twice the width of the others.
    more : bool
        Whether it stands under "More controls".
    idle : mapping of str to sequence, optional
        Other control -> values of it at which this one has nothing to say and is greyed out.
    """

    kind = "hidden"

    def __init__(
        self,
        default: Any,
        label: str = "",
        *,
        wide: bool = False,
        more: bool = False,
        idle: Mapping[str, Sequence[str]] | None = None,
    ):
        super().__init__(default)
        self.label, self.wide, self.more = label, wide, more
        self.idle = {name: list(values) for name, values in (idle or {}).items()}
        self.tag(sync=True)

    def declaration(self) -> dict[str, Any]:
        """What the page needs to build the control; what is empty is left out."""
        shown = {"label": self.label, "wide": self.wide, "more": self.more, "idle": self.idle, **self._details()}
        kind = self.kind if self.label else "hidden"
        return {"name": self.name, "kind": kind} | {key: value for key, value in shown.items() if value}

    def _details(self) -> dict[str, Any]:
        return {}


class Button:
    """A place among the controls for a button that the explorer's script gives a text and a deed."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def declaration(self) -> dict[str, Any]:
        """What the page needs to build the button."""
        return {"name": self.name, "kind": "button"}


class Number(Control):
    """A slider over [low, high].

    Parameters
    ----------
    default, low, high : float
        First value and range.
    label : str
        As in `Control`, which takes the other options.
    step : float
        Distance of the values on the track; kernels may set values between.
    log : bool
        Whether values lie evenly on a log axis, as slopes do; `step` has no meaning then.
    digits : int, optional
        Digits after the point in the value that the page writes; else three significant ones.
    unit : str
        Written behind the value.
    """

    kind = "slider"

    def __init__(
        self,
        default: float,
        low: float,
        high: float,
        label: str = "",
        *,
        step: float = 1,
        log: bool = False,
        digits: int | None = None,
        unit: str = "",
        **options: Any,
    ):
        super().__init__(default, label, **options)
        self.low, self.high, self.step, self.log, self.digits, self.unit = low, high, step, log, digits, unit

    def validate(self, obj, value):
        """Return `value` as a float, else raise an error that names trait, range and value."""
        return check_number(self.name, value, low=self.low, high=self.high)

    def _details(self) -> dict[str, Any]:
        spacing = {"log": True, "coloured": True} if self.log else {"step": self.step}
        return {"range": [self.low, self.high], "digits": self.digits, "unit": self.unit, **spacing}


class Slope(Number):
    """A slope k: on a log axis from 1 to 100, its track in the colours of the slopes."""

    def __init__(self, default: float, low: float = 1, high: float = 100, label: str = "slope k", **options: Any):
        super().__init__(default, low, high, label, log=True, **options)


class Whole(Number):
    """A slider over the whole numbers in [low, high]."""

    def validate(self, obj, value):
        """Return `value` as an int, else raise an error that names trait, range and value."""
        number = super().validate(obj, value)
        if number != int(number):
            raise ValueError(f"{self.name} must be a whole number in [{self.low}, {self.high}], got {value!r}")
        return int(number)


class Listed(Number):
    """A number out of a rising list, as a slider over its places or as a select.

    Parameters
    ----------
    default : float
        First value.
    values : sequence of float
        What can be chosen.
    label : str
        As in `Control`.
    coloured : bool
        Whether the track has the colours of the slopes.
    select : bool
        Whether the page shows a select in place of a slider.
    last : mapping, optional
        Other control -> value of it -> last value of the list that there is then; larger ones mean this one.
    """

    def __init__(
        self,
        default: float,
        values: Sequence[float],
        label: str = "",
        *,
        coloured: bool = False,
        select: bool = False,
        last: Mapping[str, Mapping[str, float]] | None = None,
        **options: Any,
    ):
        super().__init__(default, values[0], values[-1], label, **options)
        self.values, self.coloured, self.last = tuple(values), coloured, dict(last or {})
        self.kind = "select" if select else "slider"

    def validate(self, obj, value):
        """Return `value` as a float if it is listed, else raise an error that names trait, list and value."""
        number = super().validate(obj, value)
        if number not in self.values:
            raise ValueError(f"{self.name} must be one of {', '.join(f'{v:g}' for v in self.values)}, got {value!r}")
        return number

    def _details(self) -> dict[str, Any]:
        if self.kind == "select":
            return {"options": [[value, f"{value:g}"] for value in self.values]}
        return {"values": list(self.values), "coloured": self.coloured, "last": self.last, "unit": self.unit}


class Numbers(Control):
    """A list of numbers in [low, high], as many as in `default`; the page has no control for it."""

    def __init__(self, default: Sequence[float], low: float, high: float):
        super().__init__(traitlets.Undefined)
        self.start, self.low, self.high = tuple(default), low, high

    def make_dynamic_default(self):
        """Return a new list for each explorer."""
        return [float(value) for value in self.start]

    def validate(self, obj, value):
        """Return `value` as a list of floats, else raise an error that names trait, length, range and value."""
        if not isinstance(value, list | tuple) or len(value) != len(self.start):
            raise TypeError(f"{self.name} must be a list of {len(self.start)} numbers, got {value!r}")
        return [check_number(self.name, number, low=self.low, high=self.high) for number in value]


class Choice(Control):
    """A select among strings.

    Parameters
    ----------
    default : str
        First choice.
    choices : mapping of str to str, or sequence of str
        Choice -> its words on the page; choices of a sequence are their own words.
    label : str
        As in `Control`, which takes the other options.
    """

    kind = "select"

    def __init__(self, default: str, choices: Mapping[str, str] | Sequence[str], label: str = "", **options: Any):
        super().__init__(default, label, **options)
        self._choices = choices

    @property
    def texts(self) -> dict[str, str]:
        """What may be chosen now -> its words on the page."""
        return dict(self._choices) if isinstance(self._choices, Mapping) else {one: one for one in self._choices}

    @property
    def choices(self) -> tuple[str, ...]:
        """What may be chosen now."""
        return tuple(self.texts)

    def validate(self, obj, value):
        """Return `value` if it is one of the choices, else raise an error that names trait, choices and value."""
        return check_choice(self.name, value, self.choices)

    def _details(self) -> dict[str, Any]:
        return {"options": [list(option) for option in self.texts.items()]}


class Family(Choice):
    """A select among the families of surrogates that are registered when it is asked, under their labels."""

    def __init__(self, **options: Any):
        super().__init__("FastSigmoid", (), "surrogate", **options)

    @property
    def texts(self) -> dict[str, str]:
        """Names of the families -> their labels."""
        return {name: family.label for name, family in FAMILIES.items()}
