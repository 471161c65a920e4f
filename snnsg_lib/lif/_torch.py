"""The equations one step at a time in torch ops: any float dtype, any device, any derivative, any surrogate."""

from __future__ import annotations

import torch

from snnsg_lib.surrogates import spikes_of


def torch_scan(current, beta, threshold, surrogate, reset_mechanism, mem, detach_reset, slope_dims, noise=None):
    mem = torch.zeros_like(current[0]) if mem is None else mem
    spk = spikes_of(surrogate, mem - threshold, slope_dims)
    spikes, potentials = [], []
    for step, step_current in enumerate(current):
        reset = spk.detach() if detach_reset else spk
        if reset_mechanism == "subtract":
            mem = beta * mem + step_current - reset * threshold
        elif reset_mechanism == "zero":
            mem = beta * ((1 - reset) * mem) + step_current
        else:
            mem = beta * mem + step_current
        spk = spikes_of(surrogate, mem - threshold, slope_dims)
        if noise is not None:  # the spike that was drawn, with the derivative of the one without noise
            spk = spk + ((mem > threshold + noise[step]).to(spk.dtype) - spk).detach()
        spikes.append(spk)
        potentials.append(mem)
    return torch.stack(spikes), torch.stack(potentials)


def torch_recurrent_scan(current, weight, beta, threshold, alpha, state, settings):
    surrogate, reset_mechanism, detach_reset, slope_dims = settings
    zeros = torch.zeros_like(current[0])
    syn, mem, spk = (zeros if x is None else x for x in state)
    history = []
    for step_current in current:
        reset = spikes_of(surrogate, mem - threshold, slope_dims)
        reset = reset.detach() if detach_reset else reset
        if alpha is None:
            mem = beta * mem + step_current + spk @ weight
        else:
            syn = alpha * syn + step_current + spk @ weight
            mem = beta * mem + syn
        if reset_mechanism == "subtract":
            mem = mem - reset * threshold
        elif reset_mechanism == "zero":
            mem = mem - reset * mem
        spk = spikes_of(surrogate, mem - threshold, slope_dims)
        history.append((spk, mem) if alpha is None else (spk, syn, mem))
    return tuple(torch.stack(block) for block in zip(*history, strict=True))
