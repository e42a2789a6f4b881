"""The GLSL of the compositor. Pictures are drawn with image row 0 at y = -1, so that reading back needs no flip."""

# A vertex is R * direction + disparity * t in the camera frame: homogeneous, so that disparity 0 is infinitely far.
# Depth is not tested; z only cuts off what is nearer than near.y metres (near.x guards directions beside the camera).
PINHOLE_VERTEX = """
#version 330
uniform mat3 R_camera_world;
uniform vec3 t_camera_world;
uniform vec4 lens;
uniform vec2 near;
in vec3 direction;
in float disparity;
in vec2 texel;
out vec2 at;
void main() {
    vec3 p = R_camera_world * direction + disparity * t_camera_world;
    gl_Position = vec4(lens.xy * p.xy + lens.zw * p.z, p.z - 2.0 * (near.x + near.y * disparity), p.z);
    at = texel;
}
"""

PLACED_VERTEX = """
#version 330
in vec4 position;
in vec2 texel;
out vec2 at;
void main() {
    gl_Position = position;
    at = texel;
}
"""

# BT.709 limited range (ITU-R BT.709-6 section 3): Kr 0.2126, Kb 0.0722. Chroma planes are half as large and their
# samples lie in the centres of 2x2 luma samples, so the same normalised coordinate addresses all three planes.
YUV_FRAGMENT = """
#version 330
uniform sampler2D luma;
uniform sampler2D cb;
uniform sampler2D cr;
uniform vec2 picture_size;
uniform vec2 alpha_offset;
uniform float texture_scale;
in vec2 at;
out vec4 colour;
void main() {
    vec2 p = at * texture_scale;
    float alpha = clamp((255.0 * texture(luma, (p + alpha_offset) / picture_size).r - 16.0) / 219.0, 0.0, 1.0);
    vec2 uv = p / picture_size;
    float y = (255.0 * texture(luma, uv).r - 16.0) / 219.0;
    float b = (255.0 * texture(cb, uv).r - 128.0) / 224.0;
    float r = (255.0 * texture(cr, uv).r - 128.0) / 224.0;
    vec3 rgb = vec3(
        y + 2.0 * (1.0 - 0.2126) * r,
        y - 2.0 * (1.0 - 0.0722) * (0.0722 / 0.7152) * b - 2.0 * (1.0 - 0.2126) * (0.2126 / 0.7152) * r,
        y + 2.0 * (1.0 - 0.0722) * b);
    colour = vec4(clamp(rgb, 0.0, 1.0) * alpha, alpha);
}
"""

# Textures that were never coded: straight colour and alpha, the size of the colour region.
RGBA_FRAGMENT = """
#version 330
uniform sampler2D rgba;
uniform vec2 picture_size;
uniform float texture_scale;
in vec2 at;
out vec4 colour;
void main() {
    vec4 c = clamp(texture(rgba, at * texture_scale / picture_size), 0.0, 1.0);
    colour = vec4(c.rgb * c.a, c.a);
}
"""

# Averages samples x samples pixels, puts the background behind and dims by `fade`.
RESOLVE_VERTEX = """
#version 330
void main() {
    gl_Position = vec4(4.0 * float(gl_VertexID & 1) - 1.0, 2.0 * float(gl_VertexID & 2) - 1.0, 0.0, 1.0);
}
"""

RESOLVE_FRAGMENT = """
#version 330
uniform sampler2D layers;
uniform int samples;
uniform vec3 background;
uniform float fade;
uniform ivec2 origin;
uniform int flip_height;
out vec4 colour;
void main() {
    ivec2 p = ivec2(gl_FragCoord.xy) - origin;
    if (flip_height > 0) {
        p.y = flip_height - 1 - p.y;
    }
    vec4 sum = vec4(0.0);
    for (int j = 0; j < samples; ++j) {
        for (int i = 0; i < samples; ++i) {
            sum += texelFetch(layers, p * samples + ivec2(i, j), 0);
        }
    }
    sum /= float(samples * samples);
    colour = vec4((sum.rgb + (1.0 - sum.a) * background) * fade, sum.a);
}
"""
