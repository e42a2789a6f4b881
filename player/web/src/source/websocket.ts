/** ws:// and wss://: one session message is one binary message of a WebSocket. SPEC section 8.1. */

import { StreamError, UsageError } from "../format/errors.ts";
import { printable } from "../format/fields.ts";
import { MAX_PART_BYTES, PART_HEADER_BYTES } from "../format/schema.ts";
import type { Address } from "./address.ts";
import * as failures from "./failures.ts";
import type { LinkOptions } from "./link.ts";
import { type Receiver, SessionLink, type Wire } from "./session_link.ts";

const MAX_BYTES = PART_HEADER_BYTES + MAX_PART_BYTES;

/** A link to a ws:// or wss:// address. */
export function websocketLink(address: Address, options: LinkOptions): SessionLink {
  return new SessionLink(address, options, dial);
}

/** Throws UsageError where the browser refuses the address without asking anybody. */
function dial(address: Address, options: LinkOptions, receiver: Receiver): Wire {
  let socket: WebSocket;
  try {
    socket = new WebSocket(address.url);
  } catch (error) {
    throw new UsageError(`this browser refuses ${address.text}: ${String(error)}; check the address`);
  }
  socket.binaryType = "arraybuffer";
  let open = false;
  const end = (): void => {
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  };
  const lose = (reason: string): void => {
    end();
    receiver.lost(new StreamError(`${address.text} ${reason}`));
  };
  socket.onopen = () => {
    open = true;
    receiver.ready();
  };
  socket.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (!(data instanceof ArrayBuffer)) lose("sends text");
    else if (data.byteLength > MAX_BYTES) lose(`sends a message of more than ${MAX_BYTES} bytes`);
    else receiver.take(new Uint8Array(data));
  };
  socket.onclose = ({ reason }) => {
    // A handshake that was refused looks like a server that is not there: browsers tell pages neither.
    if (!open) receiver.lost(failures.unreachable(address, options.origin));
    else lose(`closed the connection${reason && `: ${printable(reason)}`}`);
  };
  socket.onerror = () => {}; // says nothing that the "close" behind it does not say
  return {
    send(message) {
      if (socket.readyState === WebSocket.OPEN) socket.send(message);
    },
    close: end,
  };
}
