"""What a frame of a rung costs the device that draws it, and what a headset can draw. SPEC 4.5."""

from __future__ import annotations

from dataclasses import dataclass

from protocol import limits
from protocol.fields import Document, Fields


@dataclass(frozen=True)
class Cost:
    """What was counted, or what is allowed.

    Attributes:
        coverage_mean: screens that are blended, mean over frames and head poses.
        coverage_p99: as many or fewer are blended in 99 of 100 frames and head poses.
        triangles: drawn in the frame that has most, after players have cut long edges.
        draws: layers that are not empty, in the frame that has most.
    """

    coverage_mean: float
    coverage_p99: float
    triangles: int
    draws: int


# What a headset draws for both eyes at the rate of its display. The only place of these numbers beside SPEC 4.5.
HEADSET = Cost(coverage_mean=4.0, coverage_p99=6.0, triangles=1_000_000, draws=100)


def within(cost: Cost | None, budget: Cost) -> bool:
    """Whether nothing exceeds the budget; a cost that is not known is not within it."""
    return cost is not None and not over(cost, budget)


def over(cost: Cost, budget: Cost) -> tuple[str, ...]:
    """The names of what exceeds the budget."""
    return tuple(name for name, value in vars(cost).items() if value > getattr(budget, name))


def cost_to_document(cost: Cost) -> Document:
    return {
        **vars(cost),
        "coverage_mean": float(cost.coverage_mean),
        "coverage_p99": float(cost.coverage_p99),
    }


def cost_from_fields(f: Fields) -> Cost:
    return Cost(
        coverage_mean=f.real("coverage_mean", low=0, high=limits.MAX_COVERAGE),
        coverage_p99=f.real("coverage_p99", low=0, high=limits.MAX_COVERAGE),
        triangles=f.integer("triangles", low=0, high=limits.MAX_DRAWN_TRIANGLES),
        draws=f.integer("draws", low=0, high=limits.MAX_LAYERS),
    )
