import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EngineRoots } from "../../../../toolchain/fakes/digitalocean/docker/engine-roots.ts";
import { bootDroplet, type Droplet } from "../../../support/droplet.ts";

const image = "debian:bookworm-slim";
const more = "node:24-bookworm-slim";
const userData = "#cloud-config\npackage_update: true\npackages: [docker.io, iptables]\n";

describe("droplets whose engines begin with images", () => {
  let droplets: Droplet[] = [];
  const boot = (third: number, engines: EngineRoots) =>
    bootDroplet({ network: [198, 19, third], userData, engines, memory: 1024 });

  beforeAll(async () => {
    const engines = await EngineRoots.with([image], () => {});
    droplets = await Promise.all([boot(244, engines), boot(246, engines)]);
    // Two machines install Docker at once.
  }, 8 * 60_000);
  afterAll(async () => {
    await Promise.all(droplets.map(({ remove }) => remove()));
  });

  const everywhere = (command: string) => Promise.all(droplets.map(({ ssh }) => ssh(command)));

  test("they run containers of them without a registry", async () => {
    const version = await everywhere(`docker run --rm --network none ${image} cat /etc/debian_version`);
    expect(version).toEqual([expect.stringMatching(/^12\./), expect.stringMatching(/^12\./)]);
    const [one, other] = await everywhere("docker info --format '{{.ID}}'");
    expect(one).not.toBe(other);
  });

  test("one with another image has that, although its template began with the one before", async () => {
    const said: string[] = [];
    await EngineRoots.with([image, more], (line) => said.push(line));
    expect(said.join()).not.toContain(image);
    const other = await boot(248, await EngineRoots.with([more], () => {}));
    droplets.push(other);
    expect(await other.ssh("docker images --format '{{.Repository}}:{{.Tag}}'")).toBe(more);
    expect(await other.ssh(`docker run --rm --network none ${more} node --version`)).toMatch(/^v24/);
  }, 300_000);

  test("what one changes in its containers, or removes, the other keeps", async () => {
    const [one, other] = droplets;
    await one?.ssh(
      `docker run --name box --network none ${image} sh -c 'echo changed > /etc/debian_version; rm /bin/true' &&
       docker rm box && docker rmi ${image}`,
    );
    expect(await one?.ssh("docker images --quiet")).toBe("");
    const look = `docker run --rm --network none ${image} sh -c 'cat /etc/debian_version; ls /bin/true'`;
    expect(await other?.ssh(look)).toMatch(/^12\.\d+\n\/bin\/true$/);
  });
});
