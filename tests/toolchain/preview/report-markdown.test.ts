import { describe, expect, it } from "vitest";
import type { Report } from "../../../toolchain/preview/change.ts";
import { markOf, reportMarkdown } from "../../../toolchain/preview/report-markdown.ts";
import { reportText } from "../../../toolchain/preview/report-text.ts";
import { reportOf } from "./events.ts";

const empty: Report = {
  about: "preview",
  stack: "prod",
  subjects: [],
  risk: "none",
  counts: { same: 63 },
  policies: { checked: ["a", "b"], violations: [] },
  errors: [],
  diff: "",
  sum: "Nothing would change: 63 unchanged.",
};

const hostile = [
  "</details><script>alert(1)</script>",
  "![x](http://evil.example/x.png)",
  "[x](javascript:x)",
  "@octocat",
  "@acme/team",
  "#1",
  "GH-1",
  "a|b",
  "`x`",
  "**x**",
  "<!--",
  "{{secrets.X}}",
  "http://evil.example",
  "www.evil.example",
  "\n\n# heading",
  "\u001b[31mred",
  "\u202egnp.exe",
  "\u200b",
];

/** What steers a terminal or is not seen. */
const unseen = /\p{Cc}|\p{Cf}/u;

/** The parts of a comment that GitHub reads as markup: all but fences and code. */
const markup = (markdown: string) =>
  markdown.replaceAll(/^(`{3,})text\n[\s\S]*?\n\1`*$/gm, "").replaceAll(/<code>[^<]*<\/code>/g, "");

describe("a comment", () => {
  it("begins with what it is found by again", () => {
    expect(reportMarkdown(empty)).toMatch(/^<!-- preview of stack prod -->\n/);
    expect(markOf("preview", "prod")).not.toBe(markOf("drift", "prod"));
  });

  it("says in its headline that nothing changes, how risky a change is, or STOP", () => {
    const headline = (report: Report) => /^## .*$/m.exec(reportMarkdown(report))?.[0];
    expect(headline(empty)).toBe("## prod: nothing would change (63 resources unchanged)");
    expect(headline(reportOf("settings"))).toBe("## previewed: 1 change, risk: **restart**");
    expect(headline(reportOf("downgrade"))).toBe("## previewed: 2 changes, risk: **data**, **STOP**");
    expect(headline({ ...empty, errors: ["x"] })).toBe("## prod: the preview did not get through");
  });

  it("tells a drift from a preview, and one that is none by a mark of its own", () => {
    const drift = reportMarkdown({ ...reportOf("settings"), about: "drift" });
    expect(drift).toMatch(
      /^<!-- drift of stack previewed -->\n\n## previewed: 1 change to put right, risk: /,
    );
    const none = reportMarkdown({ ...empty, about: "drift" });
    expect(none).toMatch(
      /^<!-- drift of stack prod -->\n<!-- nothing differs -->\n\n## prod: nothing differs /,
    );
    for (const errors of [["x"]]) {
      expect(reportMarkdown({ ...empty, about: "drift", errors })).not.toContain("nothing differs");
    }
  });

  it("has a row for each change and every resource folded below", () => {
    const text = reportMarkdown(reportOf("settings"));
    expect(text).toContain("| its users, about 30 s | **restart** |");
    expect(text).toMatch(/<details>.*\n\n```text\n {2}Tenant globex\n[\s\S]*```\n\n<\/details>/);
    expect(text).toContain(
      "    ± globex-container: cpus 1 → 2, labels, memory 1335 → 1431, memorySwap 1335 → 1431",
    );
  });

  it("shows what a policy found", () => {
    const violation = {
      policy: "tenant-isolated",
      level: "mandatory" as const,
      resource: "acme-container",
      message: "has no memory limit",
    };
    const text = reportMarkdown({ ...empty, policies: { checked: ["a"], violations: [violation] } });
    expect(text).toContain("- **mandatory** tenant-isolated, acme-container: has no memory limit");
    expect(text).toContain("**STOP**");
  });

  it.each(hostile)("takes %j for text, wherever it stands", (name) => {
    const change = { text: `called ${name} now`, risk: "data" as const, stop: true };
    const text = reportMarkdown({
      ...empty,
      subjects: [{ kind: "tenant", id: name, host: name, changes: [change] }],
      policies: {
        checked: [name],
        violations: [{ policy: name, level: "mandatory", resource: name, message: name }],
      },
      errors: [name],
      diff: `    ~ ${name}\n\`\`\`\`\n`,
    });
    const outside = markup(text)
      .replace(/^<!-- preview of stack prod -->/, "")
      .replace("<details><summary>Every resource that changes</summary>", "")
      .replace("</details>", "");
    for (const word of name.split(/\s+/).filter((word) => /..*[^\p{L}]|[^\p{L}]./u.test(word))) {
      expect(outside).not.toContain(word);
    }
    expect(outside).not.toMatch(/^# |```/m);
    expect(text.replaceAll("\n", "")).not.toMatch(unseen);
  });

  it("keeps names that the real engine was given as they are, as text", () => {
    const text = reportMarkdown(reportOf("hostile"));
    expect(text).toContain('+WEBUI_NAME=Acme </code> & "Co" <b>');
    expect(markup(text)).not.toContain("<b>");
  });

  it("stays below what GitHub takes, and says what it left out", () => {
    const changes = Array.from({ length: 3_000 }, (_, n) => ({
      text: `restart: variable_${n}`,
      risk: "restart" as const,
    }));
    const subjects = [{ kind: "tenant" as const, id: "acme", changes }];
    const text = reportMarkdown({ ...empty, subjects, diff: "    ~ x\n".repeat(50_000) });
    expect(text.length).toBeLessThan(65_536);
    expect(text).toMatch(/\d+ more changes are not shown here/);
    expect(text).toContain("… cut: `npm run preview` shows all");
    expect(text.trimEnd()).toMatch(/```\n\n<\/details>$/);
  });
});

describe("a terminal", () => {
  it.each(hostile)("is not steered by %j", (name) => {
    const text = reportText({
      ...empty,
      subjects: [{ kind: "tenant", id: name, changes: [{ text: name, risk: "none" }] }],
      errors: [name],
    });
    expect(text.replaceAll("\n", "")).not.toMatch(unseen);
    expect(text).not.toMatch(/^# heading/m);
  });

  it("shows words first, then every resource, then the sum", () => {
    expect(reportText(reportOf("tenant-stopped"))).toMatch(
      /^ {2}tenant globex on local\n {4}stopped: .* \[its users, until it is declared again\] \[risk: outage\]\n[\s\S]*Resource by resource:\n\n {2}Tenant globex\n[\s\S]*\n\n6 to remove, 93 unchanged\.$/,
    );
  });
});
