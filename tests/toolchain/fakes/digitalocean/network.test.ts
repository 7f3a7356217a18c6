import { expect, test } from "vitest";
import { emptyAccount } from "../../../../toolchain/fakes/digitalocean/model.ts";
import { packetPolicies, portsOf } from "../../../../toolchain/fakes/digitalocean/packet-policy.ts";
import { boot, openAccount, publicKey, recording } from "./account.ts";

const web = { protocol: "tcp", ports: "443", sources: { addresses: ["0.0.0.0/0", "::/0"] } };

test("a firewall guards the droplets it names and those that carry its tag", async () => {
  const { api, cloud } = await openAccount();
  const named = await boot(api, () => cloud.settle());
  const tagged = await boot(api, () => cloud.settle(), { tags: ["fleet"] });
  const open = await boot(api, () => cloud.settle());
  const { status, body } = await api("POST", "/v2/firewalls", {
    name: "fleet",
    inbound_rules: [web, { protocol: "tcp", ports: "22", sources: { tags: ["fleet"] } }],
    outbound_rules: [{ protocol: "udp", ports: "all", destinations: { addresses: ["0.0.0.0/0"] } }],
    droplet_ids: [named],
    tags: ["fleet"],
  });
  expect([status, body.firewall.status]).toEqual([202, "succeeded"]);
  // All ports read as "0", as the real API has it.
  expect(body.firewall.outbound_rules).toEqual([
    { protocol: "udp", ports: "0", destinations: { addresses: ["0.0.0.0/0"] } },
  ]);
  const policies = packetPolicies(cloud.account);
  expect(policies.map(({ droplet }) => droplet)).toEqual([named, tagged]);
  expect(policies[0]?.inbound).toEqual([
    { protocol: "tcp", ports: [443, 443], peers: ["0.0.0.0/0"] },
    { protocol: "tcp", ports: [22, 22], peers: ["198.18.0.17", "198.19.0.17"] },
  ]);
  expect(policies[0]?.outbound).toEqual([{ protocol: "udp", peers: ["0.0.0.0/0"] }]);
  expect((await api("GET", `/v2/droplets/${open}/firewalls`)).body.firewalls).toEqual([]);
});

test("a tag that is gone guards nothing any more", async () => {
  const { api, cloud } = await openAccount();
  await boot(api, () => cloud.settle(), { tags: ["fleet"] });
  await api("POST", "/v2/firewalls", { name: "fleet", inbound_rules: [web], tags: ["fleet"] });
  expect(packetPolicies(cloud.account)).toHaveLength(1);
  await api("DELETE", "/v2/tags/fleet");
  expect(packetPolicies(cloud.account)).toEqual([]);
});

test("no firewall, no policy; ports read as they are written", () => {
  expect(packetPolicies(emptyAccount())).toEqual([]);
  expect(["", "0", "all", "22", "8000-9000"].map(portsOf)).toEqual([
    undefined,
    undefined,
    undefined,
    [22, 22],
    [8000, 9000],
  ]);
});

test.each([
  ["no rule at all", {}, /at least one rule/],
  ["a rule without ports", { inbound_rules: [{ protocol: "tcp", sources: {} }] }, /ports is required/],
  [
    "an address that is none",
    { inbound_rules: [{ ...web, sources: { addresses: ["here"] } }] },
    /invalid address/,
  ],
])("a firewall with %s is refused", async (_, rules, message) => {
  const { api } = await openAccount();
  const { status, body } = await api("POST", "/v2/firewalls", { name: "fleet", ...rules });
  expect(status).toBe(422);
  expect(body.message).toMatch(message);
});

