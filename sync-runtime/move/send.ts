import type { BigIntStats } from "node:fs";
import { lstat } from "node:fs/promises";
import { filesDigest } from "../host/files-digest.ts";
import { type BytePath, type Entry, openFile, pathOf, stampOf, walk } from "../host/tree.ts";
import { type Frame, frameBytes } from "./frame.ts";
import { type Known, readLedger, writeLedger } from "./ledger.ts";
import { pieceAt, piecesOf, wholeDigest } from "./pieces.ts";

/** Takes a frame on its way; resolves once there is room for the next. */
export type Sink = (bytes: Buffer) => Promise<void>;

/** What is sent, and to whom. */
export interface Sending {
  tree: string;
  /** Kept beside, so that the next pass reads only what changed. */
  ledger: string;
  /** What the other side has, by the digests of its files' pieces. */
  there: ReadonlyMap<BytePath, Buffer>;
  /** Called before the bytes of a file are read, with what they are. Tests change the file there. */
  reading?: (path: BytePath) => Promise<void>;
}

/** Sends all of a folder that the other side does not have; the folder is only read. */
export async function send({ tree, ledger, there, reading }: Sending, sink: Sink): Promise<void> {
  const known = await readLedger(ledger);
  const found = new Map<BytePath, Known>();
  const digests: { path: BytePath; sha256: string }[] = [];
  let moving = 0;
  let special = 0;
  const say = (frame: Frame, payload?: Buffer) => sink(frameBytes(frame, payload));
  for await (const entry of walk(tree)) {
    if (entry.kind === "special") special += 1;
    if (entry.kind === "link") await say({ kind: "link", path: entry.path, target: entry.target });
    if (entry.kind === "directory") {
      const stat = await lstat(pathOf(tree, entry.path), { bigint: true }).catch(() => undefined);
      if (stat) await say({ kind: "directory", path: entry.path, ...ownerOf(stat) });
    }
    if (entry.kind !== "file") continue;
    const sent = await sendFile(tree, entry, { known, there, say, reading });
    if (!sent) continue;
    digests.push({ path: entry.path, sha256: wholeDigest(sent.pieces) });
    if (sent.stamp === "") moving += 1;
    else found.set(entry.path, sent);
  }
  await writeLedger(ledger, found);
  await say({ kind: "end", sha256: filesDigest(digests), moving, special });
}

interface Talk extends Pick<Sending, "there" | "reading"> {
  known: ReadonlyMap<BytePath, Known>;
  say: (frame: Frame, payload?: Buffer) => Promise<void>;
}

/** Answers what was sent of a file; undefined: it is gone. Its stamp is empty where it was written meanwhile. */
async function sendFile(
  tree: string,
  { path, stat }: Extract<Entry, { kind: "file" }>,
  { known, there, say, reading }: Talk,
): Promise<Known | undefined> {
  const before = known.get(path);
  const other = there.get(path) ?? Buffer.alloc(0);
  if (before && before.stamp === stampOf(stat) && before.pieces.equals(other)) {
    await say(headOf(path, stat));
    await say({ kind: "whole", size: Number(stat.size), digest: wholeDigest(before.pieces) });
    return before;
  }
  const file = await openFile(pathOf(tree, path));
  if (!file) return undefined;
  try {
    const opened = await file.stat({ bigint: true });
    await say(headOf(path, opened));
    await reading?.(path);
    const digests: Buffer[] = [];
    let size = 0;
    for await (const { at, bytes, digest } of piecesOf(file)) {
      if (!pieceAt(other, at)?.equals(digest)) await say({ kind: "piece", at, bytes: bytes.length }, bytes);
      digests.push(digest);
      size += bytes.length;
    }
    const pieces = Buffer.concat(digests);
    await say({ kind: "whole", size, digest: wholeDigest(pieces) });
    const still = stampOf(await file.stat({ bigint: true })) === stampOf(opened);
    return { stamp: still ? stampOf(opened) : "", pieces };
  } finally {
    await file.close();
  }
}

const headOf = (path: BytePath, stat: BigIntStats): Frame => ({
  ...{ kind: "file", path, ...ownerOf(stat) },
  modified: Number(stat.mtimeMs),
});

const ownerOf = ({ mode, uid, gid }: BigIntStats) => ({
  mode: Number(mode) & 0o7777,
  uid: Number(uid),
  gid: Number(gid),
});
