"""Eight texels by eight channels of a matrix product in registers, for numba kernels.

LLVM vectorises a loop over texels, but keeps one channel at a time: every product then costs a load. Here a weight that
was loaded serves eight texels and a texel that was loaded eight channels.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

TEXELS = 8
CHANNELS = 8
_LANE = ir.IntType(32)
_V8 = ir.VectorType(ir.FloatType(), TEXELS)
_FAST = ("nnan", "ninf", "nsz")  # as `kernel_options` has it


@intrinsic  # type: ignore[untyped-decorator]
def mix_eight(  # type: ignore[no-untyped-def]
    typingctx: Any, weights: Any, first: Any, bias: Any, source: Any, at: Any, out: Any, to: Any
):
    """out[first + c, to + x] = bias[first + c] + sum over k of weights[k, first + c] source[k, at + x], c, x < 8.

    weights (K, C), bias (C,), source (K, X), out (C, X): C-contiguous float32, C and the columns after `at` and
    `to` at least eight more; K may be smaller than the rows of source.
    """
    i8 = types.int64
    signature = types.void(weights, i8, bias, source, i8, out, i8)

    def codegen(context: Any, b: Any, sig: Any, args: Any) -> Any:
        def array(k: int) -> Any:
            return cgutils.create_struct_proxy(sig.args[k])(context, b, args[k])

        def vector(place: Any) -> Any:
            return b.bitcast(place, _V8.as_pointer())

        def splat(scalar: Any) -> Any:
            undefined = ir.Constant(_V8, ir.Undefined)
            one = b.insert_element(undefined, scalar, ir.Constant(_LANE, 0))
            return b.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(_LANE, TEXELS), [0] * TEXELS))

        table, biases, texels, target = (array(k) for k in (0, 2, 3, 5))
        first, at = args[1], args[4]
        rows, columns = (cgutils.unpack_tuple(b, table.shape)[k] for k in (0, 1))
        width, out_width = (cgutils.unpack_tuple(b, each.shape)[1] for each in (texels, target))
        sums = [cgutils.alloca_once(b, _V8) for _ in range(CHANNELS)]
        lanes = [ir.Constant(first.type, c) for c in range(CHANNELS)]
        for c, total in zip(lanes, sums, strict=True):
            b.store(splat(b.load(b.gep(biases.data, [b.add(first, c)]))), total)
        with cgutils.for_range(b, rows) as loop:
            values = b.load(vector(b.gep(texels.data, [b.add(at, b.mul(loop.index, width))])), align=4)
            row = b.add(first, b.mul(loop.index, columns))
            for c, total in zip(lanes, sums, strict=True):
                product = b.fmul(splat(b.load(b.gep(table.data, [b.add(row, c)]))), values, flags=_FAST)
                b.store(b.fadd(b.load(total), product, flags=_FAST), total)
        for c, total in zip(lanes, sums, strict=True):
            place = b.gep(target.data, [b.add(args[6], b.mul(b.add(first, c), out_width))])
            b.store(b.load(total), vector(place), align=4)
        return context.get_dummy_value()

    return signature, codegen
