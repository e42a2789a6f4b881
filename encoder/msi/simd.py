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
_FAST = ("fast",)


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
def accumulate_texel(typingctx: Any, source: Any, at: Any, weight: Any, out: Any, to: Any):  # type: ignore[no-untyped-def]
    """out[to:to+4] += weight * source[at:at+4]."""
    f4, i8 = types.float32, types.int64
    signature = types.void(source, i8, f4, out, i8)

    def codegen(context: Any, b: Any, sig: Any, args: Any) -> Any:
        target = _data(context, b, sig.args[3], args[3])
        value = _load(b, _data(context, b, sig.args[0], args[0]), args[1])
        _store(b, _add(b, _load(b, target, args[4]), _mul(b, _splat(b, args[2]), value)), target, args[4])
        return context.get_dummy_value()

    return signature, codegen


@intrinsic  # type: ignore[untyped-decorator]
def backward_texel(typingctx: Any, samples: Any, at: Any, T: Any, residual: Any, rat: Any, behind: Any, bat: Any):  # type: ignore[no-untyped-def]
    """The gradient of "over" at one sample (DeepView, section 3), in place of the sample.

    With c, a the sample's straight colour and alpha, T the transmittance in front, g the gradient of the loss with respect to
    the pixel (lane 3 zero) and B the colour composited behind: dc = T a g, da = T g.(c - B), then B += a (c - B).
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
