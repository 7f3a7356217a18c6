/** Part of what the branding command is keyed by: raise it when the rendering changes. */
export const rendererVersion = 1;

/** Where upstream keeps the files it serves, copied over its own static folder at every start. */
const buildStatic = "/app/build/static";

/** How one image is made from the logo: its edge in pixels and how much of it the logo fills. */
export interface BrandImage {
  edge: number;
  /** 1: to the edge. Maskable icons keep a margin, since platforms cut them round. */
  fill: number;
  /** Without one the image stays transparent. */
  background?: string;
}

/** Every PNG Open WebUI serves as its own, in the size upstream's has. */
export const brandImages: Readonly<Record<string, BrandImage>> = {
  "favicon.png": { edge: 512, fill: 1 },
  "favicon-96x96.png": { edge: 96, fill: 1 },
  // iOS fills transparency with black.
  "apple-touch-icon.png": { edge: 180, fill: 0.8, background: "#ffffff" },
  "logo.png": { edge: 500, fill: 1 },
  "splash.png": { edge: 500, fill: 1 },
  "splash-dark.png": { edge: 500, fill: 1 },
  "web-app-manifest-192x192.png": { edge: 192, fill: 0.8, background: "#ffffff" },
  "web-app-manifest-512x512.png": { edge: 512, fill: 0.8, background: "#ffffff" },
};

/** All files of a brand, as they lie in a tenant's branding directory. */
export const brandFiles: readonly string[] = [
  ...Object.keys(brandImages),
  "favicon.ico",
  "favicon.svg",
  "site.webmanifest",
];

/** What a tenant's container serves in place of upstream's: file of the brand and path in the container. */
export const brandTargets: readonly { file: string; target: string }[] = [
  ...brandFiles.map((file) => ({ file, target: `${buildStatic}/${file}` })),
  { file: "favicon.png", target: "/app/build/favicon.png" },
];
