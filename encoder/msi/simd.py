"""Four-lane float32 operations on RGBA texels, for numba kernels.

Numba sees scalars, and LLVM does not find the four channels of a texel by itself: these intrinsics emit `<4 x float>`
code. Textures are flat C-contiguous float32 arrays; offsets and row strides count floats.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_LANE = ir.IntType(32)
_V4 = ir.VectorType(ir.FloatType(), 4)
_FAST = ("nnan", "ninf", "nsz")  # as `kernel_options` has it


def _splat(b: Any, scalar: Any) -> Any:
    undefined = ir.Constant(_V4, ir.Undefined)
    one = b.insert_element(undefined, scalar, ir.Constant(_LANE, 0))
    return b.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(_LANE, 4), [0, 0, 0, 0]))


def _load(b: Any, base: Any, offset: Any) -> Any:
    return b.load(b.bitcast(b.gep(base, [offset]), _V4.as_pointer()), align=4)


def _store(b: Any, value: Any, base: Any, offset: Any) -> None:
    b.store(value, b.bitcast(b.gep(base, [offset]), _V4.as_pointer()), align=4)


def _data(context: Any, b: Any, array_type: Any, array: Any) -> Any:
    return cgutils.create_struct_proxy(array_type)(context, b, array).data


def _add(b: Any, x: Any, y: Any) -> Any:
    return b.fadd(x, y, flags=_FAST)


def _mul(b: Any, x: Any, y: Any) -> Any:
    return b.fmul(x, y, flags=_FAST)


def _lerp(b: Any, x: Any, y: Any, t: Any) -> Any:
    return _add(b, x, _mul(b, t, b.fsub(y, x, flags=_FAST)))


def _call(b: Any, name: str, *values: Any) -> Any:
    signature = ir.FunctionType(_V4, [_V4] * len(values))
    return b.call(cgutils.get_or_insert_function(b.module, signature, name), values)


def _bilinear(b: Any, texture: Any, offset: Any, row: Any, fx: Any, fy: Any) -> Any:
    four = ir.Constant(offset.type, 4)
    below = b.add(offset, row)
    x, y = _splat(b, fx), _splat(b, fy)
    upper = _lerp(b, _load(b, texture, offset), _load(b, texture, b.add(offset, four)), x)
    lower = _lerp(b, _load(b, texture, below), _load(b, texture, b.add(below, four)), x)
    return _lerp(b, upper, lower, y)


@intrinsic  # type: ignore[untyped-decorator]
def composite_texel(typingctx: Any, texture: Any, offset: Any, row: Any, fx: Any, fy: Any, T: Any, out: Any, at: Any):  # type: ignore[no-untyped-def]
    """out[at:at+4] += T * alpha * sample. Returns T * alpha, the weight of the sample."""
    f4, i8 = types.float32, types.int64
    signature = f4(texture, i8, i8, f4, f4, f4, out, i8)

    def codegen(context: Any, b: Any, sig: Any, args: Any) -> Any:
        target = _data(context, b, sig.args[6], args[6])
        sample = _bilinear(b, _data(context, b, sig.args[0], args[0]), *args[1:5])
        weight = _mul(b, args[5], b.extract_element(sample, ir.Constant(_LANE, 3)))
        _store(b, _add(b, _load(b, target, args[7]), _mul(b, _splat(b, weight), sample)), target, args[7])
        return weight

    return signature, codegen


@intrinsic  # type: ignore[untyped-decorator]
def fetch_texel(typingctx: Any, texture: Any, offset: Any, row: Any, fx: Any, fy: Any, out: Any, at: Any):  # type: ignore[no-untyped-def]
    """out[at:at+4] = sample. Returns the sample's fourth channel."""
    f4, i8 = types.float32, types.int64
    signature = f4(texture, i8, i8, f4, f4, out, i8)

    def codegen(context: Any, b: Any, sig: Any, args: Any) -> Any:
        sample = _bilinear(b, _data(context, b, sig.args[0], args[0]), *args[1:5])
        _store(b, sample, _data(context, b, sig.args[5], args[5]), args[6])
        return b.extract_element(sample, ir.Constant(_LANE, 3))

    return signature, codegen


