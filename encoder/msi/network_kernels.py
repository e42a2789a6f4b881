"""A step of learned descent in one pass over the shells: `network.Step` without pooling, for CPUs.

Rows go through all layers while they are in the cache; channels are rows of texels, so that every inner loop runs along
x and vectorises. Blocks that are known to be empty are left out. Equal to the torch module but for rounding.
"""

from __future__ import annotations

import numpy as np
import torch
from numba import njit, prange
from numpy.typing import NDArray

from encoder.msi.kernel_options import CELL, OPTIONS
from encoder.msi.network import CORRECTION, FEATURES, MOST_ALPHA, MOST_COLOUR, Step
from encoder.msi.views import Floats

F = np.float32
_INPUTS = FEATURES + 4
_OUTPUTS = 7
_LIMIT_COLOUR, _LIMIT_ALPHA, _CORRECTION = F(MOST_COLOUR), F(MOST_ALPHA), F(CORRECTION)


def step_shells(
    step: Step, shells: Floats, components: Floats, alive: NDArray[np.uint8], free: NDArray[np.uint8], out: Floats
) -> None:
    """The step, in place, where texels (N, H, W) are free and a camera looks at them.

    components (N, H, W, 16) float32, summed over views, in live blocks. alive (N, bh, bw) uint8: blocks that are not
    empty. out: scratch like `shells` (N, H, W, 4).
    """
    weights = [
        np.ascontiguousarray(value.detach().numpy().reshape(len(value), -1))
        for layer in (step.first, step.near, step.near_mix, step.again, step.again_mix, step.last)
        for value in (layer.weight, layer.bias)
        if isinstance(value, torch.Tensor)
    ]
    _step(shells, components, alive, free, np.bool_(step.free), *weights, out)
    _take(components, alive, free, out, shells)


