import { describe, expect, it } from "vitest";
import { checkedLogo, isSvg, largestLogo } from "../../../components/branding/logo.ts";

const svg = (inside: string) =>
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">${inside}</svg>`);

describe("a logo", () => {
  it.each([
    ["plain shapes", '<rect width="9" height="9"/>'],
    ["a reference to a part of itself", '<use href="#part"/>'],
    ["a fill with a gradient of its own", '<rect fill="url(#gradient)"/>'],
    ["an embedded image", '<image href="data:image/png;base64,AAAA"/>'],
  ])("may be an SVG with %s", (_, inside) => {
    expect(checkedLogo(svg(inside))).toEqual(svg(inside));
  });

  it.each([
    ["a script", "<script>alert(1)</script>", "holds a script or foreign content"],
    ["foreign content", "<foreignObject/>", "holds a script or foreign content"],
    ["an image elsewhere", '<image href="https://example.com/x.png"/>', "refers to something outside itself"],
    ["an image beside it", "<image xlink:href='secret.png'/>", "refers to something outside itself"],
    [
      "a fill from elsewhere",
      '<rect fill="url(file:///etc/passwd)"/>',
      "has a style that refers to something outside",
    ],
    ["an imported style", "<style>@import 'x.css';</style>", "has a style that refers to something outside"],
  ])("may not be an SVG with %s", (_, inside, found) => {
    expect(() => checkedLogo(svg(inside))).toThrow(found);
  });

  it("may not declare a document type, by which a few lines become gigabytes", () => {
    const bomb = Buffer.from('<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg>&a;</svg>');
    expect(() => checkedLogo(bomb)).toThrow(
      "The logo declares a document type, through which an SVG can grow without bound or read files. " +
        "No brand file was changed. Remedy: save it as plain SVG, without <!DOCTYPE>.",
    );
  });

  it("may not be a photograph", () => {
    expect(() => checkedLogo(Buffer.alloc(largestLogo + 1))).toThrow("more than the 5242880 allowed");
  });
});

describe("what an SVG is", () => {
  it.each([
    ["text with an svg element", Buffer.from('<?xml version="1.0"?>\n<!-- c -->\n<svg >'), true],
    [
      "no PNG that mentions one",
      Buffer.concat([Buffer.from("\x89PNG", "latin1"), Buffer.from("<svg >")]),
      false,
    ],
    ["no other text", Buffer.from("<html>"), false],
  ])("is decided by content: %s", (_, content, expected) => {
    expect(isSvg(content)).toBe(expected);
  });
});
