import { describe, expect, test } from "vitest";
import { readFacts, securityFindings } from "../../../fleet/commands/security-findings.ts";

const now = 1_795_318_082 + 3_600;
const safe = `ssh permitrootlogin no
ssh passwordauthentication no
ssh kbdinteractiveauthentication no
firewall loaded
firewall-at-start enabled
fail2ban active 2
egress loaded enabled
updates 5 0 1795318082
unattended 1 active 04:00
reboot no
login root 1 no
login qbmgr 2 no
birth-key replaced
containers 9
disk 41
port tcp 0.0.0.0 22 sshd
port tcp 0.0.0.0 80 nginx
port tcp 10.1.0.2 5432 postgres
port udp 0.0.0.0 68 dhclient
end ok
`;
const judged = { local: false, ports: [22, 80, 443, 8050], now };
const findings = (report: string, more = {}) => {
  const facts = readFacts(report);
  if (!facts) throw new Error("the report has no end");
  return securityFindings(facts, { ...judged, ...more });
};
const of = (report: string, check: string) => findings(report).find((finding) => finding.check === check);

describe("a host's security", () => {
  test("is good in every check where everything is as the set-up leaves it", () => {
    expect(findings(safe).filter(({ state }) => state !== "good")).toEqual([]);
    expect(findings(safe).map(({ check, found }) => `${check}: ${found}`)).toEqual([
      "root sign-in: off",
      "passwords: off: keys alone sign in",
      "who signs in: qbmgr, with 2 keys",
      "host key: no other place holds it",
      "firewall: loaded, at every start too",
      "open ports: 22, 80 listen; kept in by the firewall: 5432/tcp (postgres), 68/udp (dhclient)",
      "fail2ban: active; banned now: 2",
      "patches: daily, by themselves; a restart they need is at 04:00",
      "tenants' reach: no private address, after a restart neither",
      "pending updates: 5, none of them for security",
      "restart: no patch waits for one",
      "disk: 41 % full",
    ]);
  });

  test.each([
    [
      "ssh permitrootlogin no",
      "ssh permitrootlogin without-password",
      "root sign-in",
      "allowed (without-password)",
    ],
    ["ssh passwordauthentication no", "ssh passwordauthentication yes", "passwords", "sshd takes passwords"],
    [
      "ssh kbdinteractiveauthentication no",
      "ssh kbdinteractiveauthentication yes",
      "passwords",
      "sshd takes passwords",
    ],
    ["login qbmgr 2 no", "login qbmgr 2 no\nlogin ann 1 yes", "who signs in", "qbmgr, with 2 keys; and ann"],
    ["login qbmgr 2 no\n", "", "who signs in", "qbmgr has no key"],
    ["birth-key replaced", "birth-key in-use", "host key", "the one that user-data carried is still in use"],
    ["firewall loaded", "firewall changed", "firewall", "differs from what the set-up loaded"],
    ["firewall loaded", "firewall missing", "firewall", "not loaded"],
    ["firewall-at-start enabled", "firewall-at-start no", "firewall", "loaded, but not after a restart"],
    [
      "firewall loaded",
      "firewall missing",
      "open ports",
      "also 5432/tcp (postgres), 68/udp (dhclient), which no firewall keeps in",
    ],
    ["fail2ban active 2", "fail2ban failed unknown", "fail2ban", "is failed"],
    ["unattended 1 active", "unattended 0 active", "patches", "are not installed by themselves"],
    ["unattended 1 active", "unattended 1 inactive", "patches", "are not installed by themselves"],
    [
      "egress loaded enabled",
      "egress loaded no",
      "tenants' reach",
      "private addresses after a restart, until the next up",
    ],
    ["egress loaded enabled", "egress missing 2", "tenants' reach", "private addresses too"],
    ["updates 5 0", "updates 5 3", "pending updates", "5, 3 of them for security"],
    ["updates 5 0 1795318082", "updates 0 0 1794318082", "pending updates", "not asked for since 11 days"],
    ["reboot no", "reboot required", "restart", "a patch waits for one"],
    ["disk 41", "disk 86", "disk", "86 % full"],
  ])("%s that is rather %s is bad, and has a remedy", (was, is, check, found) => {
    const finding = of(safe.replace(was, is), check);
    expect(finding).toMatchObject({ state: "bad", found });
    expect(finding?.remedy).toMatch(/./);
  });

  test("is unknown where a fact is missing, never good", () => {
    const states = findings("end ok\n").map(({ check, state }) => [check, state]);
    expect(states.filter(([, state]) => state === "good")).toEqual([]);
  });

  test("of a report that was cut off is not judged", () => {
    expect(readFacts(safe.replace("end ok\n", ""))).toBeUndefined();
    expect(readFacts("")).toBeUndefined();
  });

  test("of this machine is what is the fleet's on it", () => {
    expect(findings(safe, { local: true }).map(({ check }) => check)).toEqual([
      ...["tenants' reach", "pending updates", "restart", "disk"],
    ]);
  });
});
