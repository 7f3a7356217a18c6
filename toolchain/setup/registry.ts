import { run } from "./child.mjs";

/** The largest image is 2 GB: 20 minutes at 1.7 MB/s. */
const whole = 20 * 60_000;
/** A registry that has not answered by then is out of reach. */
const firstWord = 10_000;

/** What became of a pull: `refused` is a registry's own answer, `unreachable` is none at all. */
export type Pull = "pulled" | "refused" | "unreachable";

/** Pulls an image, if its registry answers at all. */
export async function pull(image: string): Promise<Pull> {
  // The manifest is a few kilobytes: asking for it first tells a slow download from a dead network.
  const manifest = await run(["docker", "manifest", "inspect", image], { timeout: firstWord });
  if (manifest.code !== 0) return answered(manifest) ? "refused" : "unreachable";
  const { code } = await run(["docker", "pull", "--quiet", image], { timeout: whole });
  return code === 0 ? "pulled" : "refused";
}

/** Whether a failed request failed by the registry's word, not on the way to it. */
export const answered = ({ code, stderr }: { code: number; stderr: string }): boolean =>
  code !== 124 &&
  /manifest unknown|not found|denied|unauthorized|no such manifest|toomanyrequests/i.test(stderr);

/** The registry an image name points to; Docker's own when it names none. */
export const registryOf = (image: string): string => {
  const [first = "", ...rest] = image.split("/");
  return rest.length > 0 && /[.:]|^localhost$/.test(first) ? first : "docker.io";
};
