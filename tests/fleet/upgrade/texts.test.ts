import { describe, expect, it } from "vitest";
import { keptText } from "../../../fleet/commands/rollback.ts";
import { failureOf, standText, upgradedText } from "../../../fleet/commands/upgrade.ts";
import { BusyError } from "../../../fleet/exit-code.ts";
import type { AsideRecord } from "../../../fleet/on-host/tenant-version.ts";
import { wrongVersion } from "../../../fleet/upgrade/rehearse.ts";
import type { ChangeRequest } from "../../../fleet/upgrade/request.ts";
import { rollbackText, upgradeText } from "../../../fleet/upgrade/saga.ts";
import { mustReturn } from "../../../fleet/upgrade/switch.ts";
import { type Release, releaseOf } from "../../../fleet/upgrade/version.ts";

const side = (version: string) => ({
  version,
  image: `ghcr.io/open-webui/open-webui:${version}`,
  written: version,
});
const request: ChangeRequest = {
  ...{ from: side("v0.9.6"), to: side("v0.11.3"), put: null, since: null, yes: false, acceptLosses: true },
};

describe("what an operator decides on", () => {
  const rehearsal = {
    ...{ version: "0.11.3", bytes: 12_300_000, copySeconds: 0.4, startSeconds: 14.2, tables: 43 },
    ...{ losses: [], expectedSeconds: 18 },
  };

  it("has what the rehearsal saw, and how long users will wait", () => {
    const text = upgradeText("acme", request, { rehearsal });
    expect(text).toContain("acme goes from v0.9.6 to v0.11.3");
    expect(text).toContain("(12.3 MB) the new version answered after 14.2 s");
    expect(text).toContain("43 tables, no row lost");
    expect(text).toContain("wait for about 18 s");
  });

  it("names rows that will be lost", () => {
    const losses = [{ table: "document", before: 2, after: null }];
    expect(upgradeText("acme", request, { rehearsal: { ...rehearsal, losses } })).toContain(
      "it loses rows: document is gone, with 2 rows",
    );
  });

  it("has for a rollback what was written since, by table", () => {
    const back = {
      ...request,
      from: side("v0.11.3"),
      to: side("v0.9.6"),
      put: "data.before-7",
      since: 1_790_000_000,
    };
    expect(rollbackText("acme", back, { chat: 2, message: 30 })).toMatch(
      /back from v0\.11\.3 to v0\.9\.6, with its database of 2026-\S+Z\.\n.*chat 2, message 30\.\n.*set aside/,
    );
    expect(rollbackText("acme", back, {})).toContain("Nothing was written since");
  });
});

describe("what came of it", () => {
  const upgraded = {
    ...{ tenant: "acme", operation: "7", from: "v0.9.6", to: "v0.11.3" },
    ...{ downtimeSeconds: 17.4, expectedSeconds: 18 },
  };

  it("is said with how long it was away, and how to go back", () => {
    expect(upgradedText(upgraded)).toBe(
      "acme runs v0.11.3 now; it was away for 17.4 s (expected: 18 s). Its database of v0.9.6 is kept: npx fleet rollback acme (operation 7).",
    );
    expect(upgradedText({ ...upgraded, downtimeSeconds: null })).toContain("nobody measured");
  });

  it("says of a fleet who is on what, where it was stopped", () => {
    const fleet = {
      tenants: ["acme", "globex", "initech"].map((id) => ({
        ...{ id, image: "ghcr.io/open-webui/open-webui:v0.9.6" },
      })),
    } as unknown as Parameters<typeof standText>[2]["fleet"];
    const job = (tenant: string) => ({ tenant, hops: [] });
    const turns = {
      ...{ done: [job("acme")], left: [job("initech")] },
      failed: [{ one: job("globex"), error: new Error("no") }],
    };
    const text = standText(turns, [upgraded], { fleet }, releaseOf("v0.11.3") as Release);
    expect(text).toMatch(
      /acme +v0\.11\.3 +done\nglobex +v0\.9\.6 +FAILED: see above\ninitech +v0\.9\.6 +not begun/,
    );
  });

  it("fails as busy where tenants were only refused because somebody else works on them", () => {
    const failed = (...errors: Error[]) => ({ failed: errors.map((error) => ({ one: "acme", error })) });
    const busy = new BusyError("restore 18 works on it");
    expect(failureOf(failed(busy, busy), ["stopped"])).toBeInstanceOf(BusyError);
    expect(failureOf(failed(busy), ["stopped"]).message).toBe("restore 18 works on it\nstopped");
    expect(failureOf(failed(busy, new Error("no")), [])).not.toBeInstanceOf(BusyError);
  });

  it("is wrong where another version answers; flavours have one number", () => {
    expect(wrongVersion("v0.11.3", "0.11.3")).toBeUndefined();
    expect(wrongVersion("v0.11.3-slim", "0.11.3")).toBeUndefined();
    expect(wrongVersion("v0.11.3", "0.9.6")).toBe("what answers is version 0.9.6 instead of v0.11.3");
    expect(wrongVersion("v0.11.3", null)).toContain("unknown");
  });
});

describe("a database that has to come back", () => {
  const standing = { image: "old", begun: true, aside: true, failed: false };

  it("is that of an upgrade once another version may have had it", () => {
    expect(mustReturn(standing, "old", false)).toBe(false);
    for (const image of ["new", ""]) expect(mustReturn({ ...standing, image }, "old", false)).toBe(true);
    // Replaced by hand before anything was set aside: there is nothing to bring back.
    expect(mustReturn({ ...standing, image: "new", aside: false }, "old", false)).toBe(false);
  });

  it("is that of a rollback as soon as its renames were begun, whichever container there is", () => {
    for (const image of ["old", "new", ""])
      for (const aside of [true, false])
        expect(mustReturn({ ...standing, image, aside }, "old", true)).toBe(true);
    expect(mustReturn({ ...standing, begun: false, aside: false }, "old", true)).toBe(false);
  });

  it("comes back once", () => {
    for (const renamed of [true, false])
      expect(mustReturn({ ...standing, image: "", failed: true }, "old", renamed)).toBe(false);
  });
});

describe("what is kept on a host", () => {
  it("is listed with where it lies, whose it is, since when", () => {
    const record: AsideRecord = {
      ...{ operation: "7", version: "v0.9.6", next: "v0.11.3", written: null },
      kind: "upgrade",
    };
    const kept = [
      { folder: "data.before-7", at: 1_790_000_000, bytes: 4_000_000, record },
      { folder: "data.failed-9", at: 1_790_000_100, bytes: 1_000_000, record: null },
    ];
    const text = keptText("acme", kept, (folder) => `/srv/${folder}`);
    expect(text).toMatch(
      /^\/srv\/data\.before-7: database of v0\.9\.6, before v0\.11\.3; set aside 2026-\S+Z, 4\.0 MB$/m,
    );
    expect(text).toContain("/srv/data.failed-9: database of a change that did not end");
    expect(keptText("acme", [], String)).toBe("Nothing of acme's is set aside.");
  });
});
