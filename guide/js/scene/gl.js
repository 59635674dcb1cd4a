// The picture on the graphics unit: one box for every cell, all drawn at once. Only the three sides
// of a box that can be seen are drawn. Where a cell stands and what colour it has are read from two
// textures with a point a cell; drivers without a graphics unit take instances one by one, a
// hundred times slower. Nothing is drawn unless `draw` is called.

import { HALF } from "./picking.js";

const WIDE = 256; // cells in a row of a texture
const CORNERS = 12; // three sides of four corners each
const VERTEX = `#version 300 es
uniform highp sampler2D middles;
uniform lowp sampler2D tints;
uniform mat4 picture;
uniform vec3 eye;
uniform int pointed;
out vec3 colour;
void main() {
  int cell = gl_VertexID / ${CORNERS};
  int corner = gl_VertexID % ${CORNERS};
  int side = corner / 4;
  ivec2 at = ivec2(cell % ${WIDE}, cell / ${WIDE});
  vec3 middle = texelFetch(middles, at, 0).xyz;
  vec4 tint = texelFetch(tints, at, 0);
  float a = (corner & 1) == 0 ? -1.0 : 1.0;
  float b = (corner & 2) == 0 ? -1.0 : 1.0;
  vec3 out_of = side == 0 ? vec3(1.0, a, b) : side == 1 ? vec3(b, 1.0, a) : vec3(a, b, 1.0);
  vec3 towards = mix(vec3(-1.0), vec3(1.0), step(middle, eye));
  float size = tint.a * ${HALF} * (cell == pointed ? 1.5 : 1.0);
  gl_Position = picture * vec4(middle + out_of * towards * size, 1.0);
  colour = tint.rgb * (side == 2 ? 1.0 : side == 1 ? 0.86 : 0.72);
}`;
const FRAGMENT = `#version 300 es
precision mediump float;
in vec3 colour;
out vec4 seen;
void main() { seen = vec4(colour, 1.0); }`;

/** This browser has no WebGL 2, or has lost it for good. */
export class NoPicture extends Error {}

/** @template T @param {T | null} made @returns {T} */
function there(made) {
  if (made === null) throw new NoPicture("WebGL gives nothing");
  return made;
}

/**
 * Whether there is a graphics unit. Browsers that draw with the processor don't all own up to a
 * performance caveat, but the driver's name tells.
 */
function hasUnit() {
  const gl = document
    .createElement("canvas")
    .getContext("webgl2", { failIfMajorPerformanceCaveat: true });
  if (!gl) return false;
  let name = String(gl.getParameter(gl.RENDERER));
  if (name === "WebKit WebGL") {
    // Chromium and Safari say it in an extension, Firefox here
    const more = gl.getExtension("WEBGL_debug_renderer_info");
    if (more) name = String(gl.getParameter(more.UNMASKED_RENDERER_WEBGL));
  }
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return !/swiftshader|llvmpipe|softpipe|software|basic render/i.test(name);
}

export class Picture {
  /** Throws `NoPicture`. @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** Whether the processor draws: that takes longer than a frame. */ this.isSlow = !hasUnit();
    // Smooth edges where there is a graphics unit; without one they would take more than half of
    // the time.
    const wanted = {
      alpha: false,
      powerPreference: /** @type {const} */ ("low-power"),
      antialias: !this.isSlow,
    };
    /** @private @type {WebGL2RenderingContext} */
    this.gl = there(
      /** @type {WebGL2RenderingContext | null} */ (canvas.getContext("webgl2", wanted)),
    );
    this.count = 0;
    this.rows = 0;
    this.build();
  }

  /** Programs and buffers; again after the context was lost. */
  build() {
    const { gl } = this;
    const program = there(gl.createProgram());
    for (const [kind, source] of /** @type {[number, string][]} */ ([
      [gl.VERTEX_SHADER, VERTEX],
      [gl.FRAGMENT_SHADER, FRAGMENT],
    ])) {
      const shader = there(gl.createShader(kind));
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS))
      throw new NoPicture(gl.getProgramInfoLog(program) ?? "the program can't be linked");
    gl.useProgram(program);
    gl.enable(gl.DEPTH_TEST);
    const at = (/** @type {string} */ name) => gl.getUniformLocation(program, name);
    /** @private */ this.places = {
      picture: at("picture"),
      eye: at("eye"),
      pointed: at("pointed"),
    };
    gl.bindVertexArray(gl.createVertexArray());
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, there(gl.createBuffer()));
    for (const [unit, name] of ["middles", "tints"].entries()) {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, there(gl.createTexture()));
      for (const which of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER])
        gl.texParameteri(gl.TEXTURE_2D, which, gl.NEAREST);
      gl.uniform1i(at(name), unit);
    }
  }

  /** Where the boxes stand. @param {Float32Array} centers */
  place(centers) {
    const { gl } = this;
    this.count = centers.length / 3;
    this.rows = Math.ceil(this.count / WIDE);
    const points = new Float32Array(4 * WIDE * this.rows);
    const order = new Uint32Array(18 * this.count);
    for (let cell = 0; cell < this.count; cell++) {
      points.set(centers.subarray(3 * cell, 3 * cell + 3), 4 * cell);
      for (let side = 0; side < 3; side++) {
        [0, 1, 2, 2, 1, 3].forEach(
          (corner, i) => (order[18 * cell + 6 * side + i] = CORNERS * cell + 4 * side + corner),
        );
      }
    }
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, order, gl.STATIC_DRAW);
    gl.activeTexture(gl.TEXTURE0);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32F, WIDE, this.rows, 0, gl.RGBA, gl.FLOAT, points);
  }

  /** Their colours and sizes, four bytes each. @param {Uint8Array} bytes */
  paint(bytes) {
    const { gl } = this;
    if (bytes.length !== 4 * this.count) return;
    const points = new Uint8Array(4 * WIDE * this.rows);
    points.set(bytes);
    gl.activeTexture(gl.TEXTURE1);
    gl.texImage2D(
      gl.TEXTURE_2D,
      0,
      gl.RGBA8,
      WIDE,
      this.rows,
      0,
      gl.RGBA,
      gl.UNSIGNED_BYTE,
      points,
    );
  }

  /**
   * @param {Float32Array} matrix
   * @param {number[]} eye
   * @param {[number, number, number]} paper 0 to 255
   * @param {number} pointed a cell to be drawn larger, or -1
   * @param {{start: number, end: number}[]} parts the cells that can be in the picture
   */
  draw(matrix, eye, paper, pointed, parts) {
    const { gl, canvas, places } = this;
    if (!places || gl.isContextLost()) return;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(paper[0] / 255, paper[1] / 255, paper[2] / 255, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.uniformMatrix4fv(places.picture, false, matrix);
    gl.uniform3fv(places.eye, eye);
    gl.uniform1i(places.pointed, pointed);
    for (let i = 0; i < parts.length; i++) {
      const { start } = parts[i];
      while (parts[i + 1]?.start === parts[i].end) i++;
      gl.drawElements(gl.TRIANGLES, 18 * (parts[i].end - start), gl.UNSIGNED_INT, 4 * 18 * start);
    }
  }

  /** Gives the graphics unit back. */
  close() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}
