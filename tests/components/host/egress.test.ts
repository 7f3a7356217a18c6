import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  backupBridge,
  backupExceptions,
  egressChain,
  egressExceptions,
  egressLines,
} from "../../../components/host/egress.ts";
import { tenantSpec } from "../specs.ts";
import { Workbench } from "./script.ts";

describe("exceptions to the ban on private addresses", () => {
  it("are each tenant's own, by its interface", () => {
    const exceptions = egressExceptions([
      tenantSpec({ bridge: "owt22222222", privateEndpoints: [{ address: "10.1.2.3", port: 8000 }] }),
      tenantSpec({ bridge: "owt11111111", privateEndpoints: [{ address: "192.168.1.9", port: 11_434 }] }),
      tenantSpec({ bridge: "owt33333333" }),
    ]);
    expect(egressLines(exceptions)).toBe("owt11111111 192.168.1.9 11434\nowt22222222 10.1.2.3 8000\n");
  });

  it("open the database that a tenant works on to it alone, once, and leave public ones and names as they are", () => {
    const on = (url: string) => ({ kind: "postgres", url, password: "x" }) as const;
    const exceptions = egressExceptions([
      tenantSpec({ bridge: "owt11111111", database: on("postgresql://a@10.1.2.3/a") }),
      tenantSpec({
        bridge: "owt22222222",
        privateEndpoints: [{ address: "10.1.2.3", port: 6543 }],
        database: on("postgresql://a@10.1.2.3:6543/a"),
      }),
      tenantSpec({ bridge: "owt33333333", database: on("postgresql://a@db.example.com/a") }),
      tenantSpec({ bridge: "owt44444444", database: on("postgresql://a@203.0.113.9/a") }),
    ]);
    expect(egressLines(exceptions)).toBe("owt11111111 10.1.2.3 5432\nowt22222222 10.1.2.3 6543\n");
  });

  it("open the databases of tenants on Postgres, and nothing else, to what backs these up", () => {
    const on = (url: string) => ({ kind: "postgres", url, password: "x" }) as const;
    const bridge = backupBridge("test");
    expect(bridge).toMatch(/^owb[0-9a-f]{8}$/);
    const lines = (...specs: Parameters<typeof tenantSpec>[0][]) =>
      egressLines(backupExceptions("test", specs.map(tenantSpec)));
    expect(lines({}, { privateEndpoints: [{ address: "10.1.2.4", port: 8000 }] })).toBe("");
    const own = on("postgresql://a@10.1.2.3:5433/a");
    expect(lines({ database: own }, { database: own })).toBe(`${bridge} 10.1.2.3 5433\n`);
    // A name may lead to what the tenant is let to; at another port it is somebody else.
    const privateEndpoints = [
      { address: "10.1.2.4", port: 5432 },
      { address: "10.1.2.5", port: 8000 },
    ];
    expect(lines({ database: on("postgresql://a@db.example.com/a"), privateEndpoints })).toBe(
      `${bridge} 10.1.2.4 5432\n${bridge} any 5432\n`,
    );
  });

  it("are nothing to read where there are none", () => {
    expect(egressLines(egressExceptions([tenantSpec()]))).toBe("");
  });

  it("have a chain of the stack's own, short enough for iptables", () => {
    expect(egressChain("local")).toMatch(/^OWUI-[0-9a-f]{8}$/);
    expect(egressChain("local")).not.toBe(egressChain("staging"));
  });
});

describe("egress.sh", () => {
  let host: Workbench;
  beforeEach(() => {
    host = new Workbench();
    const log = join(host.root, "calls");
    // Stands in for iptables, which knows no rule yet, and for what takes whole chains at once.
    host.program("iptables", `echo "$*" >>${log}; case "$*" in *" -C "*) exit 1 ;; esac`);
    host.program("iptables-restore", `cat >${join(host.root, "restored")}`);
  });
  afterEach(() => host.remove());

  const run = (input = "") => host.run([{ script: "egress", variables: { CHAIN: "OWUI-01234567" } }], input);
  const restored = () => readFileSync(join(host.root, "restored"), "utf8").trim().split("\n");

  it("accepts a tenant's exceptions and nothing beside them", () => {
    expect(run("owt01234567 10.1.2.3 8000\n").status).toBe(0);
    expect(restored().filter((line) => line.startsWith("-A OWUI-01234567"))).toEqual([
      "-A OWUI-01234567 -i owt01234567 -d 10.1.2.3 -p tcp --dport 8000 -j ACCEPT",
    ]);
  });

  it("lets what backs tenants up to its databases, and to nothing besides the resolvers", () => {
    run("owb01234567 10.1.2.3 5432\nowb01234567 any 5433\n");
    expect(restored().filter((line) => line.startsWith("-A OWUI-01234567"))).toEqual([
      "-A OWUI-01234567 -i owb01234567 -d 10.1.2.3 -p tcp --dport 5432 -j ACCEPT",
      ...["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"].map(
        (range) =>
          `-A OWUI-01234567 -i owb01234567 -d ${range} -p tcp --dport 5433 -j REJECT --reject-with icmp-admin-prohibited`,
      ),
      "-A OWUI-01234567 -i owb01234567 -p tcp --dport 5433 -j ACCEPT",
    ]);
    const backup = restored().filter((line) => line.startsWith("-A OWUI-BACKUP"));
    expect(backup.slice(0, 2)).toEqual([
      "-A OWUI-BACKUP -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN",
      "-A OWUI-BACKUP -j OWUI-ALLOW",
    ]);
    expect(backup.slice(2, -1).every((line) => / --dport 53 -j RETURN$/.test(line))).toBe(true);
    expect(backup.at(-1)).toBe("-A OWUI-BACKUP -j REJECT --reject-with icmp-admin-prohibited");
    const calls = readFileSync(join(host.root, "calls"), "utf8");
    for (const chain of ["DOCKER-USER", "INPUT"])
      expect(calls).toContain(`-I ${chain} 1 -i owb+ -j OWUI-BACKUP`);
  });

  it("lets answers and exceptions through before it refuses private ranges", () => {
    run();
    const forward = restored().filter((line) => line.startsWith("-A OWUI-FORWARD"));
    expect(forward.slice(0, 2)).toEqual([
      "-A OWUI-FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN",
      "-A OWUI-FORWARD -j OWUI-ALLOW",
    ]);
    expect(forward.filter((line) => line.includes("REJECT")).map((line) => line.split(" ")[3])).toEqual([
      "10.0.0.0/8",
      "172.16.0.0/12",
      "192.168.0.0/16",
      "169.254.0.0/16",
      "100.64.0.0/10",
    ]);
  });

  it("refuses everything on the host itself", () => {
    run();
    expect(
      restored()
        .filter((line) => line.startsWith("-A OWUI-INPUT"))
        .at(-1),
    ).toBe("-A OWUI-INPUT -j REJECT --reject-with icmp-admin-prohibited");
  });

  it("replaces all chains in one commit and calls them from the engine's and the host's", () => {
    run();
    expect(restored().at(-1)).toBe("COMMIT");
    const calls = readFileSync(join(host.root, "calls"), "utf8");
    expect(calls).toContain("-I DOCKER-USER 1 -i owt+ -j OWUI-FORWARD");
    expect(calls).toContain("-I INPUT 1 -i owt+ -j OWUI-INPUT");
    expect(calls).toContain("-A OWUI-ALLOW -j OWUI-01234567");
  });
});
