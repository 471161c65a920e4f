"""The two learning regimes: behavioural cloning and TD3, all slopes and seeds as replicas of one network.

Both are a `ReplicaLearner`: replicas of a policy, their slopes and random streams, evaluation, checkpoints. Their
updates are made of small steps with names, which a subclass replaces one by one.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bc import BehavioralCloning
    from .settings import CRAZYFLIE_HOVER
    from .td3 import TD3

__all__ = ["CRAZYFLIE_HOVER", "TD3", "BehavioralCloning"]

_HOMES = {"BehavioralCloning": "bc", "CRAZYFLIE_HOVER": "settings", "TD3": "td3"}


def __getattr__(name: str) -> Any:
    # On first use: the hyper-parameters need neither pandas nor gymnasium, which the learners do.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
