import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { cache } from "../../../toolchain/setup/paths.mjs";

const version = "0.2.59";

/** What it says and the fleet wants otherwise, with the reason. */
export const wanted = {
  // A former name leads to the present one for a time; a browser must not remember it for good.
  hsts_header: "Missing HSTS header",
  // Whoever asks for a name that no site has is told nothing, 421 included.
  http2_misdirected_request: "Missing HTTP/2 misdirected-request safeguard",
};

const run = promisify(execFile);

/** A problem that gixy sees. */
export interface Finding {
  plugin: string;
  severity: string;
  summary: string;
}

/** The analyser of nginx' configurations, installed from PyPI once; undefined where that cannot be reached. */
export async function gixy(): Promise<((config: string) => Promise<Finding[]>) | undefined> {
  const home = join(cache, `gixy-${version}`);
  const program = join(home, "bin/gixy");
  const there = await access(program).then(
    () => true,
    () => install(home),
  );
  if (!there) return undefined;
  return async (config) => {
    // It ends with 1 where it found something.
    const said = await run(program, ["--format", "json", config]).catch(
      (error: { stdout: string; stderr: string }) => {
        if (error.stdout) return error;
        throw new Error(`gixy: ${error.stderr}`);
      },
    );
    return JSON.parse(said.stdout) as Finding[];
  };
}

const install = async (home: string): Promise<boolean> => {
  try {
    await run("python3", ["-m", "venv", home]);
    await run(join(home, "bin/pip"), ["install", "--quiet", `gixy-ng==${version}`]);
    return true;
  } catch (error) {
    console.warn(`gixy is not there and was not to be had: ${(error as Error).message.split("\n")[0]}`);
    return false;
  }
};
