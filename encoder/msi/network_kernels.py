"""A step of learned descent in one pass over the shells: `network.Step` without pooling, for CPUs.

Rows go through all layers while they are in the cache; channels are rows of texels, so that every inner loop runs along
x and vectorises. Blocks that are known to be empty are left out. Equal to the torch module but for rounding.
"""

from __future__ import annotations

import numpy as np
import torch
from numba import njit, prange
from numpy.typing import NDArray

from encoder.msi import simd_mix
from encoder.msi.components import CHANNELS
from encoder.msi.kernel_options import CELL, OPTIONS, paired
from encoder.msi.network import CORRECTION, FEATURES, MOST_ALPHA, MOST_COLOUR, Step
from encoder.msi.simd_mix import mix_eight
from encoder.msi.views import Floats

F = np.float32
_INPUTS = FEATURES + 4
_LIMIT_COLOUR, _LIMIT_ALPHA, _CORRECTION = F(MOST_COLOUR), F(MOST_ALPHA), F(CORRECTION)
_TEXELS, _OUTPUTS = simd_mix.TEXELS, simd_mix.CHANNELS
_LONGEST = 128  # texels that are looked at together: what is known of them stays in the nearest cache


def step_shells(
    step: Step, shells: Floats, components: Floats, alive: NDArray[np.uint8], free: NDArray[np.uint8], out: Floats
) -> None:
    """The step, in place, where texels (N, H, W) are free and a camera looks at them.

    components (N, H, W, 16) float32, summed over views, in live blocks. alive (N, bh, bw) uint8: blocks that are not
    empty. out: scratch like `shells` (N, H, W, 4).
    """
    layers = (step.first, step.near, step.near_mix, step.again, step.again_mix, step.last)
    weights = [_columns(value) for layer in layers for value in (layer.weight, layer.bias) if value is not None]
    _step(shells, components, alive, free, np.bool_(step.free), *weights, out)
    _take(components, alive, free, out, shells)


def _columns(values: torch.Tensor) -> Floats:
    """(C, ...) of a layer as (..., C), with channels that do nothing up to a multiple of eight."""
    table = values.detach().numpy().reshape(len(values), -1).T if values.ndim > 1 else values.detach().numpy()
    spare = -len(values) % _OUTPUTS
    return np.ascontiguousarray(np.pad(table, [(0, 0)] * (table.ndim - 1) + [(0, spare)]))


