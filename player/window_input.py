"""Mouse and keyboard of a VTK window, gathered between two pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# VTK's names of keys, as they are used here.
_NAMES = {"Left": "left", "Right": "right", "Escape": "q"}


@dataclass(frozen=True)
class Taken:
    """What happened since the last picture.

    Attributes:
        turn, slide: pixels the mouse was dragged with the left, and with the right or middle button; x right, y up.
        wheel: notches forward.
        keys: held now. pressed: pressed since, in order.
    """

    turn: tuple[float, float]
    slide: tuple[float, float]
    wheel: int
    keys: frozenset[str]
    pressed: tuple[str, ...]


class Gestures:
    """Gathers events; `take` empties it."""

    def __init__(self) -> None:
        self.quit = False
        self._held: set[str] = set()
        self._pressed: list[str] = []
        self._drag: str | None = None
        self._at = (0, 0)
        self._moves = {"turn": [0.0, 0.0], "slide": [0.0, 0.0]}
        self._wheel = 0

    def key_down(self, name: str) -> None:
        """A key goes down, or repeats."""
        name = _NAMES.get(name, name.lower())
        if name == "q":
            self.quit = True
        if name not in self._held or name in ("left", "right"):
            self._pressed.append(name)
        self._held.add(name)

    def key_up(self, name: str) -> None:
        """A key goes up."""
        self._held.discard(_NAMES.get(name, name.lower()))

    def drag(self, kind: str | None, at: tuple[int, int]) -> None:
        """A button goes down ("turn" or "slide") or up (None) at pixels from the lower left."""
        self._drag, self._at = kind, at

    def move(self, at: tuple[int, int]) -> None:
        """The mouse is at pixels from the lower left."""
        if self._drag is not None:
            total = self._moves[self._drag]
            total[0] += at[0] - self._at[0]
            total[1] += at[1] - self._at[1]
        self._at = at

    def wheel(self, notches: int) -> None:
        """The wheel turns, positive forward."""
        self._wheel += notches

    def take(self) -> Taken:
        """What happened since the last call."""
        turn, slide = self._moves["turn"], self._moves["slide"]
        taken = Taken(
            turn=(turn[0], turn[1]),
            slide=(slide[0], slide[1]),
            wheel=self._wheel,
            keys=frozenset(self._held),
            pressed=tuple(self._pressed),
        )
        self._pressed.clear()
        self._moves = {"turn": [0.0, 0.0], "slide": [0.0, 0.0]}
        self._wheel = 0
        return taken

    def attach(self, interactor: Any) -> None:
        """Listen to a vtkRenderWindowInteractor."""

        def at() -> tuple[int, int]:
            x, y = interactor.GetEventPosition()
            return x, y

        def listen(event: str, then: Any) -> None:
            interactor.AddObserver(event, lambda *_: then())

        listen("KeyPressEvent", lambda: self.key_down(interactor.GetKeySym() or ""))
        listen("KeyReleaseEvent", lambda: self.key_up(interactor.GetKeySym() or ""))
        listen("LeftButtonPressEvent", lambda: self.drag("turn", at()))
        for button in ("Right", "Middle"):
            listen(f"{button}ButtonPressEvent", lambda: self.drag("slide", at()))
        for button in ("Left", "Right", "Middle"):
            listen(f"{button}ButtonReleaseEvent", lambda: self.drag(None, at()))
        listen("MouseMoveEvent", lambda: self.move(at()))
        listen("MouseWheelForwardEvent", lambda: self.wheel(1))
        listen("MouseWheelBackwardEvent", lambda: self.wheel(-1))
        listen("ExitEvent", lambda: setattr(self, "quit", True))
