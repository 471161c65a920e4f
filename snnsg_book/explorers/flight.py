"""Flight viewer: stored flights of the expert and of spiking policies in 3-D, with the policy's spikes beside them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from snnsg_book import load_results
from snnsg_book.studies.control.flights import SHARES

from .controls import Button, Choice, Number
from .explorer import Explorer, script

if TYPE_CHECKING:
    import pandas as pd

PILOTS = {"expert": "LQR expert", "bc": "clone", "td3": "TD3"}
SLOPES = ("2", "100")
WORDS = ("a tenth", "a quarter", "half", "the whole time")
TRAINED = {f"{share:g}": words for share, words in zip(SHARES, WORDS, strict=True)}
LEARNERS = ("bc", "td3")
IDLE = {"pilot": ["expert"]}
SECONDS_PER_STEP = 0.02
STEPS = 150  # of a flight that nothing ends
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
    for pilot in LEARNERS:
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
    _title = "Flight viewer"
    _picture = (
        "Left the drone in its box with its path and the expert's; right the spikes of its policy and its motor "
        "commands over time. Arrow keys turn the view, space plays"
    )
    _try_this = (
        "play, then choose slope 2: same network, same teacher, same number of updates. Then let TD3 fly, and look at "
        "the third layer after a tenth of its training."
    )

    time = Number(0.8, 0, 3, "time", step=SECONDS_PER_STEP, digits=2, unit="s", wide=True)
    play = Button()
    pilot = Choice("bc", PILOTS, "pilot")
    slope = Choice("100", SLOPES, "slope k in training", idle=IDLE)
    trained = Choice("1", TRAINED, "trained for", idle=IDLE)
    azimuth = Number(-50.0, -180, 180)
    elevation = Number(20.0, -10, 90)

    @classmethod
    def stored(cls) -> dict[str, Any]:
        """The stored flights."""
        return stored_flights()

    def flight(self) -> dict[str, Any]:
        """The chosen flight as the page keeps it."""
        chosen = stored_flights()[self.pilot]
        return chosen if self.pilot == "expert" else chosen[self.slope][self.trained]
