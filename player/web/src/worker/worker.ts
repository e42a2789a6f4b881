/** The worker's end: opens a show and delivers its frames to the page. */

import { DecoderError } from "../decode/video.ts";
import { type RungSupport, rungSupport, usableRungs } from "../decode/support.ts";
import { Loader } from "../fetch/loader.ts";
import { LfvError, StreamError, UsageError } from "../format/errors.ts";
import type { Manifest } from "../format/manifest.ts";
import { headsetRungs } from "../play/budget.ts";
import { hearsSound } from "../sound/decode.ts";
import { FrameSource, type Post, type Start } from "./frame_source.ts";
import type { ChunkTimes, FromWorker, OpenMessage, ShowFacts, ToWorker } from "./messages.ts";

const FIGURES_MS = 200;

const post: Post = (message: FromWorker, moved: Transferable[]) => self.postMessage(message, { transfer: moved });

let show: Show | null = null;

// What the page's policy forbids looks like a server that does not answer.
self.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => {
  if (effectiveDirective !== "connect-src") return;
  fail(new UsageError(`this page's policy (connect-src) lets the player not reach ${blockedURI}; have it allow that`));
});

self.addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === "open") void open(data);
  else show?.take(data);
});

async function open(message: OpenMessage): Promise<void> {
  try {
    if (typeof VideoDecoder === "undefined") throw new UsageError(noDecoder());
    const { rung, loop, token } = message;
    const loader = await Loader.open(message.src, { rung, loop, token });
    const { manifest } = loader;
    const support = await rungSupport(manifest, message.mostTexels);
    if (support.every((one) => one.trouble)) throw new UsageError(nothingFits(manifest, support));
    show = new Show(loader, support, message, await hearsSound(manifest.sound));
  } catch (error) {
    fail(error);
  }
}

function fail(error: unknown): void {
  // Whatever else it is, is a fault of ours: it is told, and stands whole in the console.
  if (!(error instanceof LfvError)) console.error(error);
  const message = error instanceof Error ? error.message : String(error);
  const passing = error instanceof StreamError && !error.code;
  post({ type: "failed", message, retry: !(error instanceof UsageError), passing }, []);
}

function noDecoder(): string {
  return self.isSecureContext
    ? "this browser cannot decode video for this player (WebCodecs); update it or use another"
    : "browsers decode video for this player only on pages of https:// addresses or of this machine; open it as one";
}

function nothingFits(manifest: Manifest, support: readonly RungSupport[]): string {
  const troubles = manifest.rungs.map((rung, i) => `${rung.name}: ${support[i].trouble}`);
  return `this device can play none of the show's rates (${troubles.join("; ")}); try another browser`;
}

class Show {
  private readonly source: FrameSource;
  private readonly troubles: string[];
  private chunks = 0;
  private headset = false;

  constructor(
    private readonly loader: Loader,
    private readonly support: RungSupport[],
    message: OpenMessage,
    private readonly sound: boolean,
  ) {
    this.troubles = support.map((one) => one.trouble);
    this.source = new FrameSource(loader, post, message.loop, sound);
    this.allow(message.headset);
    post({ type: "opened", facts: this.facts(), chunks: this.times() }, []);
    setInterval(() => this.tell(), FIGURES_MS);
    this.tell();
  }

  take(message: Exclude<ToWorker, OpenMessage>): void {
    const { loader, source } = this;
    if (message.type === "seek") void this.run(message);
    else if (message.type === "taken") source.taken(message.memory);
    else if (message.type === "fix") loader.lock(message.rung);
    else if (message.type === "headset") this.allow(message.on);
    else if (message.type === "spent") loader.spent(message.rung, message.seconds);
    else if (message.type === "loop") {
      loader.setLoop(message.on);
      source.setLoop(message.on);
    }
  }

  private async run(start: Start): Promise<void> {
    try {
      await this.source.run(start);
    } catch (error) {
      this.source.halt();
      if (error instanceof DecoderError && this.doesWithout(error)) return this.run(this.source.next);
      fail(error);
    }
  }

  /** Whether there is another rung than the one that the decoder cannot go on with. */
  private doesWithout(error: DecoderError): boolean {
    const rung = this.loader.manifest.rungs.indexOf(error.rung);
    this.support[rung] = { trouble: error.message, smooth: false };
    this.troubles[rung] = error.message;
    if (!usableRungs(this.loader.manifest, this.support).length) return false;
    this.allow(this.headset);
    return true;
  }

  private allow(headset: boolean): void {
    this.headset = headset;
    const usable = usableRungs(this.loader.manifest, this.support);
    this.loader.allow(headset ? headsetRungs(this.loader.manifest, usable) : usable);
  }

  private times(): ChunkTimes {
    const { index } = this.loader;
    this.chunks = index.chunks.length;
    return {
      starts: index.chunks.map((chunk) => chunk.start.toSeconds()),
      firstFrames: index.chunks.map((chunk) => chunk.firstFrame),
      duration: index.duration.toSeconds(),
      frameCount: index.frameCount,
    };
  }

  private facts(): ShowFacts {
    const { manifest, index, live, firstChunk } = this.loader;
    return {
      title: manifest.title,
      poster: manifest.poster.length ? image(manifest.poster) : null,
      thumbnails: manifest.thumbnails.map(({ time, image: data }) => ({ time: time.toSeconds(), image: image(data) })),
      comfortMin: manifest.comfortMin,
      comfortMax: manifest.comfortMax,
      background: manifest.background,
      rungs: manifest.rungs.map(({ name, width, height, bitsPerSecond }, i) => {
        return { name, width, height, bitsPerSecond, trouble: this.troubles[i] };
      }),
      layouts: manifest.rungs.map(({ alphaX, alphaY, textureScale }) => ({ alphaX, alphaY, textureScale })),
      units: manifest.units,
      sound: this.sound,
      live,
      first: index.chunks[firstChunk].firstFrame,
    };
  }

  private tell(): void {
    const { loader, source } = this;
    if (loader.index.chunks.length !== this.chunks) post({ type: "chunks", chunks: this.times() }, []);
    const { connected, trouble, throughput, aheadS, reconnects, switches } = loader.figures();
    const figures = {
      connected,
      trouble,
      throughput,
      aheadS,
      reconnects,
      switches,
      live: loader.live,
      edge: loader.edge(),
      buffered: loader.buffered(),
      decoded: source.decoded,
      mostHeld: source.mostHeld,
      troubles: this.troubles,
    };
    post({ type: "figures", figures }, []);
  }
}

function image(data: Uint8Array): Blob {
  return new Blob([data as Uint8Array<ArrayBuffer>], { type: data[0] === 0x89 ? "image/png" : "image/jpeg" });
}
