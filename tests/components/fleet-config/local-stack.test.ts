import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { parseFleet } from "../../../components/fleet-config.ts";
import { repository, where } from "./config.ts";

const file = readFileSync(resolve(repository, "Pulumi.local.yaml"), "utf8");

test("Pulumi.local.yaml declares a branded and a plain tenant", () => {
  const { tenants } = parseFleet("local", parse(file).config, where);
  expect(tenants.map(({ id, branding, sync }) => [id, branding?.name, sync.interval])).toEqual([
    ["acme", "Acme AI", 60],
    ["globex", undefined, 60],
  ]);
});

test("its third tenant works once the comment signs are removed", () => {
  const uncommented = file.replace(/^ {4}# (?= *initech:)[\s\S]*?(?=\n\n)/m, (entry) =>
    entry.replace(/^ {4}# /gm, "    "),
  );
  const { tenants } = parseFleet("local", parse(uncommented).config, where);
  expect(tenants.at(-1)).toMatchObject({
    id: "initech",
    connections: [{ url: "http://10.1.2.3:8000/v1", key: "" }],
    environment: { ENABLE_COMMUNITY_SHARING: "false" },
  });
});
