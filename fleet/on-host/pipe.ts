import { type ChildProcess, spawn } from "node:child_process";
import { Transform } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { repository } from "../../toolchain/setup/paths.mjs";

/** How programs in a row ended. */
export interface Piped {
  /** What the last one printed. */
  stdout: string;
  /** What the first one that failed said of itself; undefined: none did. */
  failure?: string;
}

/**
 * Runs programs beside each other, each reading what the one before it prints. Never throws for what they do. What passes
 * through goes to no disk of this machine.
 * @param input what the first one reads, as soon as it is known; nothing by default
 * @param passed told how many bytes came out of the last but one so far
 */
export async function piped(
  argvs: readonly (readonly string[])[],
  {
    signal,
    input = Promise.resolve(""),
    passed,
  }: { signal?: AbortSignal; input?: Promise<string>; passed?: (bytes: number) => void } = {},
): Promise<Piped> {
  const children = argvs.map(([program = "", ...args]) =>
    spawn(program, args, { cwd: repository, stdio: ["pipe", "pipe", "pipe"] }),
  );
  const end = () => {
    for (const child of children) child.kill();
  };
  signal?.addEventListener("abort", end, { once: true });
  try {
    const first = children[0]?.stdin;
    // A program that ends without reading it says why by its code.
    first?.on("error", () => {});
    input.then((text) => first?.end(text), end);
    // Listened for at once: a program that ends, or never began, says so only then.
    const told = children.map(async (child) => {
      const [said, code] = await Promise.all([text(child.stderr).catch(() => ""), codeOf(child)]);
      return { said: said.trim(), code };
    });
    const flows = children.slice(1).map((child, index) => {
      const before = children[index] as (typeof children)[number];
      const last = index === children.length - 2;
      // A reader that ends early says why by its code.
      return pipeline(before.stdout, counter(last ? passed : undefined), child.stdin).catch(() => {});
    });
    const stdout = await text((children.at(-1) as (typeof children)[number]).stdout);
    await Promise.all(flows);
    const outcomes = await Promise.all(told);
    // A writer whose reader went away ends by that: the last one that failed is the cause.
    const failed = outcomes.findLast(({ code }) => code !== 0);
    return { stdout, ...(failed && { failure: failed.said || `a program ended with ${failed.code}` }) };
  } finally {
    signal?.removeEventListener("abort", end);
  }
}

function counter(passed: ((bytes: number) => void) | undefined): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length;
      passed?.(bytes);
      done(null, chunk);
    },
  });
}

const codeOf = (child: ChildProcess): Promise<number> =>
  new Promise((done) => {
    child.once("error", () => done(127));
    child.once("close", (code) => done(code ?? 1));
  });
