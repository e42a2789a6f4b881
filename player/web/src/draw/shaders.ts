/** The GLSL of the layers. `VIEWS` is 2 where one draw call serves both eyes (OVR_multiview2). */

/** Attribute places, the same in every program. */
export const DIRECTION = 0;
export const DISPARITY = 1;
export const TEXEL = 2;

/**
 * A vertex is R * direction + disparity * t in the eye's frame: homogeneous, so that disparity 0 is infinitely far.
 * Depth is not tested; z only cuts off what is nearer than 1 mm (and guards directions beside the eye).
 */
export function vertexShader(views: 1 | 2): string {
  const multiview = views === 2;
  return `#version 300 es
${multiview ? "#extension GL_OVR_multiview2 : require\nlayout(num_views = 2) in;" : ""}
uniform mat4 projection[${views}];
uniform mat4 view[${views}];
in vec3 direction;
in float disparity;
in vec2 texel;
out highp vec2 at;
void main() {
  int eye = ${multiview ? "int(gl_ViewID_OVR)" : "0"};
  vec3 p = mat3(view[eye]) * direction + disparity * view[eye][3].xyz;
  gl_Position = projection[eye] * vec4(p, disparity);
  gl_Position.z = gl_Position.w - 2.0 * (1e-5 + 1e-3 * disparity);
  at = texel;
}`;
}

const HEAD = `#version 300 es
precision highp float;
uniform sampler2D picture;
uniform vec2 size;
uniform vec2 alpha_offset;
uniform float texture_scale;
uniform float fade;
in highp vec2 at;
out vec4 colour;
`;

/**
 * A picture as its planes: Y above, U and V side by side below it in one texture. BT.709 limited range (ITU-R BT.709-6
 * section 3): Kr 0.2126, Kb 0.0722. Chroma samples lie in the centres of 2x2 luma samples.
 */
export const PLANES_FRAGMENT = `${HEAD}
float plane(vec2 p, vec2 offset, vec2 extent) {
  return 255.0 * texture(picture, (clamp(p, vec2(0.5), extent - 0.5) + offset) / vec2(size.x, 1.5 * size.y)).r;
}
void main() {
  vec2 p = at * texture_scale;
  vec2 half_size = 0.5 * size;
  float alpha = clamp((plane(p + alpha_offset, vec2(0.0), size) - 16.0) / 219.0, 0.0, 1.0);
  float y = (plane(p, vec2(0.0), size) - 16.0) / 219.0;
  float b = (plane(0.5 * p, vec2(0.0, size.y), half_size) - 128.0) / 224.0;
  float r = (plane(0.5 * p, vec2(half_size.x, size.y), half_size) - 128.0) / 224.0;
  vec3 rgb = vec3(
    y + 2.0 * (1.0 - 0.2126) * r,
    y - 2.0 * (1.0 - 0.0722) * (0.0722 / 0.7152) * b - 2.0 * (1.0 - 0.2126) * (0.2126 / 0.7152) * r,
    y + 2.0 * (1.0 - 0.0722) * b);
  colour = vec4(clamp(rgb, 0.0, 1.0) * (alpha * fade), alpha);
}`;

/** A picture that the browser has converted to RGB: a decoder's frame in the GPU. Alpha is grey. */
export const RGB_FRAGMENT = `${HEAD}
void main() {
  vec2 p = at * texture_scale;
  float alpha = texture(picture, (p + alpha_offset) / size).g;
  colour = vec4(texture(picture, p / size).rgb * (alpha * fade), alpha);
}`;

/** Counts layers: each adds 1/255. */
export const COUNT_FRAGMENT = `#version 300 es
precision highp float;
out vec4 colour;
void main() {
  colour = vec4(1.0 / 255.0);
}`;

/** One triangle that covers the target. */
export const COVER_VERTEX = `#version 300 es
out highp vec2 at;
void main() {
  at = vec2(float(2 * (gl_VertexID & 1)), float(gl_VertexID & 2));
  gl_Position = vec4(2.0 * at - 1.0, 0.0, 1.0);
}`;

/** An eye's layer of a texture array. */
export const EYE_FRAGMENT = `#version 300 es
precision highp float;
precision highp sampler2DArray;
uniform sampler2DArray eyes;
uniform int eye;
uniform ivec2 origin;
out vec4 colour;
void main() {
  colour = texelFetch(eyes, ivec3(ivec2(gl_FragCoord.xy) - origin, eye), 0);
}`;
