import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { buildArguments, image, oncePatient } from "../../../../toolchain/providers/docker/image.ts";
import { repositoryOf } from "../../../../toolchain/providers/docker/image-lookup.ts";
import { notYetKnown, type Properties } from "../../../../toolchain/providers/plugin/properties.ts";

test("values of build arguments stay out of the command line", () => {
  const given = {
    context: "c",
    dockerfile: "c/D",
    args: { TOKEN: "secret" },
    target: "t",
    platform: "linux/amd64",
  };
  expect(buildArguments("name:tag", given as never).join(" ")).toBe(
    "build --quiet --tag name:tag --file c/D --platform linux/amd64 --target t --build-arg TOKEN c",
  );
});

test.each([
  ["whose client came back too late is begun once more", "failed: no active session for x7: deadline", 1, 2],
  [
    "whose client comes back too late twice ends with that",
    "failed: no active session for x7: deadline",
    2,
    2,
  ],
  ["that failed for a reason of its own is not", "failed to solve: exit code 1", 1, 1],
])("a build %s", async (_, stderr, failures, attempts) => {
  let begun = 0;
  const build = async () => {
    begun += 1;
    if (begun <= failures) throw Object.assign(new Error("docker ended with 1"), { stderr });
    return "built";
  };
  const outcome = await oncePatient(build).catch((error: { stderr: string }) => error.stderr);
  expect([outcome, begun]).toEqual([failures < attempts ? "built" : stderr, attempts]);
});

test.each([
  ["debian:bookworm", "debian"],
  ["localhost:5000/a/b", "localhost:5000/a/b"],
  ["localhost:5000/a/b:1@sha256:0", "localhost:5000/a/b"],
])("the repository of %s is %s", (name, repository) => {
  expect(repositoryOf(name)).toBe(repository);
});

const checked = (given: Properties) => image.check?.(given) ?? Promise.reject(new Error("there is no check"));

test("the check fills in what a build will use, and digests its context", async () => {
  const context = await mkdtemp(join(tmpdir(), "owui-image-"));
  await writeFile(join(context, "Dockerfile"), "FROM scratch");
  const { inputs, failures } = await checked({ imageName: "n", skipPush: true, build: { context } });
  expect(failures).toEqual([]);
  expect(inputs.build).toEqual({
    context,
    dockerfile: join(context, "Dockerfile"),
    platform: expect.stringMatching(/^linux\/(amd64|arm64)$/),
    contextDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  const { failures: misled } = await checked({
    imageName: "n",
    skipPush: true,
    build: { context, dockerfile: "Dockerfile" },
  });
  const hint = JSON.stringify(join(context, "Dockerfile"));
  expect(misled.map(({ reason }) => reason)).toEqual([
    `could not open dockerfile at relative path "Dockerfile". Try setting \`dockerfile\` to ${hint}`,
  ]);
  await rm(context, { recursive: true });
});

test("pushing and building in a preview are refused; a context not known yet is left for later", async () => {
  const { failures } = await checked({
    imageName: "n",
    buildOnPreview: true,
    build: { context: notYetKnown },
  });
  expect(failures).toEqual([
    { property: "skipPush", reason: "the stand-in does not push: set it to true" },
    { property: "buildOnPreview", reason: "not supported by the stand-in: leave it out" },
  ]);
});
