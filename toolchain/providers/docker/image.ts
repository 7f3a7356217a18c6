import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { arch } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { hasUnknown, type Properties } from "../plugin/properties.ts";
import { type Context, resource, updates } from "../plugin/resource.ts";
import { choice, type Failure, type Filled, field, flag, list, map, object, text } from "../plugin/types.ts";
import { contextDigest } from "./build-context.ts";
import type { Engine } from "./engine.ts";
import { findLocal } from "./image-lookup.ts";

const run = promisify(execFile);

const inputs = {
  imageName: updates(text, { required: true }),
  build: updates(
    object({
      context: field(text),
      dockerfile: field(text),
      args: field(map(text)),
      target: field(text),
      platform: field(text),
      network: field(text),
      addHosts: field(list(text)),
      builderVersion: field(choice("BuilderBuildKit", "BuilderV1")),
      contextDigest: field(text),
    }),
  ),
  skipPush: updates(flag),
  buildOnPreview: updates(flag),
};

type ImageInputs = Filled<typeof inputs>;
type Build = NonNullable<ImageInputs["build"]>;

/** This machine in Docker's words; what is built without a platform is built for it. */
const hostPlatform = `linux/${arch() === "x64" ? "amd64" : arch()}`;

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** A Dockerfile's path is relative to the program, not to the context: a common mistake gets its remedy. */
const dockerfileFailure = async (context: string, dockerfile: string): Promise<string> => {
  const inside = join(context, dockerfile);
  const hint = (await exists(inside)) ? `. Try setting \`dockerfile\` to ${JSON.stringify(inside)}` : "";
  return `could not open dockerfile at relative path ${JSON.stringify(dockerfile)}${hint}`;
};

/** Fills in what the build will use and adds the digest of its context, whose change is what builds anew. */
const check = async (given: Properties): Promise<{ inputs: Properties; failures: Failure[] }> => {
  const failures: Failure[] = [];
  if (given.skipPush !== true) {
    failures.push({ property: "skipPush", reason: "the stand-in does not push: set it to true" });
  }
  if (given.buildOnPreview === true) {
    failures.push({ property: "buildOnPreview", reason: "not supported by the stand-in: leave it out" });
  }
  const asked = (given.build ?? {}) as Properties;
  if (hasUnknown(asked.context) || hasUnknown(asked.dockerfile)) return { inputs: given, failures };
  const context = (asked.context as string | undefined) ?? ".";
  const dockerfile = (asked.dockerfile as string | undefined) ?? join(context, "Dockerfile");
  const build: Properties = { ...asked, context, dockerfile, platform: asked.platform ?? hostPlatform };
  if (await exists(dockerfile)) build.contextDigest = await contextDigest(context, dockerfile);
  else failures.push({ property: "build.dockerfile", reason: await dockerfileFailure(context, dockerfile) });
  return { inputs: { buildOnPreview: false, ...given, build }, failures };
};

/** argv of the build; the name is its only tag. */
export const buildArguments = (imageName: string, build: Build): string[] => [
  "build",
  "--quiet",
  ...["--tag", imageName],
  ...["--file", build.dockerfile ?? "Dockerfile"],
  ...(build.platform ? ["--platform", build.platform] : []),
  ...(build.target ? ["--target", build.target] : []),
  ...(build.network ? ["--network", build.network] : []),
  ...(build.addHosts ?? []).flatMap((host) => ["--add-host", host]),
  // The value comes from the environment: an argument list is for everyone to read.
  ...Object.keys(build.args ?? {}).flatMap((name) => ["--build-arg", name]),
  build.context ?? ".",
];

/** Debian's client has BuildKit built in; a newer one that comes first on PATH may lack its plugin. */
const dockerProgram = async (): Promise<string> =>
  (await exists("/usr/bin/docker")) ? "/usr/bin/docker" : "docker";

/**
 * A build whose client came back too late for the engine, as happens on a busy machine, had nothing wrong with it: it is
 * begun once more.
 */
export const oncePatient = <T>(build: () => Promise<T>): Promise<T> =>
  build().catch((error: Error & { stderr?: string }) => {
    if (!/no active session for \S+/.test(`${error.message}\n${error.stderr}`)) throw error;
    return build();
  });

/** Builds and finds the result. With `--quiet` only a failure prints, and that is all of it. */
const buildImage = async (given: ImageInputs, { client, signal }: Context<Engine>) => {
  const { imageName, build = {} as Build } = given;
  const buildKit = build.builderVersion === "BuilderV1" ? "0" : "1";
  const environment = { ...process.env, ...build.args, DOCKER_BUILDKIT: buildKit };
  const program = await dockerProgram();
  const buildIt = () =>
    client.lend((DOCKER_HOST) =>
      run(program, buildArguments(imageName, build), {
        env: { ...environment, DOCKER_HOST },
        signal,
        maxBuffer: 64 * 1024 * 1024,
      }),
    );
  await oncePatient(buildIt).catch((error: Error & { stderr?: string }) => {
    throw new Error(`error building image: ${error.stderr?.trim() || error.message}`);
  });
  const image = await findLocal(client, imageName, signal);
  if (!image) throw new Error(`unable to find built image ${imageName} in local image store`);
  return {
    id: imageName,
    state: {
      baseImageName: imageName,
      context: build.context ?? ".",
      dockerfile: build.dockerfile ?? "Dockerfile",
      platform: build.platform ?? hostPlatform,
      registryServer: "",
      repoDigest: image.Id,
    } as Properties,
  };
};

/**
 * An image built here by the docker client and left in the engine. A changed context builds anew in place: id and
 * imageName stay, so whoever uses imageName sees no change. It is never read back and never deleted.
 */
export const image = resource<Engine>()({
  inputs,
  outputs: ["baseImageName", "context", "dockerfile", "platform", "registryServer", "repoDigest"],
  updated: ["repoDigest"],
  check,
  create: buildImage,
  update: async (_id, given, _state, context) => (await buildImage(given, context)).state,
  delete: async () => {},
});