test("a reserved address goes from droplet to droplet, and its machines are told in that order", async () => {
  const { told, driver } = recording();
  const { api, cloud } = await openAccount({ driver });
  const [old, fresh] = [await boot(api, () => cloud.settle()), await boot(api, () => cloud.settle())];
  const { body } = await api("POST", "/v2/reserved_ips", { region: "fra1" });
  const path = `/v2/reserved_ips/${body.reserved_ip.ip}`;
  const assign = async (id: number) => {
    const answer = await api("POST", `${path}/actions`, { type: "assign", droplet_id: id });
    await cloud.settle();
    return answer;
  };
  const { body: action } = await assign(old);
  expect((await api("GET", `${path}/actions/${action.action.id}`)).body.action).toMatchObject({
    status: "completed",
    type: "assign_ip",
  });
  expect((await assign(old)).body.message).toMatch(/already has a reserved IP/);
  await assign(fresh);
  expect((await api("GET", path)).body.reserved_ip.droplet.id).toBe(fresh);
  expect(told.filter((line) => line.startsWith("reserve"))).toEqual([
    `reserve ${old} "198.18.64.1"`,
    `reserve ${old} `,
    `reserve ${fresh} "198.18.64.1"`,
  ]);
  expect((await api("DELETE", path)).status).toBe(204);
  expect((await api("GET", path)).status).toBe(404);
});

test("a volume belongs to one droplet, only grows, and goes only when it is free", async () => {
  const { api, cloud } = await openAccount();
  const id = await boot(api, () => cloud.settle());
  const { body } = await api("POST", "/v2/volumes", {
    ...{ name: "data", size_gigabytes: 2, region: "fra1" },
    ...{ filesystem_type: "ext4", filesystem_label: "data" },
  });
  const path = `/v2/volumes/${body.volume.id}`;
  const act = async (action: object) => {
    const { status, body } = await api("POST", `${path}/actions`, action);
    await cloud.settle();
    return status === 202 ? "started" : body.message;
  };
  expect(await act({ type: "attach", droplet_id: id })).toBe("started");
  expect(await act({ type: "attach", droplet_id: id })).toMatch(/already attached/);
  expect(await act({ type: "resize", size_gigabytes: 1 })).toMatch(/larger/);
  expect(await act({ type: "resize", size_gigabytes: 3 })).toBe("started");
  expect((await api("GET", path)).body.volume).toMatchObject({ size_gigabytes: 3, droplet_ids: [id] });
  expect((await api("GET", `/v2/droplets/${id}`)).body.droplet.volume_ids).toEqual([body.volume.id]);
  expect((await api("DELETE", path)).status).toBe(409);
  expect(await act({ type: "detach", droplet_id: id })).toBe("started");
  expect((await api("DELETE", path)).status).toBe(204);
});

test("a VPC keeps its range to itself and its members from losing it", async () => {
  const { api, cloud } = await openAccount();
  const { body } = await api("POST", "/v2/vpcs", {
    name: "fleet",
    region: "fra1",
    ip_range: "198.19.77.0/24",
  });
  const again = { name: "other", region: "fra1", ip_range: "198.19.77.128/25" };
  expect((await api("POST", "/v2/vpcs", again)).body.message).toMatch(/overlaps/);
  const id = await boot(api, () => cloud.settle(), { vpc_uuid: body.vpc.id });
  expect((await api("GET", `/v2/droplets/${id}`)).body.droplet.networks.v4[0].ip_address).toBe(
    "198.19.77.16",
  );
  expect((await api("DELETE", `/v2/vpcs/${body.vpc.id}`)).status).toBe(409);
  await api("DELETE", `/v2/droplets/${id}`);
  expect((await api("DELETE", `/v2/vpcs/${body.vpc.id}`)).status).toBe(204);
});

test("a key is known by its fingerprint, once; what is no key is refused", async () => {
  const { api } = await openAccount();
  const key = { name: "operator", public_key: publicKey };
  const { status, body } = await api("POST", "/v2/account/keys", key);
  expect(status).toBe(201);
  expect(body.ssh_key.fingerprint).toMatch(/^([0-9a-f]{2}:){15}[0-9a-f]{2}$/);
  expect((await api("POST", "/v2/account/keys", key)).body.message).toMatch(/already in use/);
  expect((await api("POST", "/v2/account/keys", { name: "x", public_key: "ssh-rsa AAAA" })).status).toBe(422);
  const path = `/v2/account/keys/${body.ssh_key.fingerprint}`;
  expect((await api("PUT", path, { name: "other" })).body.ssh_key.name).toBe("other");
  expect((await api("DELETE", path)).status).toBe(204);
});
