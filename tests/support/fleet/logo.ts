/** A logo of one colour as a user may bring it: an SVG that is not square. */
export const logo = (colour: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 80">
  <rect width="120" height="80" rx="12" fill="${colour}"/>
  <circle cx="60" cy="40" r="22" fill="#fff"/>
</svg>
`;

/** The files Open WebUI serves below /static that show whose it is. */
export const brandFiles = [
  "favicon.png",
  "favicon-96x96.png",
  "favicon.svg",
  "favicon.ico",
  "apple-touch-icon.png",
  "logo.png",
  "splash.png",
  "splash-dark.png",
  "web-app-manifest-192x192.png",
  "web-app-manifest-512x512.png",
];
