import { constants } from "node:fs";
import {
  chmod,
  type FileHandle,
  lchown,
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  rm,
  statfs,
  symlink,
} from "node:fs/promises";
import { filesDigest } from "../host/files-digest.ts";
import { type BytePath, pathOf, readable, stampOf } from "../host/tree.ts";
import { type Frame, framesOf } from "./frame.ts";
import { type Known, readLedger, writeLedger } from "./ledger.ts";
import { MoveError } from "./move-error.ts";
import { digestsOf, PIECE_BYTES, wholeDigest } from "./pieces.ts";

/** What one pass brought. */
export interface Received {
  files: number;
  /** Of all files. */
  bytes: number;
  /** Bytes of what was sent. */
  sent: number;
  /** Over all files, as they were read back here (host/files-digest.ts). */
  sha256: string;
  /** Files that were written while they were read: another pass has to follow. */
  moving: number;
  /** Pipes, sockets and devices, which did not come along. */
  special: number;
}

/** Where it is put. */
export interface Receiving {
  tree: string;
  /** What is known of its files, beside it. */
  ledger: string;
  /** Whether nobody writes to the source any more: then one that moves is refused. */
  still: boolean;
}

/** What a disk keeps free behind a move: the application and its neighbours write, too. */
const RESERVE = 256n * 1024n * 1024n;
/** How many bytes may come before the disk is asked again. */
const ASK_AGAIN = 64 * 1024 * 1024;

/** The mode of a tenant's folders: its files inherit the agent's group. */
const FOLDER_MODE = 0o2750;
/** Neither set-user nor set-group: of files nothing but who may do what. */
const FILE_BITS = 0o777;

/** Makes a folder what its source says it is: what was sent is read back, what is gone there is removed. */
export async function receive(
  { tree, ledger, still }: Receiving,
  stream: AsyncIterable<Buffer>,
): Promise<Received> {
  const pass = new Pass(tree, await readLedger(ledger));
  try {
    let end: Extract<Frame, { kind: "end" }> | undefined;
    for await (const { frame, payload } of framesOf(stream)) {
      if (frame.kind === "end") end = frame;
      else await pass.take(frame, payload);
    }
    if (!end) throw new MoveError("stream-damaged", "What the source sends was cut off.");
    await pass.removeOthers();
    await writeLedger(ledger, pass.known);
    const { sha256 } = pass;
    if (sha256 !== end.sha256)
      throw new MoveError(
        "copy-differs",
        "What arrived is not what was read of the source: digests of all files differ.",
      );
    if (still && end.moving > 0)
      throw new MoveError(
        "source-changed",
        `${end.moving} files were written while they were read, though nothing runs on them.`,
      );
    const { files, bytes, sent } = pass;
    return { files, bytes, sent, sha256, moving: end.moving, special: end.special };
  } catch (error) {
    await pass.close();
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") throw full(error);
    throw error;
  }
}

const full = (cause?: unknown): MoveError =>
  new MoveError("no-space", "The target's disk has no room for the tenant's data.", { cause });

class Pass {
  readonly known = new Map<BytePath, Known>();
  files = 0;
  bytes = 0;
  sent = 0;
  readonly #tree: string;
  readonly #before: ReadonlyMap<BytePath, Known>;
  readonly #digests: { path: BytePath; sha256: string }[] = [];
  /** Everything the source has, by what it is; the top is a directory. */
  readonly #named = new Map<BytePath, Frame["kind"]>([["", "directory"]]);
  #at: { frame: Extract<Frame, { kind: "file" }>; file: FileHandle; written: boolean } | undefined;
  #asked = -ASK_AGAIN;

  constructor(tree: string, before: ReadonlyMap<BytePath, Known>) {
    this.#tree = tree;
    this.#before = before;
  }

