/**
 * How the texels of layers map to directions (SPEC 4.3). A vertex lies at direction / disparity; nothing downstream asks
 * whether the grid is a sphere's or a plane's.
 */

import { FormatError } from "./errors.ts";
import type { Fields } from "./fields.ts";
import { MAX_GRID_SIDE } from "./schema.ts";

/** The texel grid shared by all layers of a show. Texel (0, 0) covers [0, 1) x [0, 1), x to the right and y down. */
export interface Projection {
  /** x and y are longitude and latitude, or tangents. */
  readonly kind: "sphere" | "plane";
  /** Texels. */
  readonly width: number;
  readonly height: number;
  /** Longitude (radians, 0 forward, positive to the right) or tangent X at x = 0. */
  readonly left: number;
  /** Latitude (radians, positive up) or tangent Y at y = 0. */
  readonly top: number;
  /** Texels per radian or per unit of tangent. */
  readonly density: number;
  /** The grid spans all of the turn, and x = width is x = 0. */
  readonly wraps: boolean;
}

/**
 * Writes the directions of points of the grid, computed in doubles.
 *
 * @param xy (2N) texels: x, y of each point.
 * @param out (3N) show frame: unit on spheres, z = -1 on planes.
 */
export function writeDirections(
  projection: Projection,
  xy: Float32Array | Float64Array | Uint16Array,
  out: Float32Array | Float64Array,
): void {
  const { left, top, density } = projection;
  const plane = projection.kind === "plane";
  for (let i = 0, o = 0; i < xy.length; i += 2, o += 3) {
    const a = left + xy[i] / density;
    const b = top - xy[i + 1] / density;
    if (plane) {
      out[o] = a;
      out[o + 1] = b;
      out[o + 2] = -1;
    } else {
      const across = Math.cos(b);
      out[o] = Math.sin(a) * across;
      out[o + 1] = Math.sin(b);
      out[o + 2] = -Math.cos(a) * across;
    }
  }
}

/** A sphere's grid spans at most one turn and stays between the poles. Throws FormatError. */
export function readProjection(f: Fields): Projection {
  const kind = f.choice("kind", ["sphere", "plane"]);
  const reach = kind === "sphere" ? Math.PI : 1e4;
  const projection: Projection = {
    kind,
    width: f.integer("width", 1, MAX_GRID_SIDE),
    height: f.integer("height", 1, MAX_GRID_SIDE),
    left: f.real("left", -2 * reach, 2 * reach),
    top: f.real("top", -reach, reach),
    density: f.real("density", 1e-3, 1e6),
    wraps: f.flag("wraps"),
  };
  if (kind === "sphere") checkSphere(projection, f.path);
  else if (projection.wraps) throw new FormatError(`${f.path}.wraps must be false for planes`);
  return projection;
}

function checkSphere(projection: Projection, path: string): void {
  const turn = projection.width / projection.density;
  const bottom = projection.top - projection.height / projection.density;
  if (turn > 2 * Math.PI * (1 + 1e-6) || (projection.wraps && turn < 2 * Math.PI * (1 - 1e-6))) {
    throw new FormatError(
      `${path}.width is ${turn.toFixed(6)} radians; a grid spans at most one turn, one that wraps exactly one`,
    );
  }
  // A texel of slack: encoders round the height up to whole texels.
  const slack = 1 / projection.density;
  if (projection.top > Math.PI / 2 + slack || bottom < -Math.PI / 2 - slack) {
    throw new FormatError(`${path}.top and height reach beyond the poles`);
  }
}
