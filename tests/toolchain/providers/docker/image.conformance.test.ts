import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import docker from "@pulumi/docker";
import { afterAll, beforeAll, expect, test } from "vitest";
import { docker as cli, image, inspect, ownName } from "../conformance/docker-command.ts";
import { conformance } from "../conformance/suite.ts";

conformance("docker", (stack) => {
  const name = `${ownName("image")}:tag`;
  const volume = ownName("volume");
  let context: string;

  beforeAll(async () => {
    context = await mkdtemp(join(tmpdir(), "owui-context-"));
    await writeFile(
      join(context, "Dockerfile"),
      `FROM ${image}\nARG WORD\nCOPY file /file\nRUN echo $WORD > /word\n`,
    );
    await writeFile(join(context, "file"), "one");
    await writeFile(join(context, ".dockerignore"), "ignored\n");
  });
  afterAll(async () => {
    await cli("image", "rm", "-f", name);
    await rm(context, { recursive: true, force: true });
  });

  const program = () => {
    const built = new docker.Image("built", {
      imageName: name,
      skipPush: true,
      build: { context, platform: "linux/amd64", args: { WORD: "given" } },
    });
    const user = new docker.Container("user", {
      image: built.imageName,
      command: ["sleep", "1000"],
      networkMode: "none",
    });
    const found = new docker.RemoteImage("found", { name: image, keepLocally: true });
    const kept = new docker.Volume("kept", { name: volume });
    return {
      id: built.id,
      repoDigest: built.repoDigest,
      user: user.id,
      found: found.id,
      imageId: found.imageId,
      volume: kept.id,
    };
  };

  test("an image is built; its id is its name, and without a push repoDigest is the image's id", async () => {
    const { outputs } = await stack().up(program);
    expect(outputs.id).toBe(name);
    expect(outputs.repoDigest).toBe(await inspect(name, "{{.Id}}"));
    expect(await cli("run", "--rm", "--network", "none", name, "cat", "/word", "/file")).toBe("given\none");
  });

  test("an image of the engine is found, not pulled; its id is the image's with the name behind it", async () => {
    const { found, user } = await stack().state();
    const imageId = await inspect(image, "{{.Id}}");
    expect(found?.outputs.imageId).toBe(imageId);
    expect(found?.id).toBe(imageId + image);
    expect(user?.outputs.image).toBe(name);
  });

  test("a volume's id is its name", async () => {
    expect((await stack().state()).kept?.id).toBe(volume);
  });

  test("the inputs hold a digest of the context; ignored files and a second look change nothing", async () => {
    const { built } = await stack().state();
    expect(built?.inputs.build).toMatchObject({ contextDigest: expect.stringMatching(/^[0-9a-f]{64}$/) });
    await writeFile(join(context, "ignored"), "whatever");
    expect(await stack().preview(program)).toEqual({});
  });

  test("changed content builds anew in place; whoever uses the name sees no change", async () => {
    await writeFile(join(context, "file"), "two");
    const before = (await stack().state()).user?.id;
    const { changes, outputs } = await stack().up(program);
    expect(changes).toEqual({ built: { steps: ["update"], because: ["build"] } });
    expect(outputs).toMatchObject({ id: name, user: before });
    expect(await cli("run", "--rm", "--network", "none", name, "cat", "/file")).toBe("two");
  });

  test("a refresh does not miss a removed image, and destroying leaves images in the engine", async () => {
    await stack().up(() => {
      new docker.Image("built", {
        imageName: name,
        skipPush: true,
        build: { context, platform: "linux/amd64" },
      });
      return {};
    });
    await cli("image", "tag", name, `${name}-kept`);
    await cli("image", "rm", name);
    expect(await stack().refresh()).toEqual({});
    await cli("image", "tag", `${name}-kept`, name);
    await cli("image", "rm", `${name}-kept`);
    await stack().destroy();
    expect(await inspect(name, "{{.Id}}")).toMatch(/^sha256:/);
  });
});
