import { expect, test } from "vitest";
import { changesText, securityText } from "../../../fleet/commands/host-text.ts";

test("what a set-up would change is a line each, and a host that was not reached says why", () => {
  const hosts = [
    { host: "fra1-a", changes: [] },
    { host: "fra1-b", changes: ["load the firewall", "start fail2ban.service"] },
    { host: "old", changes: null, failure: "it cannot be reached: Connection timed out" },
  ];
  expect(changesText(hosts, ["here"], "check")).toBe(`fra1-a: as it should be
fra1-b: the set-up would
  load the firewall
  start fail2ban.service
old: NOT known: it cannot be reached: Connection timed out
here: this machine, which the fleet does not set up`);
  expect(changesText(hosts.slice(1, 2), [], "repair")).toBe(
    "fra1-b: the set-up did\n  load the firewall\n  start fail2ban.service",
  );
});

test("what is bad stands out, and its remedy below", () => {
  const findings = [
    {
      check: "firewall",
      state: "bad",
      found: "not loaded",
      remedy: "`npm run host -- repair` sets it right",
    },
    { check: "disk", state: "good", found: "41 % full" },
    { check: "fail2ban", state: "unknown", found: "could not be found out" },
  ] as const;
  expect(securityText([{ host: "fra1-a", findings: [...findings] }])).toBe(`fra1-a
firewall   BAD       not loaded
disk       good      41 % full
fail2ban   unknown   could not be found out

to do:
  firewall: \`npm run host -- repair\` sets it right`);
});
