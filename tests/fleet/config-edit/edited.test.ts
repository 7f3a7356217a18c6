import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { edited, valueAt, withSalt } from "../../../fleet/config-edit/edited.ts";

const text = `# The fleet.
config:
  hosts:   # machines
      local: # this machine
          kind: local
          http: {address: 127.0.0.1,   port: 8080}

  tenants:
    # The first.
    acme:
      host: local
      admin: { email: "admin@acme.example" }  # no mail is sent
      sync:
        interval: 1m # how often


    globex: # the second
      host: local
      running: false
      environment:
        # Odd.
        RAG_TOP_K: '5'   # five
        TAVILY_API_KEY:
          secure: v1:old
      privateEndpoints:
      - 10.1.2.3:8000
    # The end.
`;

/** The lines that an edit took out and put in. */
function difference(after: string): { out: string[]; in: string[] } {
  const [before, now] = [text.split("\n"), after.split("\n")];
  const start = before.findIndex((line, index) => line !== now[index]);
  let tail = 0;
  while (
    before.at(-1 - tail) === now.at(-1 - tail) &&
    before.length - tail > start &&
    now.length - tail > start
  )
    tail += 1;
  return { out: before.slice(start, before.length - tail), in: now.slice(start, now.length - tail) };
}

describe("an edit of a stack's file touches nothing but its own place", () => {
  it.each<[string, string[], unknown, { out: string[]; in: string[] }]>([
    ["a new field", ["tenants", "acme", "running"], false, { out: [], in: ["      running: false"] }],
    [
      "a new mapping",
      ["tenants", "acme", "environment", "A"],
      "1",
      { out: [], in: ["      environment:", '        A: "1"'] },
    ],
    [
      "a new variable",
      ["tenants", "globex", "environment", "A"],
      "a: #b",
      { out: [], in: ['        A: "a: #b"'] },
    ],
    [
      "another value, whose comment stays",
      ["tenants", "globex", "environment", "RAG_TOP_K"],
      "6",
      { out: ["        RAG_TOP_K: '5'   # five"], in: ['        RAG_TOP_K: "6"   # five'] },
    ],
    [
      "a new ciphertext",
      ["tenants", "globex", "environment", "TAVILY_API_KEY"],
      { secure: "v1:new" },
      { out: ["          secure: v1:old"], in: ["          secure: v1:new"] },
    ],
    ["a field less", ["tenants", "globex", "running"], undefined, { out: ["      running: false"], in: [] }],
    [
      "a secret less",
      ["tenants", "globex", "environment", "TAVILY_API_KEY"],
      undefined,
      { out: ["        TAVILY_API_KEY:", "          secure: v1:old"], in: [] },
    ],
    [
      "a field in another indentation",
      ["hosts", "local", "agentPort"],
      8051,
      { out: [], in: ["          agentPort: 8051"] },
    ],
  ])("%s", (_, path, value, expected) => {
    const after = edited(text, [{ path, value }]);
    expect(difference(after)).toEqual(expected);
    expect(valueAt(after, path)).toEqual(value);
  });

  it("takes a mapping out that would be left empty, and no tenant's entry", () => {
    const path = ["tenants", "globex", "environment"];
    const after = edited(text, [
      { path: [...path, "RAG_TOP_K"], value: undefined },
      { path: [...path, "TAVILY_API_KEY"], value: undefined },
    ]);
    expect(valueAt(after, path)).toBeUndefined();
    const last = edited("config:\n  tenants:\n    acme:\n      running: false\n", [
      { path: ["tenants", "acme", "running"], value: undefined },
    ]);
    expect(parse(last)).toEqual({ config: { tenants: { acme: {} } } });
  });

  it("is none where the file says so already: not a byte changes", () => {
    const odd = text.replace("'5'", '"5"');
    expect(edited(odd, [{ path: ["tenants", "globex", "environment", "RAG_TOP_K"], value: "5" }])).toBe(odd);
    expect(edited(text, [{ path: ["tenants", "acme", "running"], value: undefined }])).toBe(text);
  });

  it("finds keys under the project's name, as Pulumi's CLI writes them, and entries that say nothing yet", () => {
    const written = "config:\n  open-webui-infrastructure:tenants:\n    acme:\n";
    const after = edited(written, [{ path: ["tenants", "acme", "running"], value: false }]);
    expect(after).toBe(`${written}      running: false\n`);
    expect(valueAt(after, ["tenants", "acme", "running"])).toBe(false);
  });

  it("means what it says in braces too, where it may take the white space with it", () => {
    const after = edited(text, [{ path: ["hosts", "local", "http", "port"], value: 80 }]);
    expect(difference(after).in).toEqual(["          http: {address: 127.0.0.1,   port: 80}"]);
    const more = edited(text, [{ path: ["tenants", "acme", "admin", "name"], value: "A. Admin" }]);
    expect(valueAt(more, ["tenants", "acme", "admin"])).toEqual({
      email: "admin@acme.example",
      name: "A. Admin",
    });
    for (const comment of text.match(/#.*/g) ?? []) expect(more).toContain(comment);
  });

  it("keeps a last line without a newline a line", () => {
    const after = edited("config:\n  tenants:\n    acme:\n      host: local", [
      { path: ["tenants", "acme", "running"], value: false },
    ]);
    expect(after).toBe("config:\n  tenants:\n    acme:\n      host: local\n      running: false\n");
  });

  it("reads back as what was set, whatever text that is, and changes nothing else", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (value) => {
        const path = ["tenants", "globex", "environment", "RAG_TOP_K"];
        const expected = parse(text);
        expected.config.tenants.globex.environment.RAG_TOP_K = value;
        const after = edited(text, [{ path, value }]);
        expect(parse(after)).toEqual(expected);
        for (const comment of ["# five", "# The end.", "# this machine"]) expect(after).toContain(comment);
      }),
      { numRuns: 30 },
    );
  });

  it("puts the salt of secrets beside the config", () => {
    const salted = withSalt(text, "v1:salt=");
    expect(salted).toBe(`${text.replace("    # The end.\n", "")}encryptionsalt: v1:salt=\n    # The end.\n`);
    expect(withSalt(salted, "v1:salt=")).toBe(salted);
  });
});
