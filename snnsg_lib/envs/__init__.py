"""Hover environments, single and vectorised, and rollouts in them; importing this package registers their ids.

`snnsg/PlanarHover-v0` is small enough for a classroom, `snnsg/CrazyflieHover-v0` flies a quadrotor by its four motors.
"""

from snnsg_lib.extras import extra

with extra("experiments"):
    import gymnasium as gym

    from .crazyflie import CrazyflieHover, CrazyflieHoverVector
    from .planar import PlanarHover, PlanarHoverVector
    from .rollouts import episode_returns, episode_seeds, evaluate, make_vector

__all__ = [
    "CrazyflieHover",
    "CrazyflieHoverVector",
    "PlanarHover",
    "PlanarHoverVector",
    "episode_returns",
    "episode_seeds",
    "evaluate",
    "make_vector",
]

for _name, _module in (("PlanarHover", "planar"), ("CrazyflieHover", "crazyflie")):
    gym.register(
        id=f"snnsg/{_name}-v0",
        entry_point=f"snnsg_lib.envs.{_module}:{_name}",
        vector_entry_point=f"snnsg_lib.envs.{_module}:{_name}Vector",
    )
