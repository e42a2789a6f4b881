/** A way to a server that can be narrow, silent, or cut. */

import { type AddressInfo, type Socket, connect, createServer } from "node:net";
import type { Cleanup } from "./served.ts";

export class Proxy {
  port = 0;
  /** Where new connections lead. */
  target = 0;
  /** Bytes that came from the server, and connections that were made. */
  passed = 0;
  connections = 0;
  /** Bytes per second to the client. */
  rate = Infinity;
  private state: "open" | "silent" | "cut" = "open";
  private readonly sockets = new Set<Socket>();
  /** What goes on once it is open again. */
  private readonly held: (() => void)[] = [];

  /** "silent": nothing passes; "cut": connections end, and none is made. */
  become(state: "open" | "silent" | "cut"): void {
    this.state = state;
    if (state === "cut") for (const socket of this.sockets) socket.destroy();
    if (state === "open") for (const goOn of this.held.splice(0)) goOn();
  }

  async start(target: number, cleanup: Cleanup): Promise<void> {
    this.target = target;
    const server = createServer((client) => this.take(client));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    this.port = (server.address() as AddressInfo).port;
    cleanup.add(() => {
      this.become("cut");
      server.close();
    });
  }

  private take(client: Socket): void {
    if (this.state === "cut") {
      client.destroy();
      return;
    }
    this.connections += 1;
    const server = connect(this.target, "127.0.0.1");
    this.pass(client, server);
    this.pass(server, client);
    server.on("data", (data) => {
      this.passed += data.length;
      if (this.rate === Infinity) return;
      server.pause();
      setTimeout(() => server.resume(), (1000 * data.length) / this.rate);
    });
  }

  private pass(from: Socket, to: Socket): void {
    this.sockets.add(from);
    from.on("data", (data) => {
      if (this.state === "silent") {
        from.pause();
        this.held.push(() => {
          to.write(data);
          from.resume();
        });
      } else to.write(data);
    });
    from.on("error", () => {});
    from.on("close", () => {
      this.sockets.delete(from);
      to.destroy();
    });
  }
}
