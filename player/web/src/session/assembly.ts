/** The parts of the front or of one segment, put together as they come. */

/** `total` bytes, whose number was checked; they are filled in order. */
export class Assembly {
  received = 0;
  private readonly bytes: Uint8Array<ArrayBuffer>;

  constructor(
    readonly chunk: number,
    readonly rung: number,
    readonly total: number,
  ) {
    this.bytes = new Uint8Array(total);
  }

  /** Copies the payload, which fits. */
  add(payload: Uint8Array): void {
    this.bytes.set(payload, this.received);
    this.received += payload.length;
  }

  get left(): number {
    return this.total - this.received;
  }

  /** Once nothing is left. */
  get whole(): Uint8Array<ArrayBuffer> {
    return this.bytes;
  }
}