@intrinsic  # type: ignore[untyped-decorator]
def backward_texel(typingctx: Any, samples: Any, at: Any, T: Any, residual: Any, rat: Any, behind: Any, bat: Any):  # type: ignore[no-untyped-def]
    """The gradient of "over" at one sample (DeepView, section 3), in place of the sample.

    With c, a the sample's straight colour and alpha, T the transmittance in front, g the gradient of the loss with
    respect to the pixel (lane 3 zero) and B the colour composited behind: dc = T a g, da = T g.(c - B), then
    B += a (c - B).
    """
    f4, i8 = types.float32, types.int64
    signature = types.void(samples, i8, f4, residual, i8, behind, i8)

    def codegen(context: Any, b: Any, sig: Any, args: Any) -> Any:
        texels = _data(context, b, sig.args[0], args[0])
        back = _data(context, b, sig.args[5], args[5])
        sample = _load(b, texels, args[1])
        B = _load(b, back, args[6])
        g = _load(b, _data(context, b, sig.args[3], args[3]), args[4])
        alpha = b.extract_element(sample, ir.Constant(_LANE, 3))
        ahead = b.fsub(sample, B, flags=_FAST)
        product = _mul(b, g, ahead)
        dot = b.extract_element(product, ir.Constant(_LANE, 0))
        for lane in (1, 2):
            dot = _add(b, dot, b.extract_element(product, ir.Constant(_LANE, lane)))
        gradient = _mul(b, _splat(b, _mul(b, args[2], alpha)), g)
        gradient = b.insert_element(gradient, _mul(b, args[2], dot), ir.Constant(_LANE, 3))
        _store(b, gradient, texels, args[1])
        _store(b, _add(b, B, _mul(b, _splat(b, alpha), ahead)), back, args[6])
        return context.get_dummy_value()

    return signature, codegen


@intrinsic  # type: ignore[untyped-decorator]
def scatter_texel(typingctx: Any, source: Any, at: Any, fx: Any, fy: Any, out: Any, offset: Any, row: Any):  # type: ignore[no-untyped-def]
    """The transpose of `fetch_texel`: adds source[at:at+4] to the four texels that the sample was made from."""
    f4, i8 = types.float32, types.int64
    signature = types.void(source, i8, f4, f4, out, i8, i8)

    def codegen(context: Any, b: Any, sig: Any, args: Any) -> Any:
        value = _load(b, _data(context, b, sig.args[0], args[0]), args[1])
        target = _data(context, b, sig.args[4], args[4])
        x, y = _splat(b, args[2]), _splat(b, args[3])
        lower = _mul(b, value, y)
        upper = b.fsub(value, lower, flags=_FAST)
        below = b.add(args[5], args[6])
        for part, start in ((upper, args[5]), (lower, below)):
            right = _mul(b, part, x)
            left = b.fsub(part, right, flags=_FAST)
            for share, offset in ((left, start), (right, b.add(start, ir.Constant(start.type, 4)))):
                _store(b, _add(b, _load(b, target, offset), share), target, offset)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic  # type: ignore[untyped-decorator]
def scatter_sixteen(typingctx: Any, source: Any, fx: Any, fy: Any, out: Any, offset: Any, row: Any):  # type: ignore[no-untyped-def]
    """As `scatter_texel`, of source[:16], for textures of sixteen channels."""
    f4, i8 = types.float32, types.int64
    signature = types.void(source, f4, f4, out, i8, i8)

    def codegen(context: Any, b: Any, sig: Any, args: Any) -> Any:
        values = _data(context, b, sig.args[0], args[0])
        target = _data(context, b, sig.args[3], args[3])
        x, y = _splat(b, args[1]), _splat(b, args[2])
        below = b.add(args[4], args[5])
        lanes = [_load(b, values, ir.Constant(below.type, 4 * k)) for k in range(4)]
        lower = [_mul(b, lane, y) for lane in lanes]
        upper = [b.fsub(lane, low, flags=_FAST) for lane, low in zip(lanes, lower, strict=True)]
        for parts, start in ((upper, args[4]), (lower, below)):
            right = [_mul(b, part, x) for part in parts]
            left = [b.fsub(part, share, flags=_FAST) for part, share in zip(parts, right, strict=True)]
            for k, share in enumerate(left + right):
                place = b.add(start, ir.Constant(start.type, 4 * k))
                _store(b, _add(b, _load(b, target, place), share), target, place)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic  # type: ignore[untyped-decorator]
def fetch_scalar(typingctx: Any, field: Any, at: Any):  # type: ignore[no-untyped-def]
    """field[at] of a flat float32 array; no index from the end."""
    signature = types.float32(field, types.int64)

    def codegen(context: Any, b: Any, sig: Any, args: Any) -> Any:
        return b.load(b.gep(_data(context, b, sig.args[0], args[0]), [args[1]]))

    return signature, codegen


@intrinsic  # type: ignore[untyped-decorator]
def add_scalar(typingctx: Any, value: Any, out: Any, at: Any):  # type: ignore[no-untyped-def]
    """out[at] += value of a flat float32 array; no index from the end."""
    signature = types.void(types.float32, out, types.int64)

    def codegen(context: Any, b: Any, sig: Any, args: Any) -> Any:
        place = b.gep(_data(context, b, sig.args[1], args[1]), [args[2]])
        b.store(_add(b, b.load(place), args[0]), place)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic  # type: ignore[untyped-decorator]
