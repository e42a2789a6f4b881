/** A page with the element over fake players, to be driven from a browser's test: `fakes` are all that were made. */

import { LfvPlayerElement } from "../../src/face/element.ts";
import { FakePlayer, PLAYING } from "./fake_player.ts";

const fakes: FakePlayer[] = [];

LfvPlayerElement.createPlayer = (options) => {
  const player = new FakePlayer(options);
  fakes.push(player);
  options.onManifest?.({ low: [-0.3, -0.2, -0.3], high: [0.3, 0.2, 0.3] });
  let last = performance.now();
  const frame = (now: number) => {
    if (player.calls.includes("close")) return;
    const view = options.view((now - last) / 1000);
    last = now;
    player.pose = view.pose;
    if (player.state.shown) drawScene(options.canvas, view.pose, view.fovScale);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  return player;
};
customElements.define("lfv-player", LfvPlayerElement);

/** Posts that stand around the head, so that a turn and a step are seen. */
function drawScene(canvas: HTMLCanvasElement, pose: Float32Array, fovScale: number): void {
  canvas.width = canvas.clientWidth;
  canvas.height = canvas.clientHeight;
  const pen = canvas.getContext("2d");
  if (pen === null) return;
  const sky = pen.createLinearGradient(0, 0, 0, canvas.height);
  sky.addColorStop(0, "#28507c");
  sky.addColorStop(0.55, "#d9b48a");
  sky.addColorStop(1, "#57493b");
  pen.fillStyle = sky;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  const focal = canvas.width / 2 / fovScale;
  for (let i = 0; i < 24; i++) {
    const distance = 1.5 + (i % 3);
    const point = [distance * Math.sin((i * Math.PI) / 12), -0.2, -distance * Math.cos((i * Math.PI) / 12)];
    const offset = point.map((value, axis) => value - pose[12 + axis]);
    const [x, y, z] = [0, 4, 8].map((c) => offset.reduce((sum, value, axis) => sum + value * pose[c + axis], 0));
    if (z > -0.1) continue;
    pen.fillStyle = `hsl(${i * 15} 45% 45%)`;
    const size = (0.3 * focal) / -z;
    pen.fillRect(
      canvas.width / 2 + (focal * x) / -z - size / 2,
      canvas.height / 2 - (focal * y) / -z - size,
      size,
      2 * size,
    );
  }
}

/** A small picture as a show brings it. */
async function drawn(text: string, width: number, height: number): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  const pen = canvas.getContext("2d");
  if (pen === null) throw new Error("no canvas");
  const ground = pen.createLinearGradient(0, 0, width, height);
  ground.addColorStop(0, "#254d6e");
  ground.addColorStop(1, "#c98f5a");
  pen.fillStyle = ground;
  pen.fillRect(0, 0, width, height);
  pen.fillStyle = "#fff";
  pen.font = `${height / 5}px sans-serif`;
  pen.textAlign = "center";
  pen.fillText(text, width / 2, height / 2);
  return canvas.convertToBlob({ type: "image/jpeg" });
}

Object.assign(window, { fakes, PLAYING, drawn });
