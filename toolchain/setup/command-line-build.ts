import { createWriteStream } from "node:fs";
import { access, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { must, run } from "./child.mjs";
import { type CommandLine, cachedFolder, findCommandLine, wantedVersion } from "./command-line.mjs";
import { answers } from "./machine.mjs";
import { repository } from "./paths.mjs";
import type { Progress } from "./progress.ts";

const versionVariable = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version";

/** A Go program of toolchain/pulumi. Its go.mod pins it as a tool, go.sum holds what it is made of. */
interface GoTool {
  folder: string;
  program: string;
  module: string;
  flags(version: string): string[];
}

const commandLine: GoTool = {
  folder: "command-line",
  program: "pulumi",
  module: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
  flags: (version) => [
    "-tags",
    "osusergo,grpcnotrace",
    "-ldflags",
    `-s -w -X ${versionVariable}=v${version}`,
  ],
};

const languageHost: GoTool = {
  folder: "language-host",
  program: "pulumi-language-nodejs",
  module: "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
  flags: () => ["-ldflags", "-s -w"],
};

/** A CLI that can be used: found on PATH or in the cache, else downloaded, else built by Go. */
export async function ensureCommandLine(progress: Progress): Promise<{ cli: CommandLine; text: string }> {
  const found = await findCommandLine();
  if (found) {
    const where = found.folder ? "in the cache" : "on PATH";
    return { cli: found, text: `Pulumi ${found.version}, ${where}` };
  }
  const version = await wantedVersion();
  const folder = cachedFolder(version);
  await mkdir(dirname(folder), { recursive: true });
  const fresh = await mkdtemp(`${folder}.partial-`);
  try {
    const origin = (await download(version, fresh, progress)) ? "downloaded" : "built from its Go module";
    if (origin !== "downloaded") await build(version, fresh, progress);
    // Complete or absent: nobody ever sees half a CLI.
    await rm(folder, { recursive: true, force: true });
    await rename(fresh, folder);
    return { cli: { version, folder }, text: `Pulumi ${version}, ${origin}` };
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** Fetches Pulumi's own release; false when it is out of reach or is not what it should be. */
async function download(version: string, folder: string, progress: Progress): Promise<boolean> {
  const architecture = process.arch === "arm64" ? "arm64" : "x64";
  const url = `https://get.pulumi.com/releases/sdk/pulumi-v${version}-linux-${architecture}.tar.gz`;
  if (!(await answers(url))) return false;
  progress(`downloading Pulumi ${version}`);
  const archive = join(folder, "release.tar.gz");
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(10 * 60_000) });
    if (!response.ok || !response.body) return false;
    await pipeline(Readable.fromWeb(response.body as ReadableStream), createWriteStream(archive));
  } catch {
    return false;
  }
  const unpacked = await run(["tar", "-xzf", archive, "-C", folder, "--strip-components=1"]);
  await rm(archive);
  if (unpacked.code !== 0) return false;
  const printed = await run([join(folder, "pulumi"), "version"]);
  return printed.stdout.trim() === `v${version}`;
}

/** Builds both programs, the larger first; they share most of what they compile. */
async function build(version: string, folder: string, progress: Progress): Promise<void> {
  await rm(folder, { recursive: true });
  await mkdir(folder);
  progress(`building Pulumi ${version} from its Go module, about 4 minutes on two cores`);
  await buildTool(commandLine, version, folder);
  progress("building Pulumi's Node language host, about 40 seconds");
  await buildTool(languageHost, version, folder);
  await access(join(folder, languageHost.program));
}

const buildTool = (
  { folder, program, module, flags }: GoTool,
  version: string,
  target: string,
): Promise<string> =>
  must(["go", "build", "-trimpath", ...flags(version), "-o", join(target, program), module], {
    cwd: join(repository, "toolchain/pulumi", folder),
    env: { ...process.env, CGO_ENABLED: "0" },
    failure: `${program} could not be built: is the Go module proxy reachable, and is there room in the build cache?`,
  });
