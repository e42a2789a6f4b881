/** What fails on the way to a server, in words that name the address. */

import { StreamError, UsageError } from "../format/errors.ts";
import type { Address } from "./address.ts";

// Codes of refusals that no session's server sent: trying again changes nothing. The others are those of SPEC 8.5.
export const CAPABILITY = "capability";
/** A show that grows, at an address that gives only finished ones: a session would give it. */
export const ONLY_LIVE = "live";

/** What HTTP's statuses mean here; whatever is in neither is a refusal of another kind. */
export const REFUSALS: ReadonlyMap<number, readonly [string, string]> = new Map([
  [401, ["token", "asks for a token; give the player one, or put ?token= behind the address"]],
  [403, ["token", "lets nobody in with this token, or from here; check the token"]],
  [404, ["show", "has no such show; check the name"]],
  [409, [ONLY_LIVE, "gives this show only as it grows; use its ws:// or wss:// address"]],
  [410, ["show", "has the show no more"]],
]);
export const RETRYABLE: readonly number[] = [408, 425, 429, 500, 502, 503, 504];

/** No first answer came. */
export function late(address: Address, seconds: number): StreamError {
  return new StreamError(
    `${address.text} does not answer within ${Number(seconds.toPrecision(6))} s; is it an lfv server, and is it up?`,
  );
}

/** The connection went away without a word. */
export function closed(address: Address): StreamError {
  return new StreamError(`${address.text} closed the connection`);
}

/** Something was due and did not come. */
export function silent(address: Address, seconds: number): StreamError {
  return new StreamError(`nothing came from ${address.text} for ${seconds.toFixed(1)} s`);
}

/** There is no way, and browsers do not say why: a server that is down looks like one that refuses the page. */
export function unreachable(address: Address, origin: string): StreamError {
  const foreign = origin !== "" && sameHost(origin) !== sameHost(address.origin);
  const mend = foreign
    ? `is the server running, and does it let pages of ${origin} in (lfv serve --origin ${origin})?`
    : "is the server running there?";
  return new StreamError(`${address.text} cannot be reached; ${mend}`);
}

/** Throws UsageError where browsers let no page of the origin use the address, whatever the server says. */
export function checkMixed(address: Address, origin: string): void {
  const plain = address.kind === "http" || address.kind === "ws";
  const local = /^\w+:\/\/(localhost|127(\.\d+){3}|\[::1\])(:|$)/.test(address.origin);
  if (plain && !local && origin.startsWith("https:")) {
    throw new UsageError(
      `browsers let pages of https:// use nothing of ${address.kind}://, like ${address.text}; ` +
        `serve the show by ${address.kind}s://`,
    );
  }
}

/** An origin of http or ws, as ws or wss. */
function sameHost(origin: string): string {
  return origin.replace(/^http/, "ws");
}
