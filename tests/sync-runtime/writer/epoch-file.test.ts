import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { EpochFile } from "../../../sync-runtime/writer/epoch-file.ts";

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "state-"));
});
afterEach(() => rmSync(state, { recursive: true }));

it("is 0 before the first, and what was raised last after that, tenant by tenant", async () => {
  const [acme, other] = [new EpochFile(state, "acme"), new EpochFile(state, "other")];
  expect(await acme.read()).toBe(0n);
  await acme.raise(9_007_199_254_740_993n);
  expect(await new EpochFile(state, "acme").read()).toBe(9_007_199_254_740_993n);
  expect(await other.read()).toBe(0n);
  expect(readdirSync(state)).toEqual(["acme.epoch"]);
});

it("is an error when it is not what was written, since an older claim could write otherwise", async () => {
  writeFileSync(join(state, "acme.epoch"), "half a numb");
  await expect(new EpochFile(state, "acme").read()).rejects.toThrow();
  rmSync(join(state, "acme.epoch"));
  const elsewhere = new EpochFile(join(state, "gone"), "acme");
  await expect(elsewhere.raise(1n)).rejects.toThrow("ENOENT");
});
