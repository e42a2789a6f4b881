/** The page's end of its worker. */

import PlayerWorker from "../worker/worker.ts?worker&inline";
import type { FrameMessage, FromWorker, OpenMessage, ToWorker } from "../worker/messages.ts";

export class WorkerLink {
  private readonly worker = new PlayerWorker();

  constructor(take: (message: FromWorker) => void, failed: (message: string) => void) {
    this.worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => take(data));
    this.worker.addEventListener("error", (event) => {
      failed(`the player cannot run its worker (${event.message || "the page's rules forbid it"})`);
    });
  }

  open(message: Omit<OpenMessage, "type">): void {
    this.send({ type: "open", ...message });
  }

  /** A frame left the page's queue; the memory of its planes goes back. */
  taken({ picture }: FrameMessage): void {
    const memory = picture.kind === "planes" ? picture.data : null;
    this.worker.postMessage({ type: "taken", memory } satisfies ToWorker, memory ? [memory] : []);
  }

  send(message: ToWorker): void {
    this.worker.postMessage(message);
  }

  close(): void {
    this.worker.terminate();
  }
}
