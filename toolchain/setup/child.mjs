import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { CommandError } from "./problem.mjs";

/**
 * What a program that ran to its end left behind.
 *
 * @typedef {object} Outcome
 * @property {number} code its exit code; 127 when it could not be started, 124 when its time ran out
 * @property {string} stdout
 * @property {string} stderr
 *
 * @typedef {object} ChildOptions
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env] instead of this process's own
 * @property {string | Uint8Array | import("node:stream").Readable} [input] what it reads; nothing by default
 * @property {number} [timeout] milliseconds until it is ended
 * @property {string} [log] file that gets everything it prints, after what is there
 */

/**
 * Runs a program without a shell and waits for its end. Never throws for what the program does.
 *
 * @param {readonly string[]} argv
 * @param {ChildOptions} [options]
 * @returns {Promise<Outcome>}
 */
export async function run([program = "", ...args], { cwd, env, input, timeout, log } = {}) {
  const file = log ? createWriteStream(log, { flags: "a", mode: 0o600 }) : undefined;
  const child = spawn(program, args, { cwd, env, timeout, stdio: ["pipe", "pipe", "pipe"] });
  const printed = { stdout: "", stderr: "" };
  for (const stream of /** @type {const} */ (["stdout", "stderr"])) {
    child[stream].setEncoding("utf8").on("data", (/** @type {string} */ text) => {
      printed[stream] += text;
      file?.write(text);
    });
  }
  // A program that ends without reading its input is no failure of ours.
  child.stdin.on("error", () => {});
  if (input instanceof Readable) input.pipe(child.stdin);
  else child.stdin.end(input);
  const code = await new Promise((done) => {
    child.on("error", () => done(127));
    child.on("close", (status, signal) => done(status ?? (signal ? 124 : 1)));
  });
  if (file) {
    file.end();
    await finished(file);
  }
  return { code, ...printed };
}

/**
 * Runs a program whose failure ends the command.
 *
 * @param {readonly string[]} argv
 * @param {ChildOptions & { failure: string }} options `failure` says what could not be done
 */
export async function must(argv, { failure, ...options }) {
  const outcome = await run(argv, options);
  if (outcome.code !== 0) throw new ChildError(failure, argv, outcome, options.log);
  return outcome.stdout;
}

/** A program failed that was not expected to. */
export class ChildError extends CommandError {
  /**
   * @param {string} failure
   * @param {readonly string[]} argv
   * @param {Outcome} outcome
   * @param {string} [log]
   */
  constructor(failure, argv, { code, stdout, stderr }, log) {
    const last = (stderr.trim() || stdout.trim()).split("\n").slice(-15);
    super(
      [
        `\n  ✗ ${failure}`,
        `    \`${argv.slice(0, 6).join(" ")}${argv.length > 6 ? " …" : ""}\` ended with ${code}${last[0] ? ":" : "."}`,
        ...last.map((line) => `      ${line}`),
        ...(log ? [`    everything it printed: ${log}`] : []),
        "\nWhat was done so far stays and is not done again: once the cause is gone, run the command again.",
      ].join("\n"),
    );
    this.name = "ChildError";
  }
}
