import { expect, test } from "vitest";
import { type DropletDriver, noMachines } from "../../../../toolchain/fakes/digitalocean/driver.ts";
import { boot, openAccount, publicKey, recording } from "./account.ts";

const asked = { name: "fra1-a", region: "fra1", size: "s-1vcpu-2gb", image: "debian-12-x64" };

test("a droplet is new and locked until it has booted; then it has its addresses", async () => {
  const { api, cloud } = await openAccount();
  const { status, body } = await api("POST", "/v2/droplets", { ...asked, monitoring: true, tags: ["fleet"] });
  expect(status).toBe(202);
  expect(body.droplet).toMatchObject({ status: "new", locked: true, networks: { v4: [] } });
  await cloud.settle();
  const { body: booted } = await api("GET", `/v2/droplets/${body.droplet.id}`);
  expect(booted.droplet).toMatchObject({
    status: "active",
    locked: false,
    memory: 2048,
    size_slug: "s-1vcpu-2gb",
    region: { slug: "fra1" },
    image: { slug: "debian-12-x64" },
    tags: ["fleet"],
    features: ["monitoring", "droplet_agent", "private_networking"],
  });
  expect(booted.droplet.networks.v4).toMatchObject([
    { type: "private", ip_address: "198.19.0.16" },
    { type: "public", ip_address: "198.18.0.16" },
  ]);
  const { body: action } = await api("GET", `/v2/actions/${body.links.actions[0].id}`);
  expect(action.action).toMatchObject({ status: "completed", type: "create", resource_type: "droplet" });
});

test("its machine gets the keys that were named by number or fingerprint, the user-data and the addresses", async () => {
  const { told, driver } = recording();
  const { api, cloud } = await openAccount({ driver });
  const { body: key } = await api("POST", "/v2/account/keys", { name: "operator", public_key: publicKey });
  await boot(api, () => cloud.settle(), { ssh_keys: [key.ssh_key.fingerprint], user_data: "#cloud-config" });
  const created = told.find((line) => line.startsWith("create"));
  expect(JSON.parse(created?.slice("create ".length) ?? "")).toMatchObject({
    hostname: "fra1-a",
    publicKeys: [publicKey],
    userData: "#cloud-config",
    address: "198.18.0.16",
    memory: 1024,
  });
});

test.each([
  ["another size", { size: "s-9vcpu-1gb" }, /invalid size/],
  ["another region", { region: "mars1" }, /invalid region/],
  ["another image", { image: "debian-3" }, /invalid image/],
  ["a name that is no host name", { name: "fra1_a" }, /valid hostname/],
  ["a key that is not there", { ssh_keys: [17] }, /invalid key/],
  ["too much user-data", { user_data: "x".repeat(64 * 1024 + 1) }, /User data is too long/],
])("%s is refused, and nothing is made", async (_, wrong, message) => {
  const { api } = await openAccount();
  const { status, body } = await api("POST", "/v2/droplets", { ...asked, ...wrong });
  expect([status, body.id]).toEqual([422, "unprocessable_entity"]);
  expect(body.message).toMatch(message);
  expect((await api("GET", "/v2/droplets")).body.meta.total).toBe(0);
});

test("no second action begins while one is under way", async () => {
  const held = Promise.withResolvers<void>();
  const slow = { ...noMachines, powerOff: () => held.promise };
  const { api, cloud } = await openAccount({ driver: slow });
  const id = await boot(api, () => cloud.settle());
  expect((await api("POST", `/v2/droplets/${id}/actions`, { type: "power_off" })).status).toBe(201);
  const second = await api("POST", `/v2/droplets/${id}/actions`, { type: "reboot" });
  expect([second.status, second.body.message]).toEqual([422, "Droplet already has a pending event."]);
  expect((await api("DELETE", `/v2/droplets/${id}`)).status).toBe(422);
  held.resolve();
  await cloud.settle();
  expect((await api("DELETE", `/v2/droplets/${id}`)).status).toBe(204);
});

test("a size is changed while it is off; the disk only grows, and only where that is asked for", async () => {
  const { api, cloud } = await openAccount();
  const id = await boot(api, () => cloud.settle());
  const act = async (action: object) => {
    const { status, body } = await api("POST", `/v2/droplets/${id}/actions`, action);
    await cloud.settle();
    return status === 201
      ? (await api("GET", `/v2/actions/${body.action.id}`)).body.action.status
      : body.message;
  };
  expect(await act({ type: "resize", size: "s-2vcpu-4gb" })).toMatch(/must be powered off/);
  expect(await act({ type: "power_off" })).toBe("completed");
  expect(await act({ type: "power_off" })).toBe("Droplet is already powered off.");
  expect(await act({ type: "resize", size: "s-2vcpu-4gb", disk: false })).toBe("completed");
  expect((await api("GET", `/v2/droplets/${id}`)).body.droplet).toMatchObject({ memory: 4096, disk: 25 });
  expect(await act({ type: "resize", size: "s-2vcpu-4gb", disk: true })).toBe("completed");
  expect(await act({ type: "resize", size: "s-1vcpu-1gb" })).toMatch(/smaller disk/);
  expect(await act({ type: "power_on" })).toBe("completed");
  expect(await act({ type: "rename", name: "fra1-b" })).toBe("completed");
  const { droplet } = (await api("GET", `/v2/droplets/${id}`)).body;
  expect(droplet).toMatchObject({ name: "fra1-b", status: "active", disk: 80 });
});

