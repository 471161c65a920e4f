"""Explorers: pictures alive with a kernel (JupyterLab, Colab) and without one (the book's pages)."""

from snnsg_lib.widgets.curves import LearningCurveExplorer
from snnsg_lib.widgets.depth import DepthExplorer
from snnsg_lib.widgets.explorer import Explorer
from snnsg_lib.widgets.flight import FlightViewer
from snnsg_lib.widgets.flossing import FlossingExplorer
from snnsg_lib.widgets.lyapunov import LyapunovExplorer
from snnsg_lib.widgets.neuron import NeuronExplorer
from snnsg_lib.widgets.schedule import ScheduleExplorer
from snnsg_lib.widgets.surrogate import SurrogateExplorer
from snnsg_lib.widgets.truth import TruthExplorer

__all__ = [
    "DepthExplorer",
    "Explorer",
    "FlightViewer",
    "FlossingExplorer",
    "LearningCurveExplorer",
    "LyapunovExplorer",
    "NeuronExplorer",
    "ScheduleExplorer",
    "SurrogateExplorer",
    "TruthExplorer",
]
