import { createCipheriv, randomBytes } from "node:crypto";
import type { FilePosition, PageView } from "./page-view.ts";

/** Bytes of a group's tag. */
export const TAG_BYTES = 16;

/**
 * Tags groups of pages: GMAC, three times as fast as sha256 here. With a secret random key two different contents have
 * the same tag with a chance of 2^-115, whoever chose them; the tags and the key never leave the agent's state, which is
 * also why one nonce is enough: nobody sees a tag to learn from.
 */
export class GroupTagger {
  /** In hex. */
  readonly key: string;
  readonly #key: Buffer;
  static readonly #nonce = Buffer.alloc(12);

  constructor(key = randomBytes(16).toString("hex")) {
    this.key = key;
    this.#key = Buffer.from(key, "hex");
  }

  tag(bytes: Buffer): Buffer {
    const mac = createCipheriv("aes-128-gcm", this.#key, GroupTagger.#nonce).setAAD(bytes);
    mac.final();
    return mac.getAuthTag();
  }
}

/** The pages of an earlier snapshot, as far as they are needed to tell which of them changed. */
export interface EarlierPages {
  position: FilePosition;
  pageSize: number;
  usable: number;
  pages: number;
  key: string;
  tags: Buffer;
}

/** Which pages of a snapshot may differ from those of an earlier one, and the tags for the next one. */
export interface PageChanges {
  /** Per page number 1 for a page that may have changed; pages that are new count as changed. */
  changed: Uint8Array;
  tags: Buffer;
  key: string;
  /** Per page number its first four bytes, where all pages were read. */
  heads: Uint32Array | undefined;
}

/**
 * Finds the pages that changed.
 *
 * By the -wal alone, where it continues the one of the earlier snapshot (same file, same salt, the frame reached then
 * has the same running checksum) and the database file was not written since. Then every page whose contents differ has
 * a frame behind that position: a commit writes all its pages there; frames that were committed are not overwritten
 * before the salt changes; and no other way leads to a page, since the file is written by checkpoints only, which bring
 * it what the frames say already. VACUUM, dropped tables and shrinking files are commits like others. A file put in
 * the place of another has other stamps.
 *
 * Else by reading all pages and comparing the tags of their groups.
 */
export function findPageChanges(view: PageView, earlier: EarlierPages | undefined): PageChanges {
  const same = earlier && earlier.pageSize === view.pageSize && earlier.usable === view.usable;
  if (!same) return compareTags(view, undefined);
  const continued = view.since && earlier.position.database === view.position.database;
  return continued && view.since ? takeFrames(view, earlier, view.since) : compareTags(view, earlier);
}

/** The pages of the given frames, and those that the earlier snapshot did not have. */
function takeFrames(view: PageView, earlier: EarlierPages, written: ReadonlySet<number>): PageChanges {
  const { pages, pagesPerGroup, groups } = view;
  const changed = new Uint8Array(pages + 1);
  for (const page of written) if (page <= pages) changed[page] = 1;
  if (pages > earlier.pages) changed.fill(1, earlier.pages + 1);
  const stale = new Set<number>();
  for (const page of written) if (page <= pages) stale.add(Math.floor((page - 1) / pagesPerGroup));
  if (pages !== earlier.pages)
    for (
      let group = Math.floor((Math.min(pages, earlier.pages) - 1) / pagesPerGroup);
      group < groups;
      group++
    )
      stale.add(group);
  const tags = Buffer.alloc(groups * TAG_BYTES);
  earlier.tags.copy(tags);
  const tagger = new GroupTagger(earlier.key);
  for (const group of stale) tagger.tag(view.readGroup(group)).copy(tags, group * TAG_BYTES);
  return { changed, tags, key: earlier.key, heads: undefined };
}

/** The pages of the groups whose tags differ. */
function compareTags(view: PageView, earlier: EarlierPages | undefined): PageChanges {
  const { pages, pageSize, pagesPerGroup, groups } = view;
  const tagger = new GroupTagger(earlier?.key);
  const changed = new Uint8Array(pages + 1);
  const heads = new Uint32Array(pages + 1);
  const tags = Buffer.allocUnsafe(groups * TAG_BYTES);
  for (let group = 0; group < groups; group++) {
    const bytes = view.readGroup(group);
    const at = group * TAG_BYTES;
    const first = group * pagesPerGroup + 1;
    tagger.tag(bytes).copy(tags, at);
    const known = earlier && earlier.tags.length >= at + TAG_BYTES;
    if (!known || tags.compare(earlier.tags, at, at + TAG_BYTES, at, at + TAG_BYTES) !== 0)
      changed.fill(1, first, first + bytes.length / pageSize);
    for (let page = first, head = 0; head < bytes.length; page++, head += pageSize)
      heads[page] = bytes.readUInt32BE(head);
  }
  return { changed, tags, key: tagger.key, heads };
}
