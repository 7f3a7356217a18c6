import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digitalOcean } from "../../../toolchain/fakes/digitalocean/digitalocean.ts";
import { noMachines } from "../../../toolchain/fakes/digitalocean/driver.ts";
import type { CloudApi } from "../../../toolchain/setup/cloud-api.ts";
import {
  addressesBegunIn,
  type Begun,
  begunIn,
  madeBy,
  removeBegun,
  reservedBy,
  reservedNow,
} from "../../../toolchain/setup/interrupted-cloud.ts";
import type { Checkpoint } from "../../../toolchain/setup/stack-state.ts";
import { type Client, clientOf, token } from "../fakes/client.ts";

const operation = (type: string, of: string, inputs: Record<string, unknown>) => ({
  type,
  resource: { urn: `urn:${of}`, type: of, custom: true, inputs },
});
const droplet = "digitalocean:index/droplet:Droplet";
const stateOf = (pending: ReturnType<typeof operation>[], ids: readonly string[] = []): Checkpoint => ({
  checkpoint: {
    latest: {
      pending_operations: pending,
      resources: ids.map((id) => ({ urn: `urn:${id}`, type: droplet, custom: true, id })),
    },
  },
});

describe("what a killed run had begun to make in the cloud", () => {
  it("is what clashes or costs when it is made again, and nothing that was changed or deleted", () => {
    const pending = [
      operation("creating", droplet, { name: "owui-staging-fra1-c" }),
      operation("creating", "digitalocean:index/sshKey:SshKey", { name: "owui", publicKey: "ssh-ed25519 A" }),
      operation("creating", "digitalocean:index/reservedIp:ReservedIp", { region: "fra1" }),
      operation("creating", "docker:index/network:Network", { name: "owui-local-control" }),
      operation("updating", droplet, { name: "owui-staging-fra1-a" }),
      operation("deleting", "digitalocean:index/volume:Volume", { name: "owui-staging-fra1-a" }),
    ];
    expect(begunIn(stateOf(pending))).toEqual([
      { collection: "droplets", what: "droplet", name: "owui-staging-fra1-c" },
      { collection: "account/keys", what: "ssh key", name: "owui", publicKey: "ssh-ed25519 A" },
    ]);
    expect(begunIn(undefined)).toEqual([]);
    expect(addressesBegunIn(stateOf(pending))).toEqual(["fra1"]);
  });

  const began = Date.parse("2026-03-01T10:00:00.700Z");
  const [older, younger] = ["2026-03-01T09:59:59Z", "2026-03-01T10:00:00Z"];
  const begun = (collection: string, more: Partial<Begun> = {}): Begun => ({
    ...{ collection, what: "thing", name: "owui-staging-fra1-c" },
    ...more,
  });
  const thing = { id: 7, name: "owui-staging-fra1-c", created_at: younger };

  it.each([
    ["one of that name, made since the run began", begun("droplets"), thing, true],
    ["one of another name", begun("droplets"), { ...thing, name: "owui-staging-fra1-a" }, false],
    ["one that was there before the run", begun("droplets"), { ...thing, created_at: older }, false],
    ["one whose age nobody tells", begun("droplets"), { id: 7, name: thing.name }, false],
    ["one that the state knows", begun("droplets"), { ...thing, id: 1 }, false],
    ["an empty volume", begun("volumes"), { ...thing, droplet_ids: [] }, true],
    ["a volume that is attached", begun("volumes"), { ...thing, droplet_ids: [3] }, false],
    [
      "the stack's own key",
      begun("account/keys", { publicKey: "ssh-ed25519 A" }),
      { id: 7, name: thing.name, public_key: "ssh-ed25519 A\n" },
      true,
    ],
    [
      "another key of that name",
      begun("account/keys", { publicKey: "ssh-ed25519 A" }),
      { ...thing, public_key: "ssh-ed25519 B" },
      false,
    ],
  ])("counts %s as its own only where it is", (_, what, seen, own) => {
    expect(madeBy(what, [seen], new Set(["1"]), began)).toEqual(own ? [seen] : []);
  });

  it("counts nothing as its own while nobody noted when it began", () => {
    expect(madeBy(begun("droplets"), [thing], new Set(), Number.NaN)).toEqual([]);
  });

  const reserved = (ip: string, region = "fra1", droplet: unknown = null) => ({
    ...{ ip, region: { slug: region }, droplet },
  });

  it.each([
    ["was not there before, and leads nowhere", [reserved("9.9.9.9")], [], ["9.9.9.9"]],
    ["was there before", [reserved("9.9.9.9")], ["9.9.9.9"], []],
    ["leads to a droplet", [reserved("9.9.9.9", "fra1", { id: 3 })], [], []],
    ["the state knows", [reserved("1.1.1.1")], [], []],
    ["is in another region", [reserved("9.9.9.9", "ams3")], [], []],
    ["may as well be somebody else's", [reserved("9.9.9.9"), reserved("8.8.8.8")], [], []],
    ["is there while nobody noted what was", [reserved("9.9.9.9")], undefined, []],
  ])("counts a reserved address that %s as its own only where it is", (_, there, before, own) => {
    expect(reservedBy(["fra1"], there, new Set(["1.1.1.1"]), before)).toEqual(own);
  });

  describe("in an account", () => {
    let opened: ReturnType<typeof digitalOcean>;
    let api: CloudApi;
    let ask: Client;
    beforeEach(async () => {
      opened = digitalOcean({ token }, { driver: noMachines });
      await opened.cloud.resume();
      api = { name: "DigitalOcean", endpoint: await opened.fake.listen(), token };
      ask = clientOf(api.endpoint);
    });
    afterEach(() => opened.fake.close());

    const make = async (name: string) => {
      const { body } = await ask("POST", "/v2/droplets", {
        ...{ name, region: "fra1", size: "s-1vcpu-2gb", image: "debian-12-x64", ssh_keys: [] },
      });
      return String(body.droplet.id);
    };

    it("is removed, past answers that say to wait, and everything else stays", async () => {
      const [known, other] = [await make("owui-staging-fra1-c"), await make("somebody-elses")];
      const half = await make("owui-staging-fra1-c");
      opened.faults.add({ method: "DELETE", answer: "rate-limit", times: 2 });
      const state = stateOf([operation("creating", droplet, { name: "owui-staging-fra1-c" })], [known]);
      expect(await removeBegun(state, api, { at: Date.now() - 60_000 }, () => {})).toEqual([
        "droplet owui-staging-fra1-c",
      ]);
      const { body } = await ask("GET", "/v2/droplets");
      expect(body.droplets.map(({ id }: { id: number }) => String(id)).sort()).toEqual([known, other].sort());
      expect(half).not.toBe(known);
    });

    it("is told as a problem with its remedy where the cloud does not let anybody in", async () => {
      const state = stateOf([operation("creating", droplet, { name: "owui-staging-fra1-c" })]);
      await expect(removeBegun(state, { ...api, token: "none" }, { at: 0 }, () => {})).rejects.toThrow(
        /DigitalOcean answered 401 to GET \/v2\/droplets/,
      );
    });

    it("has its reserved address removed, and no other", async () => {
      const reserve = async (): Promise<string> =>
        (await ask("POST", "/v2/reserved_ips", { region: "fra1" })).body.reserved_ip.ip;
      const others = [await reserve(), await reserve()];
      const beginning = { at: Date.now(), addresses: await reservedNow(api) };
      const half = await reserve();
      opened.faults.add({ method: "GET", path: "reserved_ips", answer: "server-error" });
      const state = stateOf([
        operation("creating", "digitalocean:index/reservedIp:ReservedIp", { region: "fra1" }),
      ]);
      expect(await removeBegun(state, api, beginning, () => {})).toEqual([`reserved address ${half}`]);
      expect((await reservedNow(api)).sort()).toEqual(others.sort());
    });
  });
});
