// The budget of what a page downloads: the player's module, compressed as servers send it.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET = 300_000;
const module = readFileSync(new URL("dist/lfv-player.js", import.meta.url));
const packed = gzipSync(module, { level: 9 }).length;
const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
console.log(`lfv-player.js: ${kB(module.length)}, compressed ${kB(packed)} of at most ${kB(BUDGET)}`);
if (packed > BUDGET) {
  console.error("the player is over its budget; leave something out, or raise the budget and say why");
  process.exitCode = 1;
}
