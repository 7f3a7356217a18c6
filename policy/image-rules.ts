import type { Container } from "./container.ts";
import { known } from "./known.ts";

/** An image by what it holds: its id, a digest, or a tag that is made from its content. */
const byContent =
  /^sha256:[0-9a-f]{6,64}$|@sha256:[0-9a-f]{64}$|^owui-sync-runtime:[0-9a-f]{16}$|^owui-backup:[0-9a-f]{16}-(plain|ssh)(-postgres\d+)?$/;

/** A container runs the image that was looked at, whatever its name means tomorrow. */
export function imageByContent(container: Container): string[] {
  const image = known(() => container.image);
  return image === undefined || byContent.test(image)
    ? []
    : [
        `The container runs ${image}, a name that may mean another image tomorrow. Name the image by its id or its digest.`,
      ];
}

/**
 * An upstream image that a registry is asked for; a tag there is whatever its owner makes it.
 * @param built names of images that were built here, where no registry serves them: they have no digest to ask for
 */
export const imageByDigest = (name: string, built: readonly string[] = []): string[] =>
  built.includes(name) || /@sha256:[0-9a-f]{64}$/.test(name)
    ? []
    : [
        `${name} is asked for by its tag, which its owner may give to another image. Append its digest: ${name}@sha256:…`,
      ];