@njit(parallel=True, **OPTIONS)
def clear_live(components, alive):  # type: ignore[no-untyped-def]
    """Zero in the live blocks of components (N, H, W, 16); the others are not touched."""
    N, H, W, _ = components.shape
    for turn in prange(N):
        i = paired(turn, N)
        for y in range(H):
            for first, last in _spans(alive[i, y // CELL], W):
                components[i, y, first:last] = F(0)


@njit(parallel=True, **OPTIONS)
def _take(components, alive, free, new, shells):  # type: ignore[no-untyped-def]
    """shells = new where a step has answered; the farthest shell is opaque."""
    N, H, W, _ = shells.shape
    for turn in prange(N):
        i = paired(turn, N)
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
def _alpha_step(slope, bend, cover):  # type: ignore[no-untyped-def]
    damped = bend + F(0.01) * max(cover, F(1e-3)) + F(1e-3)
    return min(max(slope / damped, -_LIMIT_ALPHA), _LIMIT_ALPHA)


@njit(**OPTIONS)
def _describe(shells, components, alive, i, y, first, last, sums, out, mask):  # type: ignore[no-untyped-def]
    """out (23, W): what `network.describe` and `network.neighbours` say of texels first..last of a row.

    mask (W,): 1 where a camera looks, else 0. sums (16, X): scratch.
    """
    count = last - first
    texels, values = shells[i, y, first:last], components[i, y, first:last]
    for c in range(CHANNELS):
        total = sums[c]
        for x in range(count):
            total[x] = values[x, c]
    alpha = out[0, first:last]
    for x in range(count):
        alpha[x] = texels[x, 3]
    slope, alpha_bend, cover, reach = sums[3], sums[5], sums[6], sums[7]
    alpha_step, looks, looking = out[7, first:last], out[8, first:last], mask[first:last]
    for x in range(count):
        looking[x] = F(1) if cover[x] > F(0) else F(0)
        looks[x] = min(cover[x] * F(0.125), F(2))
        alpha_step[x] = F(2) * _alpha_step(slope[x], alpha_bend[x], cover[x])
    bend, shown = sums[4], sums[15]
    reaches, opacity, stiff = out[9, first:last], out[17, first:last], out[18, first:last]
    for x in range(count):
        share = F(1) / max(cover[x], F(1e-3))
        reaches[x] = reach[x] * share
        opacity[x] = shown[x] * share
        stiff[x] = np.sqrt(bend[x] * share)
    spread, squares = out[13, first:last], sums[11]
    spread[:] = F(0)
    for c in range(3):
        colour, slope, step = out[1 + c, first:last], sums[c], out[4 + c, first:last]
        for x in range(count):
            colour[x] = texels[x, c] - F(0.5)
            damped = bend[x] + F(0.02) * max(cover[x], F(1e-3)) + F(1e-3)
            step[x] = F(4) * min(max(slope[x] / damped, -_LIMIT_COLOUR), _LIMIT_COLOUR)
        seen, behind, there, back = out[10 + c, first:last], out[14 + c, first:last], sums[8 + c], sums[12 + c]
        for x in range(count):
            share = F(1) / max(reach[x], F(1e-3))
            known = reach[x] / (reach[x] + F(0.1))
            now = colour[x] + F(0.5)
            view = there[x] * share
            spread[x] += view * view
            seen[x] = F(4) * known * (view - now)
            behind[x] = F(2) * known * (back[x] * share - now)
    for x in range(count):
        variance = squares[x] * (F(1) / max(reach[x], F(1e-3))) - spread[x]
        spread[x] = F(8) * (reach[x] / (reach[x] + F(0.1))) * np.sqrt(max(variance, F(0)))
    for side in range(2):
        j = i - 1 if side else i + 1
        alpha, step = out[19 + 2 * side, first:last], out[20 + 2 * side, first:last]
        alpha[:] = F(0)
        step[:] = F(0)
        if 0 <= j < len(shells):
            _look_beside(shells, components, alive, j, y, first, last, alpha, step)


@njit(**OPTIONS)
def _look_beside(shells, components, alive, j, y, first, last, alpha, step):  # type: ignore[no-untyped-def]
    """alpha, step (X,) of another shell's texels first..last, where its blocks are live."""
    for begun in range(first, last, CELL):
        if alive[j, y // CELL, begun // CELL] != 0:
            end = min(begun + CELL, last)
            texels, values = shells[j, y, begun:end], components[j, y, begun:end]
            alphas, steps = alpha[begun - first :], step[begun - first :]
            for x in range(end - begun):
                alphas[x] = texels[x, 3]
                steps[x] = _alpha_step(values[x, 3], values[x, 5], values[x, 6])


@njit(**OPTIONS)
def _mixed(weights, bias, source, first, count, out):  # type: ignore[no-untyped-def]
    """out (C, X): channels of source (K, W) mixed, from column `first` on; weights (K, C), bias (C,)."""
    for x in range(0, count, _TEXELS):
        for c in range(0, len(bias), _OUTPUTS):
            mix_eight(weights, c, bias, source, first + x, out, x)


@njit(**OPTIONS)
def _around(weights, bias, above, here, below, first, last, out):  # type: ignore[no-untyped-def]
    """out (C, X): 3 x 3 texels of three rows (C, 1 + W + 1) around first..last, each channel by itself.

    weights (9, C), bias (C,).
    """
    for c in range(len(bias)):
        target = out[c]
        b = bias[c]
        w0, w1, w2, w3, w4 = weights[0, c], weights[1, c], weights[2, c], weights[3, c], weights[4, c]
        w5, w6, w7, w8 = weights[5, c], weights[6, c], weights[7, c], weights[8, c]
        upper, middle, lower = above[c, first : last + 2], here[c, first : last + 2], below[c, first : last + 2]
        for x in range(last - first):
            one = w0 * upper[x] + w1 * upper[x + 1] + w2 * upper[x + 2]
            two = w3 * middle[x] + w4 * middle[x + 1] + w5 * middle[x + 2]
            target[x] = b + one + two + (w6 * lower[x] + w7 * lower[x + 1] + w8 * lower[x + 2])


@njit(**OPTIONS)
def _begin(values, mask, first, last, row):  # type: ignore[no-untyped-def]
    """Texels first..last of a row (C, 1 + W + 1): relu(values) (C, X) where mask (W,) is 1, else 0."""
    looking = mask[first:last]
    for c in range(len(values)):
        a, target = values[c], row[c, first + 1 : last + 1]
        for x in range(last - first):
            target[x] = max(a[x], F(0)) * looking[x]


@njit(**OPTIONS)
def _add(values, row, first, count, out):  # type: ignore[no-untyped-def]
    """out (C, X) = relu(values + those of `count` texels of a row (C, 1 + W + 1))."""
    for c in range(len(values)):
        a, b, target = values[c], row[c, first + 1 : first + 1 + count], out[c]
        for x in range(count):
            target[x] = max(a[x] + b[x], F(0))


@njit(**OPTIONS)
def _tanh(x):  # type: ignore[no-untyped-def]
    """Within 2e-7 of tanh, without branches: Lambert's continued fraction of a quarter, and two doublings."""
    y = min(max(x, F(-10)), F(10)) * F(0.25)
    s = y * y
    above = y * (F(135135) + s * (F(17325) + s * (F(378) + s)))
    t = above / (F(135135) + s * (F(62370) + s * (F(3150) + s * F(28))))
    t = (t + t) / (F(1) + t * t)
    return (t + t) / (F(1) + t * t)


@njit(**OPTIONS)
def _sigmoid(x):  # type: ignore[no-untyped-def]
    return F(0.5) + F(0.5) * _tanh(F(0.5) * x)


@njit(**OPTIONS)
def _answer(net, known, first, last, correcting, out):  # type: ignore[no-untyped-def]
    """out (4, X): new texels by what is known of them (23, W) and the net's answer (8, X), which is overwritten."""
    count = last - first
    for c in range(3):
        gate = net[c]
        for x in range(count):
            gate[x] = _sigmoid(gate[x])
    for c in range(3, 7):
        value = net[c]
        for x in range(count):
            value[x] = _tanh(value[x])
    correction = _CORRECTION if correcting else F(0)
    follow, blend = net[0], net[2]
    for c in range(3):
        colour, step, seen = known[1 + c, first:last], known[4 + c, first:last], known[10 + c, first:last]
        added, target = net[3 + c], out[c]
        for x in range(count):
            moved = colour[x] + F(0.5) + F(0.25) * (follow[x] * step[x] + blend[x] * seen[x]) + correction * added[x]
            target[x] = min(max(moved, F(0)), F(1))
    alpha, step, gate, added, target = known[0, first:last], known[7, first:last], net[1], net[6], out[3]
    for x in range(count):
        change = min(max(added[x] + F(0.5) * gate[x] * step[x], F(-1)), F(1))
        target[x] = alpha[x] + (F(1) - alpha[x]) * max(change, F(0)) - alpha[x] * max(-change, F(0))


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
    hidden, width = len(first_b), W + 2 + _TEXELS
    for turn in prange(N):
        i = paired(turn, N)
        if not alive[i].any():
            continue
        known, masks = np.zeros((3, _INPUTS, width), np.float32), np.zeros((3, width), np.float32)
        begun, near = np.zeros((3, hidden, width), np.float32), np.zeros((3, hidden, width), np.float32)
        sums = np.empty((CHANNELS, _LONGEST), np.float32)
        gathered, mixed = np.zeros((hidden, _LONGEST), np.float32), np.zeros((hidden, _LONGEST), np.float32)
        net, new = np.empty((_OUTPUTS, _LONGEST), np.float32), np.empty((4, _LONGEST), np.float32)
        for line in range(H + 2):
            # Row `line` is begun, the one before looks at its neighbours, the one before that is done.
            row = begun[line % 3]
            row[:] = F(0)
            if line < H:
                inputs, mask = known[line % 3], masks[line % 3]
                for first, last in _spans(alive[i, line // CELL], W):
                    _describe(shells, components, alive, i, line, first, last, sums, inputs, mask)
                    _mixed(first_w, first_b, inputs, first, last - first, mixed)
                    _begin(mixed, mask, first, last, row)
            y = line - 1
            row = near[(line + 2) % 3]
            row[:] = F(0)
            if 0 <= y < H:
                above, here, below = begun[(y + 2) % 3], begun[y % 3], begun[(y + 1) % 3]
                for first, last in _spans(alive[i, y // CELL], W):
                    _around(near_w, near_b, above, here, below, first, last, gathered)
                    _mixed(near_mix_w, near_mix_b, gathered, 0, last - first, mixed)
                    _add(mixed, here, first, last - first, mixed)
                    _begin(mixed, masks[y % 3], first, last, row)
            y = line - 2
            if y < 0:
                continue
            above, here, below = near[(y + 2) % 3], near[y % 3], near[(y + 1) % 3]
            mask = masks[y % 3]
            for first, last in _spans(alive[i, y // CELL], W):
                _around(again_w, again_b, above, here, below, first, last, gathered)
                _mixed(again_mix_w, again_mix_b, gathered, 0, last - first, mixed)
                _add(mixed, here, first, last - first, mixed)
                _mixed(last_w, last_b, mixed, 0, last - first, net)
                _answer(net, known[y % 3], first, last, correcting, new)
                texels = out[i, y, first:last]
                for x in range(last - first):
                    if mask[first + x] > F(0) and free[i, y, first + x] != 0:
                        for c in range(4):
                            texels[x, c] = new[c, x]


@njit(**OPTIONS)
def _spans(blocks, width):  # type: ignore[no-untyped-def]
    """(first, last) of runs of texels whose blocks (bw,) are live, none of them long."""
    out = [(0, 0)]
    begun = -1
    for k in range(len(blocks)):
        if blocks[k] != 0 and begun < 0:
            begun = k
        if begun >= 0 and (blocks[k] == 0 or (k - begun) * CELL >= _LONGEST):
            out.append((begun * CELL, k * CELL))
            begun = k if blocks[k] != 0 else -1
    if begun >= 0:
        out.append((begun * CELL, width))
    return out[1:]