  get sha256(): string {
    return filesDigest(this.#digests);
  }

  async close(): Promise<void> {
    await this.#at?.file.close().catch(() => {});
  }

  async take(frame: Exclude<Frame, { kind: "end" }>, payload: Buffer): Promise<void> {
    if (frame.kind === "piece") return this.#piece(frame, payload);
    if (frame.kind === "whole") return this.#whole(frame);
    if (this.#at) throw new MoveError("stream-damaged", "The source ends a file without saying what it is.");
    this.#name(frame.path, frame.kind);
    const path = pathOf(this.#tree, frame.path);
    const is = await lstat(path).catch(() => undefined);
    if (frame.kind === "directory") {
      if (is && !is.isDirectory()) await rm(path, { force: true });
      await mkdir(path, { recursive: true });
      await lchown(path, frame.uid, frame.gid);
      await chmod(path, FOLDER_MODE | (frame.mode & FILE_BITS));
    } else if (frame.kind === "link") {
      const target = Buffer.from(frame.target, "latin1");
      const same = is?.isSymbolicLink() && (await readlink(path, { encoding: "latin1" })) === frame.target;
      if (same) return;
      await rm(path, { recursive: true, force: true });
      await symlink(target, path);
    } else {
      if (is && !is.isFile()) await rm(path, { recursive: true, force: true });
      const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      this.#at = { frame, file: await open(path, flags, 0o640), written: false };
    }
  }

  /** Nothing lies outside of the folder, or below something that is no folder. */
  #name(path: BytePath, kind: Frame["kind"]): void {
    const parts = path.split("/");
    const fine = parts.every((part) => part !== "" && part !== "." && part !== ".." && !part.includes("\0"));
    const parent = parts.slice(0, -1).join("/");
    if (!fine || this.#named.get(parent) !== "directory" || this.#named.has(path))
      throw new MoveError("stream-damaged", `The source names ${readable(path)}, which cannot be there.`);
    this.#named.set(path, kind);
  }

  async #piece({ at }: Extract<Frame, { kind: "piece" }>, payload: Buffer): Promise<void> {
    if (!this.#at) throw new MoveError("stream-damaged", "The source sends a piece of no file.");
    if (this.sent - this.#asked >= ASK_AGAIN) await this.#refuseFull();
    let done = 0;
    while (done < payload.length) {
      const rest = payload.length - done;
      done += (await this.#at.file.write(payload, done, rest, at * PIECE_BYTES + done)).bytesWritten;
    }
    this.#at.written = true;
    this.sent += payload.length;
  }

  async #refuseFull(): Promise<void> {
    this.#asked = this.sent;
    const { bavail, bsize } = await statfs(this.#tree, { bigint: true });
    if (bavail * bsize < RESERVE) throw full();
  }

  /** What was written is read back; what was not is what it was when it was read last. */
  async #whole({ size, digest }: Extract<Frame, { kind: "whole" }>): Promise<void> {
    const { frame, file, written } = this.#at ?? {};
    if (!frame || !file)
      throw new MoveError("stream-damaged", "The source ends a file that it did not begin.");
    const { path, mode, uid, gid, modified } = frame;
    const before = await file.stat({ bigint: true });
    const cut = before.size !== BigInt(size);
    if (cut) await file.truncate(size);
    const known = this.#before.get(path);
    let pieces: Buffer;
    if (!written && !cut && known?.stamp === stampOf(before)) pieces = known.pieces;
    else {
      await file.datasync();
      pieces = await digestsOf(file);
    }
    if (wholeDigest(pieces) !== digest)
      throw new MoveError(
        "copy-differs",
        `The copy of ${readable(path)} is not what was read of its source.`,
      );
    if (Number(before.uid) !== uid || Number(before.gid) !== gid) await file.chown(uid, gid);
    if ((Number(before.mode) & 0o7777) !== (mode & FILE_BITS)) await file.chmod(mode & FILE_BITS);
    const seconds = modified / 1000;
    if (written || cut || Number(before.mtimeMs) !== modified) await file.utimes(seconds, seconds);
    this.known.set(path, { stamp: stampOf(await file.stat({ bigint: true })), pieces });
    await file.close();
    this.#at = undefined;
    this.#digests.push({ path, sha256: digest });
    this.files += 1;
    this.bytes += size;
  }

  /** What its source does not have any more. */
  async removeOthers(folder: BytePath = ""): Promise<void> {
    for (const name of await readdir(pathOf(this.#tree, folder), { encoding: "latin1" })) {
      const path = folder === "" ? name : `${folder}/${name}`;
      const kind = this.#named.get(path);
      if (kind === undefined) await rm(pathOf(this.#tree, path), { recursive: true, force: true });
      else if (kind === "directory") await this.removeOthers(path);
    }
  }
}
