/** The closed tree of errors. Every message names the thing and, after a semicolon, the mend. */

/** Anything that the player reports in one line. */
export class LfvError extends Error {
  override readonly name: string = "LfvError";
}

/** The player was asked for something that it cannot mean. */
export class UsageError extends LfvError {
  override readonly name = "UsageError";
}

/**
 * The other end of a stream refuses, breaks the protocol, or is gone. `code` is one of SPEC 8.5 or of
 * `source/failures.ts`, or empty: then trying again may help.
 */
export class StreamError extends LfvError {
  override readonly name = "StreamError";

  constructor(
    message: string,
    readonly code: string = "",
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A show is damaged, truncated, from the future, or not a show. */
export class FormatError extends LfvError {
  override readonly name = "FormatError";

  /** @param bytes the first bad byte range [start, end) of the file, where it is known; an end of null is the file's. */
  constructor(
    readonly reason: string,
    readonly bytes: readonly [number, number | null] | null = null,
  ) {
    super(bytes === null ? reason : `${reason} (bytes ${bytes[0]}..${bytes[1] ?? "end"})`);
  }
}

/**
 * What `read` gives; a FormatError of it gets the name in front, and the byte range where it has none yet.
 */
export function located<T>(name: string, bytes: readonly [number, number] | null, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError) throw new FormatError(`${name}: ${error.reason}`, error.bytes ?? bytes);
    throw error;
  }
}
