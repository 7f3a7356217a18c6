import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { quote } from "../../../components/host/shell.ts";
import { type SetUpArgs, setUp } from "../../../components/machine/set-up.ts";
import { readFacts, securityFindings } from "../../../fleet/commands/security-findings.ts";
import { debianImage } from "../../../toolchain/images/catalog.ts";
import { addresses, operatorAddresses, TestDroplet } from "../../support/test-droplet.ts";

/** Perl that accepts connections on port 22. */
const answering =
  "$s = IO::Socket::INET->new(LocalPort => 22, Listen => 5) or die; close $c while $c = $s->accept";

/** Shell of a tenant that says over and over whether it reaches an address; the second port is for comparison. */
const trying = (address: string, port: number) =>
  `while :; do timeout 1 bash -c '</dev/tcp/${address}/${port}' 2>/dev/null && echo reached || echo refused; sleep 0.1; done`;

describe("a droplet that ran its user-data", () => {
  let droplet: TestDroplet;
  const agent = { port: 8050, from: [addresses.control] };
  const declared = (more: Partial<SetUpArgs> = {}): SetUpArgs => ({
    ...{ keys: [droplet.operatorKey], addresses: operatorAddresses, agent, ...more },
  });
  const run = (more: Partial<SetUpArgs> = {}, mode = "apply") => {
    const { script, variables } = setUp(declared(more));
    return droplet.script({ script, variables: { ...variables, MODE: mode } });
  };
  /** What the security report finds bad, but for updates, which come when they come. */
  const bad = async (): Promise<string[]> => {
    const report = await droplet.script({
      script: "security-report",
      variables: { DATA_ROOT: "/srv/fleet" },
    });
    const judged = { local: false, ports: [22, 80, 443, 8050], now: Date.now() / 1000 };
    return securityFindings(readFacts(`${report.output}\n`) ?? new Map(), judged)
      .filter(({ check, state }) => state !== "good" && check !== "pending updates")
      .map(({ check, state, found }) => `${check} ${state}: ${found}`);
  };
  const keyOfBirth = "host key bad: the one that user-data carried is still in use";
  const nothingDue = { code: 0, output: "set-up: 0 changes were made" };

  beforeAll(async () => {
    droplet = await TestDroplet.create();
    await droplet.boot();
  }, 600_000);
  afterAll(() => droplet?.remove());

  test("found its user-data valid and ran it in full", async () => {
    await droplet.within("cat >/root/user-data", droplet.userData);
    expect(await droplet.within("cloud-init schema --config-file /root/user-data")).toMatch(
      /^Valid cloud-config/,
    );
    expect(await droplet.within("cloud-init status")).toBe("status: done");
    expect(
      await droplet.within(
        "systemctl is-system-running; docker info --format '{{.LoggingDriver}} {{.LiveRestoreEnabled}}'",
      ),
    ).toBe("running\njson-file true");
  });

  test("lets in the operator's key alone, known by its host key at the first connection", async () => {
    expect(await droplet.ssh("id -un; sudo -n id -un; docker ps --quiet")).toEqual({
      code: 0,
      output: "qbmgr\nroot",
    });
    expect(await droplet.ssh("true", { key: "other" })).toMatchObject({
      code: 255,
      output: expect.stringContaining("Permission denied (publickey)"),
    });
    expect(await droplet.ssh("true", { user: "root" })).toMatchObject({
      code: 255,
      output: expect.stringContaining("Permission denied (publickey)"),
    });
    const password = [
      "-o",
      "PreferredAuthentications=password,keyboard-interactive",
      "-o",
      "PubkeyAuthentication=no",
    ];
    expect(await droplet.ssh("true", { more: password })).toMatchObject({
      code: 255,
      output: expect.stringContaining("(publickey)"),
    });
  });

  test("is as it should be: a second run only opens the agent, and a third changes nothing", async () => {
    expect(await run({}, "check")).toEqual({
      code: 0,
      output: "would write /etc/fleet/firewall.nft\nwould load the firewall\nset-up: 2 changes are due",
    });
    expect((await run()).output).toBe(
      "write /etc/fleet/firewall.nft\nload the firewall\nset-up: 2 changes were made",
    );
    expect(await run()).toEqual(nothingDue);
    expect(await run({}, "check")).toEqual({ code: 0, output: "set-up: 0 changes are due" });
    expect(await bad()).toEqual([keyOfBirth]);
  });

  test("is asked by a command, which before any up knows of nobody that calls the agent", async () => {
    const { code, stdout } = await droplet.hostCommand("check");
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout: "old: the set-up would\n  write /etc/fleet/firewall.nft\n  load the firewall\n",
    });
    const { hosts } = JSON.parse((await droplet.hostCommand("security", "old", "--json")).stdout);
    const found = hosts[0].findings.map(({ check, state }: { check: string; state: string }) => [
      check,
      state,
    ]);
    expect(found).toContainEqual(["firewall", "good"]);
    expect(found).toContainEqual(["host key", "bad"]);
    expect((await droplet.hostCommand("repair", "old")).stdout).toContain("no `npm run up` has met it yet");
    expect((await droplet.hostCommand("check", "new")).stderr).toContain('Stack unmet has no host "new"');
  });

  test("answers each address on the ports that are for it, whoever listens on others", async () => {
    await droplet.loadImage(debianImage);
    for (const port of [80, 8050, 5432])
      await droplet.within(`systemd-run --quiet python3 -m http.server ${port}`);
    // Published by Docker, whose own rules come before those of a usual firewall.
    await droplet.within(
      `docker run --detach --name published --publish 9000:22 ${debianImage} perl -MIO::Socket::INET -e ${quote(answering)}`,
    );
    const open = async (from: string) => {
      const ports = [22, 80, 5432, 8050, 9000];
      const answers = await Promise.all(ports.map((port) => droplet.reaches(from, port)));
      return ports.filter((_, index) => answers[index]);
    };
    await droplet.untilListening([80, 8050, 5432, 9000]);
    expect(await open(addresses.stranger)).toEqual([80]);
    expect(await open(addresses.operator)).toEqual([22, 80]);
    expect(await open(addresses.control)).toEqual([80, 8050]);
    // With the firewall gone they do answer: what was closed above was closed by it.
    await droplet.within("nft delete table inet fleet");
    expect(await open(addresses.stranger)).toEqual([22, 80, 5432, 8050, 9000]);
    expect((await run()).output).toBe("load the firewall\nset-up: 1 changes were made");
    expect(await open(addresses.stranger)).toEqual([80]);
  });

  test("tells nobody but root what the cloud would tell it about itself", async () => {
    await droplet.within("ip address add 169.254.169.254/32 dev lo");
    const ask =
      "python3 -c \"import urllib.request as r; print(r.urlopen('http://169.254.169.254', timeout=2).status)\" 2>&1 | tail -n 1";
    expect(await droplet.within(ask)).toBe("200");
    expect((await droplet.ssh(ask)).output).toContain("Connection refused");
    const inside = `timeout 2 bash -c '</dev/tcp/169.254.169.254/80'; echo $?`;
    expect(await droplet.within(`docker run --rm ${debianImage} bash -c ${quote(inside)} 2>/dev/null`)).toBe(
      "124",
    );
    const another = inside.replace("169.254.169.254", "172.17.0.1");
    expect(await droplet.within(`docker run --rm ${debianImage} bash -c ${quote(another)} 2>/dev/null`)).toBe(
      "0",
    );
    await droplet.within("ip address del 169.254.169.254/32 dev lo");
  });

  test("refuses what would lock its operator out, or is nothing it can use, and stays as it is", async () => {
    const locked = await run({ addresses: [addresses.clumsyOperator] });
    expect(locked).toEqual({
      code: 1,
      output:
        `set-up-host: this connection comes from ${addresses.operator}, which operators.addresses does not hold: ` +
        "the firewall would keep you out. Add it there. The firewall was left as it was",
    });
    const garbage = await run({
      addresses: ["0.0.0.0/0; reboot"],
      keys: ["no key"],
      rebootAt: "soon",
      volume: "$(id)",
    });
    expect(garbage.code).toBe(2);
    expect(garbage.output.split("\n")).toHaveLength(6);
    expect(await run()).toEqual(nothingDue);
  });

  test("puts right what somebody changed on it, and says what", async () => {
    await droplet.within(
      "rm /etc/ssh/sshd_config.d/00-fleet.conf; systemctl reload ssh; nft flush chain inet fleet arriving;" +
        "echo ssh-ed25519 AAAA stranger >>/home/qbmgr/.ssh/authorized_keys; systemctl -q disable --now fail2ban;" +
        'echo \'{"debug": false, "log-driver": "none"}\' >/etc/docker/daemon.json',
    );
    expect(await droplet.reaches(addresses.stranger, 22)).toBe(true);
    expect(await bad()).toEqual([
      "root sign-in bad: allowed (without-password)",
      ...[keyOfBirth, "firewall bad: differs from what the set-up loaded"],
      "open ports bad: also 5432/tcp (python3), 9000/tcp (docker-proxy), which no firewall keeps in",
      "fail2ban bad: is inactive",
    ]);
    const due = (await run({}, "check")).output;
    expect(due.split("\n")).toEqual([
      "would write /home/qbmgr/.ssh/authorized_keys",
      "would write /etc/ssh/sshd_config.d/00-fleet.conf",
      "would load the firewall",
      "would start fail2ban.service",
      "would write /etc/docker/daemon.json",
      "set-up: 5 changes are due",
    ]);
    expect((await run()).output).toBe(
      due.replaceAll("would ", "").replace("changes are due", "changes were made"),
    );
    expect(await droplet.reaches(addresses.stranger, 22)).toBe(false);
    expect(JSON.parse(await droplet.within("cat /etc/docker/daemon.json"))).toEqual({
      ...{ debug: false, "live-restore": true, "log-driver": "json-file" },
      "log-opts": { "max-file": "3", "max-size": "10m" },
    });
    expect(await droplet.within("docker ps --format '{{.Names}}'")).toBe("published");
    expect(await run()).toEqual(nothingDue);
  });

  test("bans for a while who tries names, and nobody else", async () => {
    for (let attempt = 0; attempt < 12; attempt++)
      await droplet.ssh("true", {
        user: `name${attempt}`,
        key: "other",
        from: addresses.clumsyOperator,
        seconds: 10,
      });
    await droplet.untilBanned(addresses.clumsyOperator);
    expect(await droplet.reaches(addresses.clumsyOperator, 22)).toBe(false);
    expect(await droplet.reaches(addresses.operator, 22)).toBe(true);
    await droplet.within(`fail2ban-client unban ${addresses.clumsyOperator}`);
  });

  test("shows a new host key once the one its user-data carried was replaced", async () => {
    const [next, nextPublic] = [await droplet.file("host2"), await droplet.file("host2.pub")];
    const replace = { script: "replace-host-key", variables: { PUBLIC: nextPublic } } as const;
    const wrong = await droplet.script(replace, `${await droplet.file("other")}\n`);
    expect(wrong).toMatchObject({
      code: 1,
      output: expect.stringContaining("the host keeps the key it has"),
    });
    expect(await droplet.ssh("true")).toMatchObject({ code: 0 });
    expect(await droplet.script(replace, `${next}\n`)).toEqual({ code: 0, output: "" });
    expect(await droplet.ssh("true")).toMatchObject({
      code: 255,
      output: expect.stringContaining("Host key verification failed"),
    });
    droplet.hostKey = nextPublic;
    expect(await droplet.ssh("ls /etc/ssh/ssh_host_*_key")).toEqual({
      code: 0,
      output: "/etc/ssh/ssh_host_ed25519_key",
    });
    expect(await droplet.script(replace, `${next}\n`)).toEqual({ code: 0, output: "" });
    expect(await droplet.within("stat -c '%a %U' /etc/ssh/ssh_host_ed25519_key")).toBe("600 root");
  });

  test("formats an empty volume, never one that holds anything, and hides no data below it", async () => {
    await droplet.attachVolume("empty", "");
    await droplet.attachVolume("used", "");
    const device = (name: string) => `/dev/disk/by-id/scsi-0DO_Volume_${name}`;
    await droplet.within(
      `printf 'somebody data' | dd of=${device("used")} bs=1 seek=70000 conv=notrunc status=none`,
    );
    const before = await droplet.within(`sha256sum <${device("used")}`);
    expect(await run({ volume: "used" })).toMatchObject({
      code: 1,
      output: expect.stringContaining(
        "holds something else than an ext4 file system (unknown data); it is never formatted over",
      ),
    });
    expect(await droplet.within(`sha256sum <${device("used")}`)).toBe(before);

    await droplet.within("mkdir /srv/fleet/tenants");
    expect(await run({ volume: "empty" })).toMatchObject({
      code: 1,
      output: expect.stringContaining(
        "/srv/fleet holds data on the machine's own disk, which the volume empty would hide",
      ),
    });
    await droplet.within("rmdir /srv/fleet/tenants");
    expect((await run({ volume: "empty" })).output.split("\n")).toEqual([
      "format the empty volume empty",
      "write /etc/fstab",
      "write /etc/systemd/system/docker.service.d/fleet.conf",
      "mount the volume empty at /srv/fleet",
      "set-up: 4 changes were made",
    ]);
    await droplet.within("echo kept >/srv/fleet/file; sync");
    expect(await run({ volume: "empty" })).toEqual(nothingDue);
    await droplet.within("umount /srv/fleet");
    expect((await run({ volume: "empty" })).output).toBe(
      "mount the volume empty at /srv/fleet\nset-up: 1 changes were made",
    );
  });

  test("after its power went everything is back by itself, and no tenant ran without its rules", async () => {
    const egress = { script: "egress", variables: { CHAIN: "OWUI-01234567" } } as const;
    await droplet.within(
      "docker network create --subnet 172.30.0.0/28 --opt com.docker.network.bridge.name=owttest0 tenant",
    );
    // The host itself is reached by it until the rules are there.
    await droplet.within(
      `docker run --detach --restart unless-stopped --name tenant --network tenant ${debianImage} sh -c ${quote(trying("172.30.0.1", 80))}`,
    );
    await droplet.untilLogged("tenant", "reached");
    expect(await droplet.script(egress, "owttest0 10.1.2.3 8000\n")).toEqual({ code: 0, output: "" });
    await droplet.within("systemctl stop docker.service");
    const born = new Date().toISOString();
    await droplet.act({ type: "power_cycle" });
    await droplet.started();
    await droplet.within("systemd-run --quiet python3 -m http.server 80");
    await droplet.untilListening([80]);
    await droplet.untilLogged("tenant", "refused", born);
    expect(await droplet.within(`docker logs --since ${born} tenant | sort -u`)).toBe("refused");
    expect(await droplet.within("iptables -S OWUI-01234567 | tail -n 1")).toContain(
      "-d 10.1.2.3/32 -i owttest0",
    );
    expect(await droplet.reaches(addresses.stranger, 22)).toBe(false);
    expect(await droplet.within("cat /srv/fleet/file; systemctl is-system-running")).toBe("kept\nrunning");
    expect(await run({ volume: "empty" })).toEqual(nothingDue);

    expect(await bad()).toEqual([]);
    await droplet.within("iptables -F DOCKER-USER");
    expect(await bad()).toEqual(["tenants' reach bad: private addresses too"]);
    expect((await run({ volume: "empty" })).output).toBe(
      "load the rules of tenants\nset-up: 1 changes were made",
    );
    expect(await bad()).toEqual([]);

    await droplet.script({ script: "remove-egress", variables: { CHAIN: "OWUI-01234567" } });
    expect(
      await droplet.within(
        "ls -d /etc/systemd/system/fleet-egress.service /var/lib/fleet/egress 2>/dev/null || echo gone",
      ),
    ).toBe("gone");
  });

  test("lets the file system follow a volume that was made larger", async () => {
    await droplet.growVolume("empty", 2);
    // Only asked for: a fake droplet's root may not do it (CAP_SYS_RESOURCE).
    expect((await run({ volume: "empty" }, "check")).output).toBe(
      "would let the file system of the volume empty grow\nset-up: 1 changes are due",
    );
  });
});
