import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { inPieces, registryText } from "../../../sync-runtime/node/metric-text.ts";

describe("pieces", () => {
  const lines = Array.from({ length: 5_000 }, (_, nth) => `line ${nth}\n`);

  test("are the lines, none left out, none twice", () => {
    expect([...inPieces(lines)].join("")).toBe(lines.join(""));
  });

  test("are small, and only the last is short", () => {
    const sizes = [...inPieces(lines)].map(({ length }) => length);
    expect(sizes.length).toBeGreaterThan(2);
    for (const size of sizes) expect(size).toBeLessThan(17_000);
    for (const size of sizes.slice(0, -1)) expect(size).toBeGreaterThan(16_000);
  });

  test("are made one by one, as they are taken", () => {
    let made = 0;
    const counted = function* () {
      for (const line of lines) {
        made += 1;
        yield line;
      }
    };
    inPieces(counted()).next();
    expect(made).toBeLessThan(2_500);
  });

  test("of nothing are none", () => {
    expect([...inPieces([])]).toEqual([]);
  });
});

test("a registry's text is prom-client's own, whatever labels hold", async () => {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({ name: "bare", help: "No labels", registers }).set(1.5);
  new Gauge({ name: "none", help: "No values", labelNames: ["a"], registers });
  const counter = new Counter({
    name: "counted_total",
    help: "Two labels",
    labelNames: ["a", "b"],
    registers,
  });
  counter.inc({ a: 'a"b\\c\nd', b: "é" }, 3);
  counter.inc({ a: "", b: "2" });
  new Histogram({ name: "took", help: "Buckets", labelNames: ["a"], buckets: [1, 2], registers }).observe(
    { a: "x" },
    1.5,
  );
  new Gauge({
    name: "collected",
    help: "Read with every scrape",
    registers,
    async collect() {
      this.set(7);
    },
  });
  const pieces: string[] = [];
  for await (const piece of registryText(registry)) pieces.push(piece);
  // Between two metrics prom-client leaves a line empty.
  expect(pieces.join("")).toBe((await registry.metrics()).replaceAll("\n\n", "\n"));
});
