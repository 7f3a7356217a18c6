import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digitalOcean } from "../../../toolchain/fakes/digitalocean/digitalocean.ts";
import { noMachines } from "../../../toolchain/fakes/digitalocean/driver.ts";
import { type Begun, begunIn, madeBy, removeBegun } from "../../../toolchain/setup/interrupted-cloud.ts";
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

  describe("in an account", () => {
    let opened: ReturnType<typeof digitalOcean>;
    let endpoint: string;
    let ask: Client;
    beforeEach(async () => {
      opened = digitalOcean({ token }, { driver: noMachines });
      await opened.cloud.resume();
      endpoint = await opened.fake.listen();
      ask = clientOf(endpoint);
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
      expect(await removeBegun("staging", state, { endpoint, token }, () => {}, Date.now() - 60_000)).toEqual(
        ["droplet owui-staging-fra1-c"],
      );
      const { body } = await ask("GET", "/v2/droplets");
      expect(body.droplets.map(({ id }: { id: number }) => String(id)).sort()).toEqual([known, other].sort());
      expect(half).not.toBe(known);
    });

    it("is told as a problem with its remedy where the cloud does not let anybody in", async () => {
      const state = stateOf([operation("creating", droplet, { name: "owui-staging-fra1-c" })]);
      const api = { endpoint, token: "none" };
      await expect(removeBegun("staging", state, api, () => {}, 0)).rejects.toThrow(
        /DigitalOcean answered 401 to GET \/v2\/droplets/,
      );
    });
  });
});
