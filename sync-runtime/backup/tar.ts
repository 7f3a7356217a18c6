/**
 * The few parts of GNU's tar format that an archive of a backup has: directories and regular files, names as the bytes they
 * are, of any length. `tar` itself reads it: a backup can be taken back without this program.
 */

const BLOCK = 512;
const NAME_BYTES = 100;

/** One entry of an archive. */
export interface TarEntry {
  /** Without a slash at its beginning; a directory's without one at its end. */
  path: Buffer;
  kind: "directory" | "file";
  /** Permission bits. */
  mode: number;
  /** Seconds since 1970. */
  modified: number;
  /** Of the contents that follow; 0 for a directory. */
  bytes: number;
}

/** What stands before an entry's contents. */
export function tarHead({ path, kind, mode, modified, bytes }: TarEntry): Buffer {
  const name = kind === "directory" ? Buffer.concat([path, Buffer.from("/")]) : path;
  const head = header(name.subarray(0, NAME_BYTES), kind === "directory" ? "5" : "0", mode, modified, bytes);
  if (name.length < NAME_BYTES) return head;
  const long = Buffer.concat([name, Buffer.alloc(1)]);
  const before = header(Buffer.from("././@LongLink"), "L", 0, 0, long.length);
  return Buffer.concat([before, long, tarPadding(long.length), head]);
}

/** What follows contents of so many bytes. */
export const tarPadding = (bytes: number): Buffer => Buffer.alloc((BLOCK - (bytes % BLOCK)) % BLOCK);

/** The end of an archive. */
export const tarEnd = (): Buffer => Buffer.alloc(2 * BLOCK);

function header(name: Buffer, type: string, mode: number, modified: number, bytes: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  name.copy(block, 0);
  writeNumber(block, 100, 8, mode);
  writeNumber(block, 108, 8, 0);
  writeNumber(block, 116, 8, 0);
  writeNumber(block, 124, 12, bytes);
  writeNumber(block, 136, 12, Math.max(0, Math.floor(modified)));
  block.write("        ", 148, "latin1");
  block.write(type, 156, "latin1");
  block.write("ustar  \0", 257, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** Octal digits, or where they do not fit the number itself with its first bit set. */
function writeNumber(block: Buffer, at: number, length: number, value: number): void {
  const octal = value.toString(8);
  if (octal.length < length) {
    block.write(`${octal.padStart(length - 1, "0")}\0`, at, "latin1");
    return;
  }
  block.fill(0, at, at + length);
  block[at] = 0x80;
  block.writeBigUInt64BE(BigInt(value), at + length - 8);
}

/** What an archive holds that no archive of ours does. */
export class TarError extends Error {
  override name = "TarError";
}

/** An entry that is being read; its contents have to be taken before the next one is asked for. */
export interface ReadEntry extends TarEntry {
  contents: AsyncGenerator<Buffer>;
}

/** Reads an archive; one that breaks off before its end is a {@link TarError}. */
export async function* readTar(source: AsyncIterable<Buffer>): AsyncGenerator<ReadEntry> {
  const bytes = new ByteSource(source);
  let long: Buffer | undefined;
  for (;;) {
    const block = await bytes.take(BLOCK);
    if (block.every((byte) => byte === 0)) return bytes.drain();
    checkSum(block);
    const type = String.fromCharCode(block[156] as number);
    const size = readNumber(block, 124, 12);
    if (type === "L") {
      if (size > 64 * 1024) throw new TarError(`a name of ${size} bytes`);
      long = (await bytes.take(size)).subarray(0, size - 1);
      await bytes.take(tarPadding(size).length);
      continue;
    }
    if (type !== "0" && type !== "5") throw new TarError(`an entry of type ${JSON.stringify(type)}`);
    const name = long ?? untilZero(block.subarray(0, NAME_BYTES));
    long = undefined;
    const kind = type === "5" ? "directory" : "file";
    const path = kind === "directory" && name.at(-1) === 0x2f ? name.subarray(0, -1) : name;
    let left = size;
    async function* contents(): AsyncGenerator<Buffer> {
      while (left > 0) {
        const chunk = await bytes.some(left);
        left -= chunk.length;
        yield chunk;
      }
    }
    const read = contents();
    yield {
      path: Buffer.from(path),
      kind,
      mode: readNumber(block, 100, 8) & 0o7777,
      modified: readNumber(block, 136, 12),
      bytes: size,
      contents: read,
    };
    for await (const _ of read);
    await bytes.take(tarPadding(size).length);
  }
}

function checkSum(block: Buffer): void {
  const said = readNumber(block, 148, 8);
  let sum = 0;
  for (const [at, byte] of block.entries()) sum += at >= 148 && at < 156 ? 0x20 : byte;
  if (sum !== said) throw new TarError("a header that does not add up");
}

function readNumber(block: Buffer, at: number, length: number): number {
  if (((block[at] as number) & 0x80) !== 0) return Number(block.readBigUInt64BE(at + length - 8));
  const text = block.toString("latin1", at, at + length).replace(/[\0 ]+$/, "");
  if (!/^[0-7]*$/.test(text.trim())) throw new TarError("a number that is none");
  return Number.parseInt(text.trim() || "0", 8);
}

function untilZero(name: Buffer): Buffer {
  const end = name.indexOf(0);
  return end === -1 ? name : name.subarray(0, end);
}

/** Chunks of any size, taken in pieces of the size that is wanted. */
class ByteSource {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /** So many bytes, all of them. */
  async take(count: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let left = count; left > 0; ) {
      const piece = await this.some(left);
      pieces.push(piece);
      left -= piece.length;
    }
    return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
  }

  /** At least one byte and at most so many. */
  async some(most: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done) throw new TarError("an end before its end");
      this.#rest = value;
    }
    const piece = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  /** What follows the end counts for nothing; who writes it may still wait for it to be read. */
  async drain(): Promise<void> {
    for (let next = await this.#chunks.next(); !next.done; next = await this.#chunks.next());
  }
}
