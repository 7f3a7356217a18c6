import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import docker from "@pulumi/docker";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Engine } from "../../../../toolchain/providers/docker/engine.ts";
import { bootDroplet, type Droplet } from "../../../support/droplet.ts";
import { until } from "../../../support/fleet/until.ts";
import { image } from "../conformance/docker-command.ts";
import { conformance } from "../conformance/suite.ts";

conformance("docker", (stack) => {
  let droplet: Droplet;
  let context = "";

  beforeAll(async () => {
    droplet = await bootDroplet({
      network: [198, 19, 242],
      userData: "#cloud-config\npackage_update: true\npackages: [docker.io, iptables]\n",
    });
    const base = spawn("docker", ["save", image], { stdio: ["ignore", "pipe", "inherit"] });
    await droplet.ssh("docker load --quiet", base.stdout);
    context = await mkdtemp(join(tmpdir(), "owui-context-"));
    await writeFile(
      join(context, "Dockerfile"),
      `FROM ${image}\nARG WORD\nCOPY file /file\nRUN echo $WORD > /word\n`,
    );
    await writeFile(join(context, "file"), "one");
  });
  afterAll(async () => {
    await droplet?.remove();
    if (context !== "") await rm(context, { recursive: true });
  });

  /** The provider of the droplet's engine; its host may be given otherwise. */
  const engineOf = (sshOpts = droplet.sshOptions) =>
    new docker.Provider("far", { host: `ssh://root@${droplet.address}`, sshOpts });

  const program =
    (builderVersion: docker.types.enums.BuilderVersion = "BuilderBuildKit", sshOpts = droplet.sshOptions) =>
    () => {
      const opts = { provider: engineOf(sshOpts) };
      const built = new docker.Image(
        "built",
        {
          imageName: "made-there:tag",
          skipPush: true,
          build: { context, platform: "linux/amd64", args: { WORD: "given" }, builderVersion },
        },
        opts,
      );
      const net = new docker.Network(
        "net",
        { name: "made", ipamConfigs: [{ subnet: "10.99.0.0/28" }] },
        opts,
      );
      const box = new docker.Container(
        "box",
        {
          name: "box",
          image: built.imageName,
          command: ["sleep", "1000"],
          networksAdvanced: [{ name: net.name }],
          uploads: [{ file: "/etc/uploaded", content: "uploaded\n" }],
          healthcheck: { tests: ["CMD", "test", "-e", "/word"], interval: "1s", timeout: "5s", retries: 3 },
          wait: true,
        },
        opts,
      );
      return { box: box.id, repoDigest: built.repoDigest };
    };

  test("an image is built and a container gets healthy on the far engine, and only there", async () => {
    const { outputs } = await stack().up(program());
    expect(await droplet.ssh("docker exec box cat /word /file /etc/uploaded")).toBe("given\noneuploaded");
    expect(await droplet.ssh("docker inspect --format '{{.Id}}' box")).toBe(outputs.box);
    expect(await droplet.ssh("docker inspect --format '{{.Id}}' made-there:tag")).toBe(outputs.repoDigest);
  });

  test("a preview of what is there already is empty, and so is a refresh", async () => {
    expect(await stack().preview(program())).toEqual({});
    expect(await stack().refresh()).toEqual({});
  });

  test("changed content is built there anew, with either builder", async () => {
    await writeFile(join(context, "file"), "two");
    const { changes } = await stack().up(program("BuilderV1"));
    expect(changes.built?.steps).toEqual(["update"]);
    expect(await droplet.ssh("docker run --rm --network none made-there:tag cat /file")).toBe("two");
  });

  test("a connection that nobody uses any more is given up", async () => {
    // Its address may be another machine's by the time when it is asked again.
    const engine = new Engine(`ssh://root@${droplet.address}`, droplet.sshOptions);
    const connections = () => droplet.ssh("pgrep --count --full '^docker system dial-stdio' || true");
    await engine.send("GET", "/_ping");
    expect(Number(await connections())).toBe(1);
    await engine.send("GET", "/_ping");
    expect(Number(await connections())).toBe(1);
    await until("it to be given up", async () => Number(await connections()) === 0);
    await engine.send("GET", "/_ping");
  });

  test("a machine with another host key is not spoken to, and the failure says so", async () => {
    const [, key = ""] = droplet.hostKey.split(" ");
    const other = droplet.sshOptions.map((option) => option.replace(key, `${key.slice(0, -4)}AAAA`));
    expect(await stack().failure(program("BuilderV1", other))).toMatch(
      /failed to connect to any docker daemon.*Host key verification failed|error during connect.*exit status 255/s,
    );
    // What is destroyed at the end is asked of the machine that it is on.
    await stack().up(program("BuilderV1"));
  });

  test("a build that fails says what the builder said", async () => {
    await writeFile(join(context, "Dockerfile"), `FROM ${image}\nRUN echo this-is-why >&2; exit 3\n`);
    expect(await stack().failure(program())).toMatch(/this-is-why/);
  });
});
