/** The element's attributes as values. */

const DEFAULT_FOV_DEGREES = 90;
const [LEAST_FOV, MOST_FOV] = [10, 150];

/** True where it is there, unless it says "false"; `fallback` where it is not. */
export function switchOf(element: Element, name: string, fallback: boolean): boolean {
  const value = element.getAttribute(name);
  return value === null ? fallback : value !== "false";
}

/**
 * The horizontal field of view, radians. The attribute says that of the longer side: a phone that is held upright would
 * else see far too much above and below.
 */
export function fovOf(element: Element): number {
  const degrees = Number(element.getAttribute("fov") ?? DEFAULT_FOV_DEGREES);
  const usable = Number.isFinite(degrees) && degrees > 0 ? degrees : DEFAULT_FOV_DEGREES;
  const longer = (Math.min(Math.max(usable, LEAST_FOV), MOST_FOV) / 180) * Math.PI;
  const upright = element.clientHeight > element.clientWidth && element.clientWidth > 0;
  return upright ? 2 * Math.atan((Math.tan(longer / 2) * element.clientWidth) / element.clientHeight) : longer;
}
