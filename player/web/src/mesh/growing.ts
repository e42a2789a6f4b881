/** Typed arrays that grow while a mesh is made. */

export interface Growing<T extends Float32Array | Int32Array> {
  array: T;
}

const FIRST = 4096;

export function growing<T extends Float32Array | Int32Array>(kind: new (length: number) => T): Growing<T> {
  return { array: new kind(FIRST) };
}

/** The array, with room for `length` numbers. */
export function grown<T extends Float32Array | Int32Array>(list: Growing<T>, length: number): T {
  if (length > list.array.length) {
    const kind = list.array.constructor as new (length: number) => T;
    const next = new kind(Math.max(2 * list.array.length, length));
    next.set(list.array as never);
    list.array = next;
  }
  return list.array;
}
