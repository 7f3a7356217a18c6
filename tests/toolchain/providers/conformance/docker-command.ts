import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The docker client, for what happens to a stack's containers from outside. */
export const docker = async (...args: string[]): Promise<string> => (await run("docker", args)).stdout.trim();

/** One field of an object, by a Go template. */
export const inspect = (name: string, template: string): Promise<string> =>
  docker("inspect", "--format", template, name);

/** A name no other test and no fleet has. */
export const ownName = (what: string): string => `owui-conformance-${what}-${randomBytes(4).toString("hex")}`;

/** A small image that is in the engine anyway. */
export const image = "debian:bookworm-slim";