def slope_texel(  # type: ignore[no-untyped-def]
    typingctx: Any, texture: Any, offset: Any, row: Any, fx: Any, fy: Any, dx: Any, dy: Any, gradient: Any, at: Any
):
    """How a loss changes as a sample moves by (dx, dy) texels: gradient[at:at+4] . (dx dS/dx + dy dS/dy)."""
    f4, i8 = types.float32, types.int64
    signature = f4(texture, i8, i8, f4, f4, f4, f4, gradient, i8)

    def codegen(context: Any, b: Any, sig: Any, args: Any) -> Any:
        base = _data(context, b, sig.args[0], args[0])
        four = ir.Constant(args[1].type, 4)
        below = b.add(args[1], args[2])
        corners = [_load(b, base, at) for at in (args[1], b.add(args[1], four), below, b.add(below, four))]
        x, y = _splat(b, args[3]), _splat(b, args[4])
        across = _lerp(b, b.fsub(corners[1], corners[0], flags=_FAST), b.fsub(corners[3], corners[2], flags=_FAST), y)
        down = _lerp(b, b.fsub(corners[2], corners[0], flags=_FAST), b.fsub(corners[3], corners[1], flags=_FAST), x)
        moved = _add(b, _mul(b, _splat(b, args[5]), across), _mul(b, _splat(b, args[6]), down))
        product = _mul(b, moved, _load(b, _data(context, b, sig.args[7], args[7]), args[8]))
        total = b.extract_element(product, ir.Constant(_LANE, 0))
        for lane in (1, 2, 3):
            total = _add(b, total, b.extract_element(product, ir.Constant(_LANE, lane)))
        return total

    return signature, codegen


@intrinsic  # type: ignore[untyped-decorator]
def adam_texel(  # type: ignore[no-untyped-def]
    typingctx: Any,
    shells: Any,
    at: Any,
    left: Any,
    right: Any,
    up: Any,
    down: Any,
    gradient: Any,
    first: Any,
    second: Any,
    prior: Any,
    coefficients: Any,
):
    """One Adam step of the texel at offset `at`, clamped to 0..1; its gradient is cleared.

    left, right, up, down: offsets of its neighbours. prior: flat uint8, the same offsets. coefficients: (40,) float32,
    four lanes each of: step size times bias correction of the mean, smoothness / 4, smoothness + anchor, anchor / 255,
    constant pull, beta1, 1 - beta1, beta2, 1 - beta2, epsilon; the second moment's bias correction is folded into the
    step size and epsilon.
    """
    i8 = types.int64
    signature = types.void(shells, i8, i8, i8, i8, i8, gradient, first, second, prior, coefficients)

    def codegen(context: Any, b: Any, sig: Any, args: Any) -> Any:
        values, slopes, means, squares, priors, table = (
            _data(context, b, sig.args[k], args[k]) for k in (0, 6, 7, 8, 9, 10)
        )
        at = args[1]
        rate, quarter, pull, anchor, sparse, beta1, rest1, beta2, rest2, epsilon = (
            _load(b, table, ir.Constant(at.type, 4 * k)) for k in range(10)
        )
        value = _load(b, values, at)
        around = _load(b, values, args[2])
        for neighbour in args[3:6]:
            around = _add(b, around, _load(b, values, neighbour))
        bytes4 = ir.VectorType(ir.IntType(8), 4)
        stored = b.load(b.bitcast(b.gep(priors, [at]), bytes4.as_pointer()), align=1)
        before = b.uitofp(b.zext(stored, ir.VectorType(_LANE, 4)), _V4)
        g = _add(b, _load(b, slopes, at), _add(b, sparse, _mul(b, pull, value)))
        g = b.fsub(g, _add(b, _mul(b, quarter, around), _mul(b, anchor, before)), flags=_FAST)
        mean = _add(b, _mul(b, beta1, _load(b, means, at)), _mul(b, rest1, g))
        square = _add(b, _mul(b, beta2, _load(b, squares, at)), _mul(b, rest2, _mul(b, g, g)))
        _store(b, ir.Constant(_V4, [0.0] * 4), slopes, at)
        _store(b, mean, means, at)
        _store(b, square, squares, at)
        root = _call(b, "llvm.sqrt.v4f32", square)
        value = b.fsub(value, b.fdiv(_mul(b, rate, mean), b.fadd(root, epsilon)), flags=_FAST)
        value = _call(b, "llvm.maxnum.v4f32", value, ir.Constant(_V4, [0.0] * 4))
        value = _call(b, "llvm.minnum.v4f32", value, ir.Constant(_V4, [1.0] * 4))
        _store(b, value, values, at)
        return context.get_dummy_value()

    return signature, codegen
