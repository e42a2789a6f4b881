/** A real show on a real server: lfv's own, by the interpreter that LFV_PYTHON names. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const REPOSITORY = resolve(import.meta.dirname, "../../..");
export const PYTHON = process.env.LFV_PYTHON ?? join(REPOSITORY, ".venv/bin/python");

/** What must be let go of at the end, newest first. */
export class Cleanup {
  private readonly actions: (() => unknown)[] = [];

  add(action: () => unknown): void {
    this.actions.unshift(action);
  }

  async run(): Promise<void> {
    for (const action of this.actions.splice(0)) await action();
  }
}

/** A folder that is gone after the tests. */
export async function temporaryFolder(cleanup: Cleanup): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "lfv-web-"));
  cleanup.add(() => rm(folder, { recursive: true }));
  return folder;
}

/** `python -m MODULE ARGUMENTS`, run to its end. */
export async function python(module: string, ...args: string[]): Promise<void> {
  const process = started(module, args);
  const code = await new Promise((done) => process.once("exit", done));
  if (code !== 0) throw new Error(`${module} ended with ${String(code)}`);
}

/** A server of shows in files, once it says that it is ready -> its port. */
export async function serve(cleanup: Cleanup, ...args: string[]): Promise<number> {
  const process = started("encoder.cli", ["serve", "--port", "0", ...args]);
  cleanup.add(() => ended(process));
  let port = 0;
  for await (const line of createInterface({ input: process.stdout! })) {
    port = Number(/http:\/\/[^:]+:(\d+)\//.exec(line)?.[1] ?? port);
    if (line === "ready") return port;
  }
  throw new Error("the server did not become ready");
}

/** A process that goes on. */
export function started(module: string, args: readonly string[]): ChildProcess {
  return spawn(PYTHON, ["-m", module, ...args], { cwd: REPOSITORY, stdio: ["ignore", "pipe", "inherit"] });
}

/** Ends a process at once. */
export async function ended(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  const gone = new Promise((done) => process.once("exit", done));
  process.kill("SIGKILL");
  await gone;
}
