"""Explorers: pictures alive with a kernel (JupyterLab, Colab) and without one (the book's pages)."""

from snnsg_lib.extras import extra

with extra("widgets"):
    from .curves import LearningCurveExplorer
    from .depth import DepthExplorer
    from .explorer import Explorer
    from .flight import FlightViewer
    from .flossing import FlossingExplorer
    from .lyapunov import LyapunovExplorer
    from .neuron import NeuronExplorer
    from .schedule import ScheduleExplorer
    from .surrogate import SurrogateExplorer
    from .truth import TruthExplorer

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
