import { readFileSync } from "node:fs";

const dockerfile = readFileSync(new URL("../../sync-runtime/Dockerfile", import.meta.url), "utf8");
const [, line = ""] = /^ENV (.+)$/m.exec(dockerfile) ?? [];

/** What the image sets for every program in it, so that one that runs without it is bounded as it is there. */
export const imageEnvironment: Record<string, string> = Object.fromEntries(
  line.split(" ").map((pair) => pair.split(/=(.*)/, 2)),
);
