import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { scriptText } from "../../../components/host/shell.ts";
import { cloudInit, userDataLimit } from "../../../components/machine/cloud-init.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG3dCDFQRxLWQ2UAMCPt0yzZhAizdLBtvQ0+AMGxIqPt ann's";
const hostKey = { private: "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", public: "ssh-ed25519 BBBB" };
const args = { keys: [key], addresses: ["203.0.113.7/32"], hostKey };

describe("user-data", () => {
  test("is a cloud-config that carries the host key and the set-up, and runs it", () => {
    const text = cloudInit(args);
    expect(text.startsWith("#cloud-config\n")).toBe(true);
    const config = parse(text);
    expect(config.ssh_keys).toEqual({ ed25519_private: hostKey.private, ed25519_public: hostKey.public });
    expect(config.ssh_pwauth).toBe(false);
    const [file] = config.write_files;
    expect(Buffer.from(file.content, "base64")).toEqual(scriptText("set-up-host"));
    const [[, , line]] = config.runcmd;
    expect(line).toMatch(
      /^chmod 0700 \/usr\/local\/lib\/fleet && OPERATOR_KEYS='.*ann'\\''s' OPERATOR_ADDRESSES=/,
    );
    expect(line.endsWith(` sh ${file.path}`)).toBe(true);
  });

  test("names no volume and opens no agent: neither is known at first boot", () => {
    const [[, , line]] = parse(cloudInit(args)).runcmd;
    expect(line).toContain(" AGENT_FROM='' ");
    expect(line).toContain(" VOLUME='' ");
  });

  test("stays far below what the cloud takes, with a hundred operators too", () => {
    expect(Buffer.byteLength(cloudInit({ ...args, keys: Array(100).fill(key) }))).toBeLessThan(
      userDataLimit * 0.75,
    );
  });

  test("that would be too long is refused, with what makes it so", () => {
    expect(() => cloudInit({ ...args, keys: Array(1000).fill(key) })).toThrow(
      /^user-data has \d+ bytes, and the cloud takes 65536: operators\.keys is too long$/,
    );
  });
});
