/** A plain web server with one file, as honest as each test lets it be. */

import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Cleanup } from "../served.ts";

export type Answering = (response: ServerResponse, range: readonly [number, number]) => void;

export class Site {
  port = 0;
  readonly requests: { url: string; headers: IncomingMessage["headers"]; range: readonly [number, number] }[] = [];
  /** Instead of the honest answer. */
  answering: Answering = (response, range) => this.answer(response, range);
  etag = '"one"';

  constructor(public file: Uint8Array) {}

  async start(cleanup: Cleanup): Promise<this> {
    const server = createServer((request, response) => {
      const [, first, last] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "") ?? [];
      const range = [Number(first), Math.min(Number(last), this.file.length - 1)] as const;
      this.requests.push({ url: request.url!, headers: request.headers, range });
      this.answering(response, range);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    this.port = (server.address() as AddressInfo).port;
    cleanup.add(() => {
      server.closeAllConnections();
      server.close();
    });
    return this;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The range, all of it at once. */
  answer(response: ServerResponse, [first, last]: readonly [number, number]): void {
    this.head(response, [first, last]);
    response.end(this.file.subarray(first, last + 1));
  }

  /** Status and headers of a range, but for what `headers` say otherwise. */
  head(response: ServerResponse, [first, last]: readonly [number, number], headers: Record<string, string> = {}): void {
    response.writeHead(206, {
      "Content-Range": `bytes ${first}-${last}/${this.file.length}`,
      "Content-Length": last - first + 1,
      ETag: this.etag,
      ...headers,
    });
  }
}
