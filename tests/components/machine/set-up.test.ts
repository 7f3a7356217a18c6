import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { shellLine } from "../../../components/host/shell.ts";
import { setUp, setUpVariables } from "../../../components/machine/set-up.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG3dCDFQRxLWQ2UAMCPt0yzZhAizdLBtvQ0+AMGxIqPt ann@example";

describe("what set-up-host.sh is told", () => {
  test("without more than operators: a host on its own disk whose agent nobody reaches", () => {
    expect(setUpVariables({ keys: [key, key], addresses: ["203.0.113.7/32", "2001:db8::/48"] })).toEqual({
      OPERATOR_KEYS: `${key}\n${key}`,
      OPERATOR_ADDRESSES: "203.0.113.7/32 2001:db8::/48",
      WEB_ADDRESSES: "0.0.0.0/0 ::/0",
      AGENT_PORT: 8050,
      AGENT_FROM: "",
      DATA_ROOT: "/srv/fleet",
      VOLUME: "",
      SWAP: 2147483648,
      REBOOT_TIME: "04:00",
    });
  });

  test("everything that an entry may say", () => {
    const variables = setUpVariables({
      ...{
        keys: [key],
        addresses: ["203.0.113.7"],
        web: ["198.51.100.0/24"],
        root: "/srv/data",
        volume: "staging-a",
      },
      ...{ agent: { port: 8051, from: ["10.0.0.2", "10.0.0.3"] }, swap: 0, rebootAt: "23:30" },
    });
    expect(variables).toMatchObject({
      ...{ WEB_ADDRESSES: "198.51.100.0/24", AGENT_PORT: 8051, AGENT_FROM: "10.0.0.2 10.0.0.3" },
      ...{ DATA_ROOT: "/srv/data", VOLUME: "staging-a", SWAP: 0, REBOOT_TIME: "23:30" },
    });
  });
});

describe("set-up-host.sh", () => {
  const good = setUp({ keys: [key], addresses: ["203.0.113.7/32"] });
  /** Only ever with something wrong: it would set up the machine the tests run on. */
  const refused = (changes: Record<string, string>) => {
    const variables = { ...good.variables, ...changes, MODE: "nothing" };
    const { status, stdout, stderr } = spawnSync("sh", ["-c", shellLine([{ ...good, variables }])], {
      encoding: "utf8",
    });
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    return stderr.split("\n").filter((line) => line.startsWith("  ") && !line.includes("the machine "));
  };

  test("says every problem at once, and changes nothing", () => {
    const problems = refused({ OPERATOR_KEYS: "ssh-ed25519 nonsense", SWAP: "2GB", REBOOT_TIME: "24:00" });
    expect(problems).toEqual([
      `  MODE is "nothing", neither apply nor check`,
      `  OPERATOR_KEYS holds "ssh-ed25519 nonsense", which is no public key`,
      `  SWAP is "2GB", which is no number of bytes`,
      `  REBOOT_TIME is "24:00", which is no HH:MM`,
    ]);
  });

  test.each([
    ["OPERATOR_KEYS", "", "nobody could sign in"],
    ["OPERATOR_KEYS", `command="sh" ${key}`, "which is no public key"],
    ["OPERATOR_KEYS", `${key}\n`, `holds "", which is no public key`],
    ["OPERATOR_ADDRESSES", "", "nobody could reach port 22"],
    ["OPERATOR_ADDRESSES", "203.0.113.7 0.0.0.0/0", "never open to the world"],
    ["OPERATOR_ADDRESSES", "::/0", "never open to the world"],
    ["OPERATOR_ADDRESSES", "203.0.113.256", "no range of addresses"],
    ["OPERATOR_ADDRESSES", "203.0.113.7/33", "no range of addresses"],
    ["OPERATOR_ADDRESSES", "office.example", "no range of addresses"],
    ["WEB_ADDRESSES", "1.2.3.4};", "no range of addresses"],
    ["AGENT_FROM", "10.0.0.2,10.0.0.3", "no range of addresses"],
    ["AGENT_PORT", "0", "no port"],
    ["AGENT_PORT", "", "no port"],
    ["AGENT_PORT", "8050 9443;", "no port"],
    ["AGENT_PORT", "70000", "no port"],
    ["DATA_ROOT", "/", "no absolute path"],
    ["DATA_ROOT", "/etc", "no absolute path"],
    ["DATA_ROOT", "/srv/../etc", "no absolute path"],
    ["DATA_ROOT", "/srv/a b", "no absolute path"],
    ["VOLUME", "../sda", "no volume's name"],
    ["VOLUME", "Data", "no volume's name"],
  ])("%s=%s is refused", (name, value, words) => {
    const problems = refused({ [name]: value });
    expect(problems).toHaveLength(2);
    expect(problems[1]).toContain(words);
  });

  test("a variable that is missing is named", () => {
    const { SWAP: _, ...variables } = good.variables;
    const { status, stderr } = spawnSync("sh", ["-c", shellLine([{ ...good, variables }])], {
      encoding: "utf8",
    });
    expect(status).toBe(2);
    expect(stderr).toContain("SWAP is not set");
  });
});
