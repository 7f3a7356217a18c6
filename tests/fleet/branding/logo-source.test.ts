import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chosenLogo, type LogoSource } from "../../../fleet/branding/logo-source.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fleet-logo-"));
});
afterEach(() => rm(folder, { recursive: true }));

const chosen = (source: LogoSource) => chosenLogo("acme", source, folder);
const image = () => sharp({ create: { width: 8, height: 8, channels: 3, background: "#0a5" } });
const file = async (name: string, content: string | Buffer) => {
  await writeFile(join(folder, name), content);
  return join(folder, name);
};

describe("a tenant's logo", () => {
  it("is named as it is where it lies in the repository", async () => {
    const logo = await chosen({ logo: "examples/logos/acme.svg" });
    expect(logo).toMatchObject({ path: "examples/logos/acme.svg" });
    expect(logo).not.toHaveProperty("companion");
  });

  it.each([
    ["png", "png"],
    ["jpeg", "jpg"],
    ["webp", "webp"],
  ] as const)(
    "of elsewhere is kept beside the config, with the ending of what it is: %s",
    async (format, ending) => {
      const content = await image().toFormat(format).toBuffer();
      const path = join(folder, "branding", `acme.${ending}`);
      const logo = await chosen({ logo: await file("logo.unknown", content) });
      expect(logo).toEqual({ content, path, companion: { path, content } });
    },
  );

  it("is drawn of letters, and kept", async () => {
    const logo = await chosen({ letters: "AC", shape: "circle", colour: "#0b63ce", typeface: "serif" });
    expect(logo?.path).toBe(join(folder, "branding/acme.svg"));
    expect(logo?.content.toString()).toContain('<circle cx="256" cy="256" r="256" fill="#0b63ce"/>');
  });

  it("is not chosen where none is named", async () => {
    expect(await chosen({})).toBeUndefined();
  });

  it("is one", async () => {
    await expect(chosen({ letters: "AC", url: "https://acme.example/logo.svg" })).rejects.toThrow(
      "Give one of --logo, --url and --letters",
    );
  });

  it("is an image that reads nothing but itself", async () => {
    const svg = (inside: string) =>
      `<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8">${inside}</svg>`;
    const wrong = {
      "text.svg": "no image",
      "empty.png": "",
      "doctype.svg": `<!DOCTYPE svg [<!ENTITY a "b">]>${svg("")}`,
      "script.svg": svg("<script>1</script>"),
      "outside.svg": svg('<image href="file:///etc/passwd"/>'),
      "animation.gif": await image().gif().toBuffer(),
    };
    for (const [name, content] of Object.entries(wrong))
      await expect(chosen({ logo: await file(name, content) }), name).rejects.toThrow(/remedy: /);
    await expect(chosen({ logo: join(folder, "missing.svg") })).rejects.toThrow("cannot be read: ENOENT");
  });
});
