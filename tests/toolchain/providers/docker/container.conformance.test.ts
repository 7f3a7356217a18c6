import { randomInt } from "node:crypto";
import docker from "@pulumi/docker";
import pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { docker as cli, image, inspect, ownName } from "../conformance/docker-command.ts";
import { isSecret } from "../conformance/stack.ts";
import { conformance } from "../conformance/suite.ts";

conformance("docker", (stack) => {
  const name = ownName("container");
  const network = ownName("network");
  /** Of the test networks (RFC 2544), another in each run. */
  const subnet = `198.19.${128 + randomInt(128)}`;

  /** A container as the fleet has them: named, on a network of its own, limited, with a health check. */
  const running =
    (given: Partial<docker.ContainerArgs> = {}, networkName = network) =>
    () => {
      const made = new docker.Network("net", {
        name: networkName,
        ipamConfigs: [{ subnet: `${subnet}.0/28` }],
      });
      const box = new docker.Container("box", {
        name,
        image,
        command: ["sh", "-c", "echo b > /run/x/b; exec sleep 1000"],
        envs: ["B=2", pulumi.secret("A=1")],
        labels: [{ label: "owui.test", value: "conformance" }],
        networksAdvanced: [{ name: made.name, aliases: ["alias"], ipv4Address: `${subnet}.5` }],
        ports: [{ internal: 80, ip: "127.0.0.1" }],
        mounts: [{ type: "bind", source: "/etc/hostname", target: "/mnt/hostname", readOnly: true }],
        tmpfs: { "/run/x": "rw" },
        uploads: [{ file: "/etc/uploaded", content: "uploaded\n" }],
        healthcheck: { tests: ["CMD", "test", "-e", "/run/x/b"], interval: "1s", timeout: "5s", retries: 3 },
        wait: true,
        memory: 64,
        memorySwap: 64,
        cpus: "0.5",
        restart: "unless-stopped",
        capabilities: { drops: ["ALL"] },
        securityOpts: ["no-new-privileges"],
        logDriver: "json-file",
        logOpts: { "max-size": "1m" },
        ...given,
      });
      return { id: box.id, networkId: made.id, datas: box.networkDatas, exitCode: box.exitCode };
    };

  test("ids are 64 hex digits; it is healthy, attached and limited when the update ends", async () => {
    const { outputs } = await stack().up(running());
    expect(outputs.id).toMatch(/^[0-9a-f]{64}$/);
    expect(outputs.networkId).toMatch(/^[0-9a-f]{64}$/);
    expect(outputs.datas).toMatchObject([
      { networkName: network, ipAddress: `${subnet}.5`, ipPrefixLength: 28, gateway: `${subnet}.1` },
    ]);
    expect(outputs.exitCode).toBe(0);
    expect(
      await inspect(name, "{{.State.Health.Status}} {{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}"),
    ).toBe("healthy 67108864 500000000");
    expect(await cli("exec", name, "cat", "/etc/uploaded", "/mnt/hostname")).toContain("uploaded");
  });

  test("environment is a set: one secret among it hides all, and another order is no change", async () => {
    const { box } = await stack().state();
    expect(isSecret(box?.outputs.envs)).toBe(true);
    expect(await stack().preview(running({ envs: ["A=1", "B=2"] }))).toEqual({});
  });

  test("a refresh finds no drift", async () => {
    expect(await stack().refresh()).toEqual({});
    expect(await stack().preview(running())).toEqual({});
  });

  test("restart and memory change in place", async () => {
    const before = (await stack().state()).box?.id;
    const { changes } = await stack().up(running({ restart: "always", memory: 80, memorySwap: 80 }));
    expect(changes.box).toEqual({ steps: ["update"], because: ["memory", "memorySwap", "restart"] });
    expect(await inspect(name, "{{.Id}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.Memory}}")).toBe(
      `${before} always 83886080`,
    );
  });

  test("nearly everything else makes a new one, after the old one is gone", async () => {
    const changed = {
      envs: ["B=3"],
      labels: [],
      command: ["sleep", "1"],
      uploads: [{ file: "/etc/uploaded", content: "other" }],
      ports: [{ internal: 81, ip: "127.0.0.1" }],
      networksAdvanced: [{ name: network, aliases: ["other"] }],
      image: "debian:none",
    };
    const { box } = await stack().preview(running({ ...changed, restart: "no" }));
    expect(box?.forced).toEqual(Object.keys(changed).sort());
    expect(box?.because).toContain("restart");
    expect(box?.steps).toEqual(["delete-replaced", "replace", "create-replacement"]);
  });

  test("changes made outside show after a refresh, and the next update undoes them", async () => {
    await cli("update", "--restart", "no", name);
    expect((await stack().refresh()).box?.steps).toEqual(["update"]);
    const { changes } = await stack().up(running({ restart: "always", memory: 80, memorySwap: 80 }));
    expect(changes).toEqual({ box: { steps: ["update"], because: ["restart"] } });
    expect(await inspect(name, "{{.HostConfig.RestartPolicy.Name}}")).toBe("always");
  });

  test("stopped from outside: a refresh sees it, and the next update replaces it", async () => {
    await cli("stop", "-t", "0", name);
    await stack().refresh();
    const changes = await stack().preview(running());
    expect(changes.box?.steps).toContain("replace");
    expect(changes.box?.because).toContain("mustRun");
  });

  test("removed from outside: a preview sees nothing, a refresh drops it, an update makes it anew", async () => {
    await stack().up(running());
    await cli("rm", "-f", name);
    expect(await stack().preview(running())).toEqual({});
    expect((await stack().refresh()).box?.steps).toEqual(["delete"]);
    expect((await stack().up(running())).changes.box).toEqual({ steps: ["create"] });
  });

  test("renaming its network replaces the network and the container", async () => {
    const changes = await stack().preview(running({}, ownName("renamed")));
    expect(changes.net?.forced).toEqual(["name"]);
    expect(changes.box?.forced).toContain("networksAdvanced");
  });

  test("memory without memorySwap drifts, since the engine sets double", async () => {
    const program = () => {
      const lonely = new docker.Container("lonely", {
        image,
        command: ["sleep", "1000"],
        networkMode: "none",
        memory: 64,
      });
      return { id: lonely.id, name: lonely.name };
    };
    const { outputs } = await stack().up(program);
    expect(outputs.name).toMatch(/^lonely-[0-9a-f]{7}$/);
    await stack().refresh();
    expect(await stack().preview(program)).toEqual({
      lonely: { steps: ["update"], because: ["memorySwap"] },
    });
  });

  test("one that ends at once: the update succeeds, and the next preview shows mustRun", async () => {
    const program = () => {
      const brief = new docker.Container("brief", {
        image,
        command: ["sh", "-c", "exit 3"],
        networkMode: "none",
      });
      return { exitCode: brief.exitCode, mustRun: brief.mustRun };
    };
    await stack().up(program);
    // Whether it had ended when the update looked is a race; a refresh looks again.
    await stack().refresh();
    const { brief } = await stack().state();
    expect(brief?.outputs).toMatchObject({ exitCode: 3, mustRun: false });
    expect(await stack().preview(program)).toEqual({ brief: { steps: ["update"], because: ["mustRun"] } });
  });

  test("one that does not get healthy fails the update, and is kept", async () => {
    const program = () => {
      new docker.Container("sick", {
        image,
        command: ["sleep", "1000"],
        networkMode: "none",
        healthcheck: { tests: ["CMD", "false"], interval: "1s", retries: 1 },
        wait: true,
        waitTimeout: 3,
      });
      return {};
    };
    expect(await stack().failure(program)).toContain("container failed to be in healthy state");
    expect((await stack().state()).sick?.id).toMatch(/^[0-9a-f]{64}$/);
  });

  test("an image that is nowhere fails with its name", async () => {
    const missing = "localhost:1/none:none";
    const failed = await stack().failure(() => {
      new docker.Container("box", { image: missing });
      return {};
    });
    expect(failed).toContain(
      `Unable to create container with image ${missing}: unable to pull image ${missing}`,
    );
  });

  test("an engine that is not there fails even a preview", async () => {
    const program = () => {
      const provider = new docker.Provider("nowhere", { host: "unix:///nowhere.sock" });
      new docker.Network("net", { name: network }, { provider });
      return {};
    };
    await expect(stack().preview(program)).rejects.toThrow("failed to connect to any docker daemon");
  });
});
