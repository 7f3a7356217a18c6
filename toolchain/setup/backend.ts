import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type StateSpec, stateEntry } from "../../components/fleet-config/state-entry.ts";
import { dataHome, stackFolder } from "./paths.mjs";

/** Where a stack's state is; what the config says under `state`. */
export type Backend = StateSpec;

/** The folder of all states that are kept in the data home. */
export const stateFolder = join(dataHome, "state");

/** Its address as Pulumi takes it; pure. */
export function backendUrl(backend: Backend): string {
  if (backend.kind === "file") return `file://${stateFolder}`;
  if (backend.kind === "cloud") return "https://api.pulumi.com";
  const { bucket, region, endpoint } = backend;
  // Services other than Amazon's know neither buckets as names of hosts nor the newer checksums.
  const elsewhere = { endpoint, use_path_style: "true", request_checksum_calculation: "when_required" };
  const settings = { region, ...(endpoint && elsewhere) } as Record<string, string>;
  return `s3://${bucket}?${new URLSearchParams(settings)}`;
}

/** In words for operators. */
export function backendText(backend: Backend): string {
  if (backend.kind === "file") return stateFolder;
  if (backend.kind === "cloud")
    return `Pulumi Cloud${backend.organization ? ` (${backend.organization})` : ""}`;
  return `bucket ${backend.bucket} at ${backend.endpoint ?? "Amazon"}`;
}

/** What Pulumi calls a stack there. */
export const stackReference = (stack: string, backend: Backend): string =>
  backend.kind === "cloud" && backend.organization ? `${backend.organization}/${stack}` : stack;

/** Holds the key of a state's service: as AWS' programs read it, or Pulumi Cloud's token alone. */
export const credentialsFile = (stack: string): string => join(stackFolder(stack), "state-credentials");

/** What the CLI is told of a backend by its environment, the operator's own variables first. */
export function backendEnvironment(
  stack: string,
  backend: Backend,
  ambient: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const told = { PULUMI_BACKEND_URL: backendUrl(backend), PULUMI_STACK: stackReference(stack, backend) };
  const file = credentialsFile(stack);
  if (backend.kind === "file") return told;
  // A file of AWS' own kind: its key stands in no environment.
  if (backend.kind === "s3")
    return { ...told, ...(existsSync(file) && { AWS_SHARED_CREDENTIALS_FILE: file }) };
  const token = ambient.PULUMI_ACCESS_TOKEN || read(file)?.trim();
  return { ...told, ...(token && { PULUMI_ACCESS_TOKEN: token }) };
}

/** Keeps the key of a state's service for every later command. */
export async function keepCredentials(stack: string, text: string): Promise<void> {
  await mkdir(stackFolder(stack), { recursive: true, mode: 0o700 });
  await writeFile(credentialsFile(stack), text, { mode: 0o600 });
}

const rememberedFile = (stack: string): string => join(stackFolder(stack), "state.json");

/** Where a stack's state was put; read by every command, also by those that know nothing of its config. */
export function backendOf(stack: string): Backend {
  const text = read(rememberedFile(stack));
  return text === undefined ? { kind: "file" } : stateEntry.parse(JSON.parse(text));
}

/** Has every later command look there. */
export async function rememberBackend(stack: string, backend: Backend): Promise<void> {
  await mkdir(stackFolder(stack), { recursive: true, mode: 0o700 });
  await writeFile(rememberedFile(stack), JSON.stringify(backend), { mode: 0o600 });
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
