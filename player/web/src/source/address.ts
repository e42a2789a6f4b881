/** Where a show is: what a page or a server says, taken apart. */

import { UsageError } from "../format/errors.ts";
import { printable } from "../format/fields.ts";

const KINDS = ["http", "https", "ws", "wss"] as const;
export type Kind = (typeof KINDS)[number];

const SUFFIX = /\.lfv$/;
const MEND = "give http://, https://, ws:// or wss:// with HOST:PORT/NAME.lfv, or an address relative to the page";
const MOST_CHARACTERS = 4096;

/** One show at one place. */
export interface Address {
  readonly kind: Kind;
  /** Of requests: without the token. */
  readonly url: string;
  /** SCHEME://HOST:PORT, as browsers write origins. */
  readonly origin: string;
  /** The name by which a server knows the show: the file's name without ".lfv". */
  readonly show: string;
  /** What messages call it. It holds neither a query nor a token. */
  readonly text: string;
  /** What the query said lets the player in, or empty. */
  readonly token: string;
}

/** What was written -> where the show is; relative to `base`, where that is given. Throws UsageError. */
export function parseAddress(written: string | URL, base?: string): Address {
  const text = String(written);
  const shown = shownOf(text);
  if (!text || text.length > MOST_CHARACTERS) {
    throw new UsageError(`no show is named by ${text.length} characters; ${MEND}`);
  }
  const url = resolved(text, base);
  if (url === null) throw new UsageError(`'${shown}' is no address that can be used; ${MEND}`);
  const kind = KINDS.find((known) => url.protocol === `${known}:`);
  if (kind === undefined) {
    throw new UsageError(`'${shown}' is reached by '${url.protocol.slice(0, -1)}', which players do not know; ${MEND}`);
  }
  if (url.username || url.password) {
    throw new UsageError(`'${shown}' has a user or password in it; use a token, or ?token= at its end`);
  }
  if (url.hash) throw new UsageError(`'${shown}' has a '#' in it; write it %23 where it belongs to the name`);
  const { token, query } = takeToken(url.search);
  const origin = `${kind}://${url.host}`;
  return {
    kind,
    url: `${origin}${url.pathname}${query}`,
    origin,
    show: showOf(url.pathname, shown),
    text: `${origin}${url.pathname}`,
    token,
  };
}

/** null where it is no URL. */
function resolved(text: string, base?: string): URL | null {
  try {
    return new URL(text, base);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/** Where the same server speaks the session's protocol: at the same path. */
export function websocketAddress(address: Address): Address {
  const change = (text: string) => text.replace(/^http/, "ws");
  return {
    ...address,
    kind: address.kind === "https" ? "wss" : "ws",
    url: change(address.url),
    origin: change(address.origin),
    text: change(address.text),
  };
}

/** By convention the last part of the path, SPEC 8.1. */
function showOf(path: string, shown: string): string {
  let show = "";
  try {
    show = decodeURIComponent(path.slice(path.lastIndexOf("/") + 1)).replace(SUFFIX, "");
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
  }
  if (!show || show.includes("/") || printable(show) !== show) {
    throw new UsageError(`'${shown}' names no show; ${MEND}`);
  }
  return show;
}

/** The query's token, and the rest of the query to the letter: signed addresses are kept as they are. */
function takeToken(search: string): { token: string; query: string } {
  const pairs = search.slice(1).split("&");
  const isToken = (pair: string) => /^token(=|$)/.test(pair);
  const rest = pairs.filter((pair) => pair && !isToken(pair)).join("&");
  return { token: new URLSearchParams(search).get("token") ?? "", query: rest && `?${rest}` };
}

/** The address without what may be secret: user, password and query. */
function shownOf(text: string): string {
  return printable(text.split(/[?#]/, 1)[0].replace(/\/\/[^/]*@/, "//"));
}