@njit(parallel=True, **OPTIONS)
def clear_live(components, alive):  # type: ignore[no-untyped-def]
    """Zero in the live blocks of components (N, H, W, 16); the others are not touched."""
    N, H, W, _ = components.shape
    for i in prange(N):
        for y in range(H):
            for first, last in _spans(alive[i, y // CELL], W):
                components[i, y, first:last] = F(0)


@njit(parallel=True, **OPTIONS)
def _take(components, alive, free, new, shells):  # type: ignore[no-untyped-def]
    """shells = new where a step has answered; the farthest shell is opaque."""
    N, H, W, _ = shells.shape
    for i in prange(N):
        for y in range(H):
            for first, last in _spans(alive[i, y // CELL], W):
                for x in range(first, last):
                    if components[i, y, x, 6] > F(0) and free[i, y, x] != 0:
                        for c in range(4):
                            shells[i, y, x, c] = new[i, y, x, c]
            if i == 0:
                for x in range(W):
                    if free[0, y, x] != 0:
                        shells[0, y, x, 3] = F(1)


@njit(**OPTIONS)
def _alpha_step(values):  # type: ignore[no-untyped-def]
    damped = values[5] + F(0.01) * max(values[6], F(1e-3)) + F(1e-3)
    return min(max(values[3] / damped, -_LIMIT_ALPHA), _LIMIT_ALPHA)


@njit(**OPTIONS)
def _colour_step(values, c):  # type: ignore[no-untyped-def]
    damped = values[4] + F(0.02) * max(values[6], F(1e-3)) + F(1e-3)
    return min(max(values[c] / damped, -_LIMIT_COLOUR), _LIMIT_COLOUR)


@njit(**OPTIONS)
def _describe(shells, components, alive, i, y, first, last, out):  # type: ignore[no-untyped-def]
    """out (23, W + 2) of texels first..last of a row: what `network.describe` and `network.neighbours` say of them."""
    N = len(shells)
    for x in range(first, last):
        s, v = shells[i, y, x], components[i, y, x]
        cover, reach = v[6], v[7]
        at = x + 1
        some = max(cover, F(1e-3))
        share = F(1) / max(reach, F(1e-3))
        known = reach / (reach + F(0.1))
        out[0, at] = s[3]
        square = F(0)
        for c in range(3):
            seen = v[8 + c] * share
            square += seen * seen
            out[1 + c, at] = s[c] - F(0.5)
            out[4 + c, at] = F(4) * _colour_step(v, c)
            out[10 + c, at] = F(4) * known * (seen - s[c])
            out[14 + c, at] = F(2) * known * (v[12 + c] * share - s[c])
        out[7, at] = F(2) * _alpha_step(v)
        out[8, at] = min(cover * F(0.125), F(2))
        out[9, at] = reach / some
        out[13, at] = F(8) * known * np.sqrt(max(v[11] * share - square, F(0)))
        out[17, at] = v[15] / some
        out[18, at] = np.sqrt(v[4] / some)
        out[19, at] = out[20, at] = out[21, at] = out[22, at] = F(0)
        if i + 1 < N and alive[i + 1, y // CELL, x // CELL] != 0:
            out[19, at] = shells[i + 1, y, x, 3]
            out[20, at] = _alpha_step(components[i + 1, y, x])
        if i > 0 and alive[i - 1, y // CELL, x // CELL] != 0:
            out[21, at] = shells[i - 1, y, x, 3]
            out[22, at] = _alpha_step(components[i - 1, y, x])


@njit(**OPTIONS)
def _mixed(weights, bias, source, first, last, out):  # type: ignore[no-untyped-def]
    """out (O, W + 2) = weights (O, I) @ source (I, W + 2) + bias (O, 1), of texels first..last."""
    count = weights.shape[1]
    whole = count - count % 4
    for o in range(len(weights)):
        target = out[o, first + 1 : last + 1]
        b = bias[o, 0]
        for x in range(last - first):
            target[x] = b
        for k in range(0, whole, 4):
            w0, w1, w2, w3 = weights[o, k], weights[o, k + 1], weights[o, k + 2], weights[o, k + 3]
            s0, s1 = source[k, first + 1 : last + 1], source[k + 1, first + 1 : last + 1]
            s2, s3 = source[k + 2, first + 1 : last + 1], source[k + 3, first + 1 : last + 1]
            for x in range(last - first):
                target[x] += w0 * s0[x] + w1 * s1[x] + w2 * s2[x] + w3 * s3[x]
        for k in range(whole, count):
            w0 = weights[o, k]
            s0 = source[k, first + 1 : last + 1]
            for x in range(last - first):
                target[x] += w0 * s0[x]


@njit(**OPTIONS)
def _around(weights, bias, above, here, below, first, last, out):  # type: ignore[no-untyped-def]
    """out (C, W + 2): 3 x 3 texels of three rows (C, W + 2), each channel by itself; weights (C, 9), bias (C, 1)."""
    n = last - first
    for c in range(len(weights)):
        target = out[c, first + 1 : last + 1]
        b = bias[c, 0]
        for x in range(n):
            target[x] = b
        for row, source in enumerate((above[c], here[c], below[c])):
            w0, w1, w2 = weights[c, 3 * row], weights[c, 3 * row + 1], weights[c, 3 * row + 2]
            left, middle, right = source[first:last], source[first + 1 : last + 1], source[first + 2 : last + 2]
            for x in range(n):
                target[x] += w0 * left[x] + w1 * middle[x] + w2 * right[x]


@njit(**OPTIONS)
def _settled(values, added, mask, first, last, out):  # type: ignore[no-untyped-def]
    """out (C, W + 2) = relu(values + added) where mask (W + 2,) is 1, else 0."""
    for c in range(len(out)):
        target, a, b = out[c], values[c], added[c]
        for x in range(first + 1, last + 1):
            target[x] = max(a[x] + b[x], F(0)) * mask[x]


@njit(**OPTIONS)
def _answer(net, shells, components, i, y, x, correcting, out):  # type: ignore[no-untyped-def]
    """The new texel, out (4,), by the net's answer (7, W + 2) for it."""
    s, v = shells[i, y, x], components[i, y, x]
    at = x + 1
    reach = v[7]
    share = F(1) / max(reach, F(1e-3))
    step = F(1) / (F(1) + np.exp(-net[0, at]))
    gate = F(1) / (F(1) + np.exp(-net[1, at]))
    blend = reach / (reach + F(0.1)) / (F(1) + np.exp(-net[2, at]))
    for c in range(3):
        colour = s[c] + step * _colour_step(v, c) + blend * (v[8 + c] * share - s[c])
        if correcting:
            colour += _CORRECTION * np.tanh(net[3 + c, at])
        out[c] = min(max(colour, F(0)), F(1))
    change = min(max(np.tanh(net[6, at]) + gate * _alpha_step(v), F(-1)), F(1))
    out[3] = s[3] + (F(1) - s[3]) * max(change, F(0)) - s[3] * max(-change, F(0))


@njit(parallel=True, **OPTIONS)
def _step(  # type: ignore[no-untyped-def]
    shells,
    components,
    alive,
    free,
    correcting,
    first_w,
    first_b,
    near_w,
    near_b,
    near_mix_w,
    near_mix_b,
    again_w,
    again_b,
    again_mix_w,
    again_mix_b,
    last_w,
    last_b,
    out,
):
    N, H, W, _ = shells.shape
    hidden = len(first_w)
    for i in prange(N):
        if not alive[i].any():
            continue
        inputs = np.zeros((_INPUTS, W + 2), np.float32)
        begun, near = np.zeros((3, hidden, W + 2), np.float32), np.zeros((3, hidden, W + 2), np.float32)
        masks = np.zeros((3, W + 2), np.float32)
        nothing = np.zeros((hidden, W + 2), np.float32)
        gathered, mixed = np.zeros((hidden, W + 2), np.float32), np.zeros((hidden, W + 2), np.float32)
        net = np.zeros((_OUTPUTS, W + 2), np.float32)
        ones = np.ones(W + 2, np.float32)
        texel = np.empty(4, np.float32)
        for line in range(H + 2):
            # Row `line` is begun, the one before looks at its neighbours, the one before that is done.
            row = begun[line % 3]
            row[:] = F(0)
            if line < H:
                for first, last in _spans(alive[i, line // CELL], W):
                    mask = masks[line % 3]
                    for x in range(first, last):
                        mask[x + 1] = F(1) if components[i, line, x, 6] > F(0) else F(0)
                    _describe(shells, components, alive, i, line, first, last, inputs)
                    _mixed(first_w, first_b, inputs, first, last, mixed)
                    _settled(mixed, nothing, mask, first, last, row)
            y = line - 1
            row = near[(line + 2) % 3]
            row[:] = F(0)
            if 0 <= y < H:
                above, here, below = begun[(y + 2) % 3], begun[y % 3], begun[(y + 1) % 3]
                for first, last in _spans(alive[i, y // CELL], W):
                    _around(near_w, near_b, above, here, below, first, last, gathered)
                    _mixed(near_mix_w, near_mix_b, gathered, first, last, mixed)
                    _settled(mixed, here, masks[y % 3], first, last, row)
            y = line - 2
            if y < 0:
                continue
            above, here, below = near[(y + 2) % 3], near[y % 3], near[(y + 1) % 3]
            for first, last in _spans(alive[i, y // CELL], W):
                _around(again_w, again_b, above, here, below, first, last, gathered)
                _mixed(again_mix_w, again_mix_b, gathered, first, last, mixed)
                _settled(mixed, here, ones, first, last, gathered)
                _mixed(last_w, last_b, gathered, first, last, net)
                for x in range(first, last):
                    if components[i, y, x, 6] > F(0) and free[i, y, x] != 0:
                        _answer(net, shells, components, i, y, x, correcting, texel)
                        for c in range(4):
                            out[i, y, x, c] = texel[c]


@njit(**OPTIONS)
def _spans(blocks, width):  # type: ignore[no-untyped-def]
    """(first, last) of runs of texels whose blocks (bw,) are live."""
    out = [(0, 0)]
    begun = -1
    for k in range(len(blocks)):
        if blocks[k] != 0 and begun < 0:
            begun = k
        elif blocks[k] == 0 and begun >= 0:
            out.append((begun * CELL, k * CELL))
            begun = -1
    if begun >= 0:
        out.append((begun * CELL, width))
    return out[1:]
