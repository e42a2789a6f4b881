/** What hands do, gathered between two pictures. Pure: the input feeds it, `take` empties it. */

type Pair = readonly [number, number];

/** What happened since the last picture. */
export interface Taken {
  /** Pixels dragged to look around, and to move sideways and up; x right, y down. */
  readonly turn: Pair;
  readonly slide: Pair;
  /** Notches of the wheel, positive forward. */
  readonly wheel: number;
  /** The logarithm of how many times closer the picture was pulled. */
  readonly zoom: number;
  /** Keys that are held now. */
  readonly keys: ReadonlySet<string>;
  /** A drag to look around goes on. */
  readonly turning: boolean;
}

/** What a pointer does: a mouse button looks or moves; fingers do as many as there are. */
export type Grip = "turn" | "slide" | "finger";

interface Held {
  readonly grip: Grip;
  x: number;
  y: number;
}

export class Gestures {
  private readonly pointers = new Map<number, Held>();
  private readonly keys = new Map<string, string>();
  private turn: Pair = [0, 0];
  private slide: Pair = [0, 0];
  private notches = 0;
  private closer = 0;

  /** A button or a finger goes down at pixels. */
  down(id: number, grip: Grip, x: number, y: number): void {
    this.pointers.set(id, { grip, x, y });
  }

  /** A pointer is at pixels. Two fingers move by what they move together, and pull by how far they part. */
  move(id: number, x: number, y: number): void {
    const held = this.pointers.get(id);
    if (held === undefined) return;
    const step: Pair = [x - held.x, y - held.y];
    const others = held.grip === "finger" ? this.fingers().filter((finger) => finger !== held) : [];
    if (held.grip === "slide" || others.length > 0) {
      const share = 1 / (1 + others.length);
      this.slide = [this.slide[0] + share * step[0], this.slide[1] + share * step[1]];
    } else {
      this.turn = [this.turn[0] + step[0], this.turn[1] + step[1]];
    }
    if (others.length === 1) {
      const before = Math.hypot(held.x - others[0].x, held.y - others[0].y);
      const after = Math.hypot(x - others[0].x, y - others[0].y);
      if (before > 0 && after > 0) this.closer += Math.log(after / before);
    }
    held.x = x;
    held.y = y;
  }

  /** A button or a finger is lifted. */
  up(id: number): void {
    this.pointers.delete(id);
  }

  wheel(notches: number): void {
    this.notches += notches;
  }

  zoom(logarithm: number): void {
    this.closer += logarithm;
  }

  /** A key goes down. `code` is its place on the keyboard: what it types may have changed when it comes up. */
  hold(code: string, key: string): void {
    this.keys.set(code, key);
  }

  release(code: string): void {
    this.keys.delete(code);
  }

  /** Nobody is at the keyboard any more: no key will be seen to come up. */
  releaseAll(): void {
    this.keys.clear();
  }

  /** What happened since the last call. */
  take(): Taken {
    const fingers = this.fingers().length;
    const taken = {
      turn: this.turn,
      slide: this.slide,
      wheel: this.notches,
      zoom: this.closer,
      keys: new Set(this.keys.values()),
      turning: fingers === 1 || [...this.pointers.values()].some(({ grip }) => grip === "turn"),
    };
    this.turn = this.slide = [0, 0];
    this.notches = this.closer = 0;
    return taken;
  }

  private fingers(): Held[] {
    return [...this.pointers.values()].filter(({ grip }) => grip === "finger");
  }
}
