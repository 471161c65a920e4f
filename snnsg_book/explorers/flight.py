"""Flight viewer: stored flights of the expert and of spiking policies in 3-D, with the policy's spikes beside them."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from snnsg_book import load_results
from snnsg_book.studies.control.figures.flight import SECONDS_PER_STEP, plot_flight, plot_flight_spikes
from snnsg_book.studies.control.flights import SHARES
from snnsg_book.style import COLOURS, slope_colour

from .explorer import Choice, Explorer, Number, percent, script

if TYPE_CHECKING:
    import pandas as pd

PILOTS = {"expert": "The LQR expert", "bc": "The clone", "td3": "The policy of TD3"}
SLOPES = ("2", "100")
TRAINED = tuple(f"{share:g}" for share in SHARES)
UNITS = {"bc": "updates", "td3": "steps"}
STEPS = 150  # of a flight that nothing ends
LAYERS = ("first", "second", "third")
# Whole numbers are short in a page: millimetres, thousandths of a quaternion, hundredths of an action.
SCALES = {name: 1000 for name in ("x", "y", "z", "qx", "qy", "qz")} | {f"action_{motor}": 100 for motor in range(4)}


@lru_cache(maxsize=1)
def stored_table() -> pd.DataFrame:
    """The table `flights`."""
    return load_results("flights")


@lru_cache(maxsize=1)
def stored_flights() -> dict[str, Any]:
    """The table as the viewer keeps it: flights[pilot][slope][trained], the expert's at flights["expert"]."""
    table = stored_table()
    flights: dict[str, Any] = {"expert": _compact(table[table.learner == "expert"])}
    for pilot in UNITS:
        flights[pilot] = {
            slope: {share: _compact(flight_rows(pilot, slope, share)) for share in TRAINED} for slope in SLOPES
        }
    return flights


def flight_rows(pilot: str, slope: str, trained: str) -> pd.DataFrame:
    """Rows of one flight of the table."""
    table = stored_table()
    rows = table[(table.learner == pilot) & ((pilot == "expert") | (table.slope == float(slope)))]
    return rows if pilot == "expert" else rows[rows.trained == round(float(trained) * rows.length.iloc[0])]


def _compact(rows: pd.DataFrame) -> dict[str, Any]:
    # A quaternion and its opposite are one attitude: with w >= 0 the other three are enough.
    rows = rows.assign(**{name: rows[name] * np.where(rows.qw < 0, -1, 1) for name in ("qx", "qy", "qz")})
    values = {name: np.rint(scale * rows[name].to_numpy()).astype(int) for name, scale in SCALES.items()}
    rates = rows[["rate_0", "rate_1", "rate_2"]].mean()
    return {
        "trained": int(rows.trained.iloc[0]),
        "earned": round(float(rows.reward.sum())),
        # Each number less the one before it: small numbers are short too.
        "motion": {name: np.diff(column, prepend=0).tolist() for name, column in values.items()},
        "rates": [] if rates.isna().any() else [round(10_000 * rate) for rate in rates],
        "spikes": "".join(rows.spikes).replace("-", ""),
    }


class FlightViewer(Explorer):
    """Flights of CrazyflieHover from one start: the expert's, and those of policies along their training.

    Parameters
    ----------
    pilot : {"expert", "bc", "td3"}
        Who flies: the LQR expert, its clone, or a policy that TD3 has trained.
    slope : {"2", "100"}
        Slope k with which the policy was trained.
    trained : {"0.1", "0.25", "0.5", "1"}
        Share of the training that the policy has behind it.
    time : float
        Where the play head stands, 0..3 s.
    azimuth, elevation : float
        Where the viewer stands: degrees from the x axis, -180..180, and above the horizon, -10..90.

    Raises
    ------
    FileNotFoundError
        If the table `flights` is not stored.

    Examples
    --------
    >>> FlightViewer(pilot="expert").flight()["earned"] > 140
    True
    """

    _name = "flight"
    _esm = script("flight")

    time = Number(0.8, 0, 3)
    pilot = Choice("bc", tuple(PILOTS))
    slope = Choice("100", SLOPES)
    trained = Choice("1", TRAINED)
    azimuth = Number(-50.0, -180, 180)
    elevation = Number(20.0, -10, 90)
    table = traitlets.Dict(read_only=True).tag(sync=True)

    def __init__(self, **state):
        super().__init__(**state)
        self.set_trait("table", stored_flights())

    @property
    def page_state(self) -> dict[str, Any]:
        """Controls and the stored flights."""
        return {**self.state, "table": stored_flights()}

    def flight(self) -> dict[str, Any]:
        """The chosen flight as the page keeps it."""
        chosen = stored_flights()[self.pilot]
        return chosen if self.pilot == "expert" else chosen[self.slope][self.trained]

    def step(self) -> int:
        """Control step at which the play head stands; the last where the flight has ended before."""
        last = len(self.flight()["motion"]["x"]) - 1
        return min(last, math.floor(self.time / SECONDS_PER_STEP + 1e-6))

    def sentence(self) -> str:
        """Say how far the flight goes, what it earns, and how much of each layer spikes."""
        flight, motion = self.flight(), self.flight()["motion"]
        steps = len(motion["x"])
        who = PILOTS[self.pilot]
        if self.pilot != "expert":
            who = f"{who} with k = {self.slope}, after {flight['trained']:,} {UNITS[self.pilot]},"
        way = f"fails after {steps * SECONDS_PER_STEP:.2f} s"
        if steps == STEPS:
            x, y, z = (sum(motion[axis]) for axis in "xyz")
            way = f"flies all 3 s and is {math.floor(math.sqrt(x * x + y * y + z * z) / 10 + 0.5)} cm off at the end"
        earned = f"{who} {way}: {flight['earned']} of {STEPS} points"
        if self.pilot == "expert":
            return f"{earned}. It solves equations and has no neurons."
        shares = [
            f"{percent(rate / 10_000)} of the {layer}" for rate, layer in zip(flight["rates"], LAYERS, strict=True)
        ]
        return (
            f"{earned}, where the expert earns {stored_flights()['expert']['earned']}."
            f" Of the neurons of its hidden layers {shares[0]}, {shares[1]} and {shares[2]} spike in a forward step."
        )

    def _draw(self) -> Figure:
        figure = Figure(figsize=(9, 4.2), layout="constrained")
        left, right = figure.subplots(1, 2)
        rows = flight_rows(self.pilot, self.slope, self.trained)
        expert = self.pilot == "expert"
        plot_flight(
            rows,
            step=self.step(),
            reference=None if expert else flight_rows("expert", self.slope, self.trained),
            colour=COLOURS["truth"][0] if expert else slope_colour(float(self.slope)),
            azimuth=self.azimuth,
            elevation=self.elevation,
            ax=left,
        )
        plot_flight_spikes(rows, step=self.step(), ax=right)
        return figure
