import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digitalOcean } from "../../../../toolchain/fakes/digitalocean/digitalocean.ts";
import { docker } from "../../../../toolchain/fakes/digitalocean/docker/engine.ts";
import { DockerMachines } from "../../../../toolchain/fakes/digitalocean/docker/machines.ts";
import { dropletImage } from "../../../../toolchain/images/catalog.ts";
import { until } from "../../../support/fleet/until.ts";
import { vacate } from "../../../support/vacate.ts";
import { ownName } from "../../providers/conformance/docker-command.ts";
import { clientOf, token } from "../client.ts";

/** Apart from the range of a fake that somebody runs meanwhile. */
const plan = { public: "198.19.192.0/20", private: "198.19.208.0/20" };
const strangerAddress = "198.19.192.5";
const operatorAddress = "198.19.192.6";

describe("a droplet that really boots", () => {
  let folder: string;
  let machines: DockerMachines;
  let opened: ReturnType<typeof digitalOcean>;
  let api: ReturnType<typeof clientOf>;
  let id: number;
  let address: string;
  const outside = ownName("stranger");

  /** Runs a command over ssh as root, coming from an address of its own. */
  const ssh = (command: string, to = address): Promise<string> =>
    docker([
      ...["exec", outside, "ssh", "-i", "/root/key", "-b", operatorAddress, "-o", "BatchMode=yes"],
      ...["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"],
      ...["-o", "ConnectTimeout=3", `root@${to}`, command],
    ]);
  const reaches = (from: string, port: number, to = address): Promise<boolean> =>
    docker([
      "exec",
      outside,
      "bash",
      "-c",
      `timeout 2 python3 - <<< "
import socket
socket.create_connection(('${to}', ${port}), 1.5, source_address=('${from}', 0))"`,
    ]).then(
      () => true,
      () => false,
    );
  const act = async (path: string, action: object): Promise<void> => {
    const { body } = await api("POST", `${path}/actions`, action);
    await opened.cloud.settle();
    const { body: done } = await api("GET", `/v2/actions/${body.action.id}`);
    expect(done.action.status).toBe("completed");
  };
  /** Until its first start is over: cloud-init starts sshd, and once more when it has the keys. */
  const started = () =>
    until("cloud-init has ended", () => ssh("cloud-init status --wait >/dev/null; echo ended"), 120);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "owui-droplets-"));
    machines = new DockerMachines({ folder, publicRange: plan.public });
    opened = digitalOcean({ token }, { driver: machines, plan });
    await vacate(plan.public);
    await opened.cloud.resume();
    api = clientOf(await opened.fake.listen());
    await docker([
      ...["run", "--detach", "--name", outside, "--network", machines.publicNetwork, "--ip", strangerAddress],
      ...["--cap-add", "NET_ADMIN", "--entrypoint", "sleep", dropletImage, "infinity"],
    ]);
    await docker(["exec", outside, "ip", "address", "add", `${operatorAddress}/20`, "dev", "eth0"]);
    await docker(["exec", outside, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/key"]);
  });
  afterAll(async () => {
    await opened?.cloud.settle();
    await docker(["rm", "--force", outside]);
    await machines.clear();
    await opened?.fake.close();
    await rm(folder, { recursive: true });
  });

  test("its user-data runs in full, and the account's key opens root over ssh", async () => {
    const publicKey = await docker(["exec", outside, "cat", "/root/key.pub"]);
    const { body: key } = await api("POST", "/v2/account/keys", { name: "operator", public_key: publicKey });
    const { body: made } = await api("POST", "/v2/volumes", {
      ...{ name: "data", size_gigabytes: 1, region: "fra1" },
      ...{ filesystem_type: "ext4", filesystem_label: "data" },
    });
    const userData = `#cloud-config
write_files:
  - {path: /etc/fleet, content: "from user-data", permissions: "0600"}
mounts:
  - [/dev/disk/by-id/scsi-0DO_Volume_data, /srv/data, ext4, "nofail,discard"]
runcmd:
  - [sh, -c, "echo ran > /root/ran"]
`;
    const { body } = await api("POST", "/v2/droplets", {
      ...{ name: "fra1-a", region: "fra1", size: "s-1vcpu-1gb", image: "debian-12-x64" },
      ...{ ssh_keys: [key.ssh_key.id], user_data: userData, volumes: [made.volume.id] },
    });
    id = body.droplet.id;
    await opened.cloud.settle();
    const { body: booted } = await api("GET", `/v2/droplets/${id}`);
    expect(booted.droplet.status).toBe("active");
    address = booted.droplet.networks.v4[1].ip_address;
    await started();
    expect(await ssh("cloud-init status; cat /root/ran /etc/fleet")).toMatch(
      /status: done\s+ran\s+from user-data/,
    );
    expect(await ssh("systemctl is-system-running; hostname; stat -c %a /var/lib/cloud/seed/nocloud")).toBe(
      "running\nfra1-a\n700",
    );
  });

  test("its volume is the block device a real one shows, and is mounted by fstab", async () => {
    expect(await ssh("findmnt -no FSTYPE,LABEL /srv/data && echo kept > /srv/data/file && sync")).toMatch(
      /^ext4\s+data$/,
    );
  });

  test("a firewall decides from outside who gets in, and how far the droplet gets", async () => {
    expect([await reaches(strangerAddress, 22), await reaches(operatorAddress, 22)]).toEqual([true, true]);
    const everywhere = ["0.0.0.0/0", "::/0"];
    await api("POST", "/v2/firewalls", {
      name: "fleet",
      inbound_rules: [{ protocol: "tcp", ports: "22", sources: { addresses: [`${operatorAddress}/32`] } }],
      outbound_rules: [{ protocol: "udp", ports: "all", destinations: { addresses: everywhere } }],
      droplet_ids: [id],
    });
    expect([await reaches(strangerAddress, 22), await reaches(operatorAddress, 22)]).toEqual([false, true]);
    const outward = "timeout 2 bash -c '</dev/tcp/198.19.192.5/22' 2>&1; echo $?";
    expect(await ssh(outward)).toBe("124");
    // Whatever the droplet does to its own rules, those of the cloud stand outside.
    await ssh("nft flush ruleset");
    expect(await reaches(strangerAddress, 22)).toBe(false);
  });

  test("it answers on its reserved address, behind the same firewall", async () => {
    const { body } = await api("POST", "/v2/reserved_ips", { region: "fra1" });
    const { ip } = body.reserved_ip;
    await act(`/v2/reserved_ips/${ip}`, { type: "assign", droplet_id: id });
    expect(await ssh("hostname", ip)).toBe("fra1-a");
    expect(await reaches(strangerAddress, 22, ip)).toBe(false);
  });

  test("after its power went, and with another size, everything is back by itself", async () => {
    await act(`/v2/droplets/${id}`, { type: "power_off" });
    await act(`/v2/droplets/${id}`, { type: "resize", size: "s-2vcpu-2gb", disk: true });
    await act(`/v2/droplets/${id}`, { type: "power_on" });
    await started();
    const { body } = await api("GET", "/v2/reserved_ips");
    expect(await ssh("cat /srv/data/file /root/ran", body.reserved_ips[0].ip)).toBe("kept\nran");
    expect(await ssh("cat /sys/fs/cgroup/memory/memory.limit_in_bytes")).toBe(String(2 * 1024 ** 3));
    expect(await reaches(strangerAddress, 22)).toBe(false);
  });

  test("rebuilt, its disk is new; addresses, keys and the volume's content are what they were", async () => {
    const before = await ssh("cat /etc/ssh/ssh_host_ed25519_key.pub");
    await act(`/v2/droplets/${id}`, { type: "rebuild", image: "debian-12-x64" });
    await started();
    expect(await ssh("cat /srv/data/file")).toBe("kept");
    expect(await ssh("cat /etc/ssh/ssh_host_ed25519_key.pub")).not.toBe(before);
  });

  test("removed, nothing of it is left in the engine", async () => {
    expect((await api("DELETE", `/v2/droplets/${id}`)).status).toBe(204);
    await opened.cloud.settle();
    expect(await docker(["ps", "--all", "--quiet", "--filter", `name=${machines.nameOf(id)}`])).toBe("");
  });
});
