import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  anonymousBytes,
  bytesRead,
  memoryNow,
  processorSeconds,
  sharedBelow,
  sharedBytes,
} from "../../../bench/replicate/process-usage.ts";

test("a process' processor seconds are its own and those of children it has waited for, user and system", () => {
  const stat = "42 (node ) S 1 2 3) S 1 42 42 0 -1 4194304 100 0 0 0 150 50 30 20 20 0 11 0 900 1 2";
  expect(processorSeconds(stat)).toBeCloseTo(2.5);
});

test("anonymous memory and bytes read are found in what the kernel prints", () => {
  expect(anonymousBytes("VmRSS:\t  900 kB\nRssAnon:\t    1024 kB\nRssFile:\t 5 kB\n")).toBe(1024 * 1024);
  expect(anonymousBytes("State:\tZ (zombie)\n")).toBe(0);
  expect(sharedBytes("Rss:  9 kB\nPss_Anon:  7 kB\nPss_Shmem:\t  2 kB\n")).toBe(2048);
  expect(bytesRead("rchar: 4096\nwchar: 1\nread_bytes: 0\n")).toBe(4096);
  expect(bytesRead("")).toBeNaN();
});

test("the kernel prints them like this", () => {
  expect(processorSeconds(readFileSync("/proc/self/stat", "utf8"))).toBeGreaterThan(0);
  expect(bytesRead(readFileSync("/proc/self/io", "utf8"))).toBeGreaterThan(0);
  expect(memoryNow(process.pid, process.pid).node).toBeGreaterThan(1_000_000);
  expect(sharedBelow(process.pid)).toBeGreaterThanOrEqual(0);
});