test("an action that fails says so and changes nothing", async () => {
  const { api, cloud, faults } = await openAccount();
  const id = await boot(api, () => cloud.settle());
  faults.add({ action: "power_off" });
  const { body } = await api("POST", `/v2/droplets/${id}/actions`, { type: "power_off" });
  await cloud.settle();
  expect((await api("GET", `/v2/actions/${body.action.id}`)).body.action.status).toBe("errored");
  expect((await api("GET", `/v2/droplets/${id}`)).body.droplet.status).toBe("active");
});

test("a droplet whose machine does not come up stays new", async () => {
  const { driver } = recording();
  const broken = {
    ...driver,
    prepare: driver.prepare,
    filter: driver.filter,
    create: () => Promise.reject(new Error("no")),
  };
  const { api, cloud } = await openAccount({ driver: broken });
  const id = await boot(api, () => cloud.settle());
  expect((await api("GET", `/v2/droplets/${id}`)).body.droplet.status).toBe("new");
  expect((await api("GET", `/v2/droplets/${id}/actions`)).body.actions).toMatchObject([
    { type: "create", status: "errored" },
  ]);
});

test("machines that are off although nobody turned them off run again after a restart, with their volumes", async () => {
  const told: string[] = [];
  const on = new Set<number>();
  const driver: DropletDriver = {
    ...noMachines,
    runs: async (id) => on.has(id),
    create: async ({ id }) => void (on.add(id) && told.push(`create ${id}`)),
    powerOff: async (id) => void on.delete(id),
    attach: async (id, { name }) => void told.push(`attach ${id} ${name}`),
  };
  const { api, cloud } = await openAccount({ driver });
  const settle = () => cloud.settle();
  const [lost, running, stopped] = [
    await boot(api, settle),
    await boot(api, settle),
    await boot(api, settle),
  ];
  await api("POST", `/v2/droplets/${stopped}/actions`, { type: "power_off" });
  const { body } = await api("POST", "/v2/volumes", { name: "data", size_gigabytes: 1, region: "fra1" });
  await api("POST", `/v2/volumes/${body.volume.id}/actions`, { type: "attach", droplet_id: lost });
  await settle();
  on.delete(lost);
  told.length = 0;
  await cloud.resume();
  expect(told).toEqual([`attach ${lost} data`, `create ${lost}`]);
  expect([...on]).toEqual([running, lost]);
});

test("a removed droplet frees its volumes and its reserved address; its own address is not used again", async () => {
  const { api, cloud } = await openAccount();
  const id = await boot(api, () => cloud.settle());
  const { body: reserved } = await api("POST", "/v2/reserved_ips", { droplet_id: id });
  const { body: made } = await api("POST", "/v2/volumes", {
    name: "data",
    size_gigabytes: 1,
    region: "fra1",
  });
  await cloud.settle();
  await api("POST", `/v2/volumes/${made.volume.id}/actions`, { type: "attach", droplet_id: id });
  await cloud.settle();
  expect((await api("DELETE", `/v2/droplets/${id}`)).status).toBe(204);
  await cloud.settle();
  expect((await api("GET", `/v2/droplets/${id}`)).status).toBe(404);
  expect(
    (await api("GET", `/v2/reserved_ips/${reserved.reserved_ip.ip}`)).body.reserved_ip.droplet,
  ).toBeNull();
  expect((await api("GET", `/v2/volumes/${made.volume.id}`)).body.volume.droplet_ids).toEqual([]);
  const next = await boot(api, () => cloud.settle());
  const { networks } = (await api("GET", `/v2/droplets/${next}`)).body.droplet;
  expect(networks.v4[1].ip_address).toBe("198.18.0.17");
});

test("lists come in pages that name their neighbours", async () => {
  const { api } = await openAccount();
  for (let count = 0; count < 45; count += 1) await api("POST", "/v2/tags", { name: `tag-${count}` });
  const first = (await api("GET", "/v2/tags")).body;
  expect([first.tags.length, first.meta.total, Object.keys(first.links.pages)]).toEqual([
    20,
    45,
    ["next", "last"],
  ]);
  const next = new URL(first.links.pages.last);
  const last = (await api("GET", next.pathname + next.search)).body;
  expect([last.tags.length, Object.keys(last.links.pages)]).toEqual([5, ["first", "prev"]]);
  expect((await api("GET", "/v2/tags?per_page=200")).body.links).toEqual({});
});
