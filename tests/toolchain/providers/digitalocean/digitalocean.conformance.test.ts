import { createHash } from "node:crypto";
import digitalocean from "@pulumi/digitalocean";
import pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, expect, test } from "vitest";
import { digitalOcean } from "../../../../toolchain/fakes/digitalocean/digitalocean.ts";
import { noMachines } from "../../../../toolchain/fakes/digitalocean/driver.ts";
import { clientOf, token } from "../../fakes/client.ts";
import { publicKey } from "../../fakes/digitalocean/account.ts";
import { kind } from "../conformance/plugins.ts";
import { isSecret } from "../conformance/stack.ts";
import { conformance } from "../conformance/suite.ts";

/** What a test changes about the fleet. */
interface Given {
  size?: string;
  userData?: string;
  name?: string;
  tags?: string[];
  volumeSize?: number;
  ports?: string[];
  keyName?: string;
  endpoint?: string;
}

conformance("digitalocean", (stack) => {
  const { fake, cloud, faults } = digitalOcean({ token }, { driver: noMachines });
  let address: string;
  let api: ReturnType<typeof clientOf>;
  beforeAll(async () => {
    address = await fake.listen();
    api = clientOf(address);
  });
  afterAll(() => fake.close());

  const fleet = (given: Given = {}) => {
    const provider = new digitalocean.Provider("fake", {
      token: pulumi.secret(token),
      apiEndpoint: given.endpoint ?? address,
      httpRetryWaitMin: 0.05,
    });
    const options = { provider };
    const key = new digitalocean.SshKey("key", { name: given.keyName ?? "operator", publicKey }, options);
    const vpc = new digitalocean.Vpc(
      "vpc",
      { name: "fleet", region: "fra1", ipRange: "198.19.5.0/24" },
      options,
    );
    const tag = new digitalocean.Tag("tag", { name: "fleet" }, options);
    const volume = new digitalocean.Volume(
      "volume",
      { name: "data", region: "fra1", size: given.volumeSize ?? 10, initialFilesystemType: "ext4" },
      options,
    );
    const droplet = new digitalocean.Droplet(
      "host",
      {
        name: given.name ?? "fra1-a",
        image: "debian-12-x64",
        region: "FRA1",
        size: given.size ?? "s-1vcpu-1gb",
        sshKeys: [key.fingerprint],
        vpcUuid: vpc.id,
        monitoring: true,
        tags: given.tags ?? ["fleet"],
        userData: pulumi.secret(given.userData ?? "#cloud-config\n"),
      },
      { ...options, dependsOn: tag },
    );
    const dropletId = droplet.id.apply(Number);
    new digitalocean.VolumeAttachment(
      "attachment",
      { dropletId, volumeId: volume.id },
      { ...options, deleteBeforeReplace: true },
    );
    const reserved = new digitalocean.ReservedIp("reserved", { region: "fra1" }, options);
    new digitalocean.ReservedIpAssignment(
      "assignment",
      { dropletId, ipAddress: reserved.ipAddress },
      options,
    );
    new digitalocean.Firewall(
      "firewall",
      {
        name: "fleet",
        dropletIds: [dropletId],
        inboundRules: (given.ports ?? ["443", "22"]).map((portRange) => ({
          protocol: "tcp",
          portRange,
          sourceAddresses: ["0.0.0.0/0", "::/0"],
        })),
        outboundRules: [
          { protocol: "icmp", destinationAddresses: ["0.0.0.0/0"] },
          { protocol: "udp", portRange: "all", destinationTags: ["fleet"] },
        ],
      },
      options,
    );
    return {
      id: droplet.id,
      address: droplet.ipv4Address,
      reserved: reserved.ipAddress,
      userData: droplet.userData,
    };
  };

  test("everything is made; ids are what the API knows things by", async () => {
    const { outputs } = await stack().up(() => fleet());
    const { droplets } = (await api("GET", "/v2/droplets")).body;
    expect(outputs.id).toBe(String(droplets[0].id));
    expect(outputs.address).toBe("198.18.0.16");
    expect(outputs.reserved).toBe("198.18.64.1");
    // Of user-data the state keeps no more.
    expect(outputs.userData).toBe(createHash("sha1").update("#cloud-config\n").digest("hex"));
    const { reserved, tag, attachment, assignment, key, volume } = await stack().state();
    expect([reserved?.id, tag?.id]).toEqual(["198.18.64.1", "fleet"]);
    expect(attachment?.id).toMatch(new RegExp(`^${outputs.id}-${volume?.id}-`));
    expect(assignment?.id).toMatch(new RegExp(`^${outputs.id}-198\\.18\\.64\\.1-`));
    expect(key?.id).toMatch(/^\d+$/);
    expect(droplets[0]).toMatchObject({ status: "active", volume_ids: [volume?.id], tags: ["fleet"] });
  });

  test("defaults stand in the inputs; user-data and token are secret in the state", async () => {
    const { host, fake: provider } = await stack().state();
    expect(host?.inputs).toMatchObject({
      backups: false,
      gracefulShutdown: false,
      ipv6: false,
      resizeDisk: true,
    });
    expect(host?.outputs).toMatchObject({
      memory: 1024,
      vcpus: 1,
      disk: 25,
      status: "active",
      region: "fra1",
    });
    expect([host?.inputs.userData, host?.outputs.userData, provider?.inputs.token].every(isSecret)).toBe(
      true,
    );
  });

  test("a refresh changes nothing, nor does a preview with the rules in another order", async () => {
    expect(await stack().refresh()).toEqual({});
    expect(await stack().preview(() => fleet({ ports: ["22", "443"] }))).toEqual({});
  });

  test("user-data replaces a droplet, old before new since both have one name, and with it what names its number", async () => {
    const changes = await stack().preview(() => fleet({ userData: "#cloud-config\n# other\n" }));
    expect(changes.host).toEqual({
      steps: ["delete-replaced", "replace", "create-replacement"],
      because: ["userData"],
      forced: ["userData"],
    });
    expect([changes.volume, changes.reserved, changes.vpc]).toEqual([undefined, undefined, undefined]);
    expect(changes.firewall?.steps).toEqual(["update"]);
  });

  const changed: Given = {
    size: "s-2vcpu-4gb",
    name: "fra1-b",
    volumeSize: 12,
    keyName: "other",
    ports: ["443"],
  };

  test("an action that errs fails the update; the droplet is powered on again", async () => {
    faults.add({ action: "resize" });
    const text = await stack().failure(() => fleet({ ...changed, volumeSize: 10 }));
    expect(text).toMatch(/Error resizing droplet/);
    expect(cloud.account.droplets[0]).toMatchObject({ status: "active", size: "s-1vcpu-1gb" });
  });

  test("the next update goes on: size, names, tags, volume and rules change in place, over 429 and 500", async () => {
    for (const answer of ["rate-limit", "server-error"] as const) {
      faults.add({ method: "PUT", path: "/v2/firewalls/", answer });
    }
    const { changes } = await stack().up(() => fleet({ ...changed, tags: ["fleet", "web"] }));
    expect(changes.host).toEqual({ steps: ["update"], because: ["name", "size", "tags"] });
    expect(changes.volume).toEqual({ steps: ["update"], because: ["size"] });
    expect(changes.firewall).toEqual({ steps: ["update"], because: ["inboundRules"] });
    expect(faults.list()).toEqual([]);
    const { droplets, volumes, actions, keys } = cloud.account;
    expect(droplets[0]).toMatchObject({ name: "fra1-b", disk: 80, status: "active", tags: ["fleet", "web"] });
    expect([volumes[0]?.size, keys[0]?.name]).toEqual([12, "other"]);
    const types = actions.filter(({ of }) => of.startsWith("droplet:")).map(({ type }) => type);
    expect(types.slice(0, 4)).toEqual(["rename", "power_on", "resize", "power_off"]);
  });

  test("a refresh sees what changed and what is gone outside", async () => {
    const path = `/v2/firewalls/${cloud.account.firewalls[0]?.id}/droplets`;
    await api("DELETE", path, { droplet_ids: [cloud.account.droplets[0]?.id] });
    await api("DELETE", "/v2/tags/fleet");
    expect(Object.keys(await stack().refresh()).sort()).toEqual(["firewall", "host", "tag"]);
    const { changes } = await stack().up(() => fleet({ ...changed, tags: ["fleet", "web"] }));
    expect(changes).toEqual({
      firewall: { steps: ["update"], because: ["dropletIds"] },
      tag: { steps: ["create"] },
      host: { steps: ["update"], because: ["tags"] },
    });
  });

  test.runIf(kind === "stand-ins")(
    "an endpoint beyond this machine is refused before anything is sent",
    async () => {
      const text = await stack().failure(() => fleet({ endpoint: "https://api.digitalocean.com" }));
      expect(text).toMatch(/speaks only to fakes on this machine.*Nothing was sent/s);
    },
  );

  test("a volume never shrinks", async () => {
    const program = () => fleet({ ...changed, tags: ["fleet", "web"], volumeSize: 9 });
    expect(await stack().failure(program)).toMatch(/can only be expanded and not shrunk/);
  });

  test("destroyed, the account is empty", async () => {
    await stack().destroy();
    await cloud.settle();
    const { droplets, volumes, firewalls, keys, reservedIps, tags } = cloud.account;
    expect([droplets, volumes, firewalls, keys, reservedIps].flat()).toEqual([]);
    expect(tags).not.toContain("fleet");
    expect(cloud.account.vpcs.filter((vpc) => !vpc.default)).toEqual([]);
  });
});
