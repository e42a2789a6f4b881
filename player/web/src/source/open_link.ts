/** Which transport an address needs. */

import type { Address } from "./address.ts";
import { checkMixed } from "./failures.ts";
import { httpLink } from "./http.ts";
import type { Link, LinkOptions } from "./link.ts";
import { websocketLink } from "./websocket.ts";

/** A link to the address; nothing is connected before its `open`. Throws UsageError where no browser would do it. */
export function openLink(address: Address, options: LinkOptions): Link {
  checkMixed(address, options.origin);
  const session = address.kind === "ws" || address.kind === "wss";
  return session ? websocketLink(address, options) : httpLink(address, options);
}
