/** A panel in front of the wearer: where the show is, and what keeps it from going on. */

import { CanvasTexture, Mesh, MeshBasicMaterial, PlaneGeometry, type Scene } from "three";

const WIDTH = 1024;
const HEIGHT = 256;
const METRES = 0.9;
const DISTANCE_M = 1.4;
const BELOW_M = 0.35;
const SHOWN_S = 3;

export interface PanelText {
  /** Of a failure or a stall; else of where the show is. */
  readonly message: string;
  readonly time: string;
  /** 0 to 1. */
  readonly progress: number;
}

export class Panel {
  private readonly canvas = new OffscreenCanvas(WIDTH, HEIGHT);
  private readonly texture = new CanvasTexture(this.canvas);
  private readonly material = new MeshBasicMaterial({ map: this.texture, transparent: true, depthTest: false });
  private readonly mesh = new Mesh(new PlaneGeometry(METRES, (METRES * HEIGHT) / WIDTH), this.material);
  private leftS = 0;
  private written = "";

  constructor(private readonly scene: Scene) {
    this.mesh.visible = false;
    this.mesh.frustumCulled = false;
    scene.add(this.mesh);
  }

  /** Show it for a while, before the head as it is now. */
  call(): void {
    this.leftS = SHOWN_S;
  }

  /**
   * For every frame. `head`: T_reference_head, column major; `stays`: it is not to go away.
   */
  update(seconds: number, head: ArrayLike<number>, text: PanelText, stays: boolean): void {
    this.leftS = stays ? Math.max(this.leftS, 0.5) : this.leftS - seconds;
    const visible = this.leftS > 0;
    if (visible && !this.mesh.visible) this.placeBefore(head);
    this.mesh.visible = visible;
    if (visible) this.write(text);
  }

  hide(): void {
    this.leftS = 0;
    this.mesh.visible = false;
  }

  release(): void {
    this.scene.remove(this.mesh);
    this.mesh.geometry.dispose();
    this.material.dispose();
    this.texture.dispose();
  }

  // It stands upright and turned to the head, and stays there: what follows the head cannot be looked at.
  private placeBefore(head: ArrayLike<number>): void {
    const [x, z] = [-head[8], -head[10]];
    const length = Math.hypot(x, z) || 1;
    const [right, back] = [x / length, z / length];
    this.mesh.position.set(head[12] + DISTANCE_M * right, head[13] - BELOW_M, head[14] + DISTANCE_M * back);
    this.mesh.rotation.set(0, Math.atan2(-right, -back), 0);
  }

  private write({ message, time, progress }: PanelText): void {
    const key = `${message}|${time}|${Math.round(progress * WIDTH)}`;
    if (key === this.written) return;
    this.written = key;
    const to = this.canvas.getContext("2d")!;
    to.clearRect(0, 0, WIDTH, HEIGHT);
    to.fillStyle = "rgba(12, 14, 18, 0.82)";
    to.beginPath();
    to.roundRect(0, 0, WIDTH, HEIGHT, 36);
    to.fill();
    to.fillStyle = "#fff";
    to.font = "44px system-ui, sans-serif";
    to.textBaseline = "middle";
    to.fillText(message, 48, 72, WIDTH - 96);
    to.font = "36px system-ui, sans-serif";
    to.textAlign = "right";
    to.fillText(time, WIDTH - 48, 140);
    to.textAlign = "left";
    to.fillStyle = "rgba(255, 255, 255, 0.25)";
    to.fillRect(48, 196, WIDTH - 96, 12);
    to.fillStyle = "#fff";
    to.fillRect(48, 196, (WIDTH - 96) * Math.min(Math.max(progress, 0), 1), 12);
    this.texture.needsUpdate = true;
  }
}
