import fc from "fast-check";
import { expect, test } from "vitest";
import { subnet } from "../../../components/fleet-config/network-address.ts";
import {
  bridgeOf,
  nextPort,
  nextSubnet,
  portOf,
  subnetOf,
  tenantPorts,
} from "../../../components/fleet-config/placement.ts";

test("a tenant's port lies in the tenants' range, whatever its name", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (stack, tenant) => {
      expect(portOf(stack, tenant)).toBeGreaterThanOrEqual(tenantPorts.first);
      expect(portOf(stack, tenant)).toBeLessThanOrEqual(tenantPorts.last);
    }),
  );
});

test("a tenant's subnet, and the one after it, is one an entry may name", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (stack, tenant) => {
      expect(subnet().safeParse(subnetOf(stack, tenant)).success).toBe(true);
      expect(subnet().safeParse(nextSubnet(subnetOf(stack, tenant))).success).toBe(true);
    }),
  );
});

test("placement never changes between releases: running tenants would move", () => {
  expect([portOf("local", "acme"), subnetOf("local", "acme"), bridgeOf("local", "acme")]).toEqual([
    17_249,
    "10.168.176.128/28",
    "owt3b6f6eac",
  ]);
});

test("the same tenant of two stacks has two places, its bridge short enough for Linux", () => {
  expect(portOf("staging", "acme")).not.toBe(portOf("local", "acme"));
  expect(subnetOf("staging", "acme")).not.toBe(subnetOf("local", "acme"));
  expect(bridgeOf("staging", "acme")).not.toBe(bridgeOf("local", "acme"));
  expect(bridgeOf("staging", "acme")).toMatch(/^owt[0-9a-f]{8}$/);
});

test("after the last port comes the first, after the last subnet the first", () => {
  expect(nextPort(32_000, tenantPorts)).toBe(10_000);
  expect(nextPort(9_443, tenantPorts)).toBe(10_000);
  expect(nextPort(15_432, tenantPorts)).toBe(15_433);
  expect(nextSubnet("10.255.255.240/28")).toBe("10.128.0.0/28");
  expect(nextSubnet("10.128.255.240/28")).toBe("10.129.0.0/28");
});
