/** One file of an archive. */
export interface TarFile {
  /** Absolute path in the container. */
  path: string;
  content: Buffer;
  /** Permission bits: 0o644. */
  mode: number;
}

const block = 512;

/** A number as the header has it: octal digits and a NUL. */
const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, "0")}\0`;

/** The path split so that both halves fit their fields: 100 bytes of name, 155 of the folders before it. */
const splitPath = (path: string): { name: string; prefix: string } => {
  const relative = path.replace(/^\/+/, "");
  if (Buffer.byteLength(relative) <= 100) return { name: relative, prefix: "" };
  const slash = relative.lastIndexOf("/", 155);
  const [prefix, name] = [relative.slice(0, slash), relative.slice(slash + 1)];
  if (slash < 0 || Buffer.byteLength(name) > 100)
    throw new Error(`upload path too long for an archive: ${path}`);
  return { name, prefix };
};

/** A file's 512 bytes of header; its checksum counts its own field as spaces. */
const header = ({ path, content, mode }: TarFile, modified: number): Buffer => {
  const { name, prefix } = splitPath(path);
  const bytes = Buffer.alloc(block);
  bytes.write(name, 0);
  bytes.write(octal(mode, 8), 100);
  bytes.write(octal(0, 8), 108);
  bytes.write(octal(0, 8), 116);
  bytes.write(octal(content.length, 12), 124);
  bytes.write(octal(modified, 12), 136);
  bytes.write("        ", 148);
  bytes.write("0", 156);
  bytes.write("ustar\0" + "00", 257);
  bytes.write(prefix, 345);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return bytes;
};

/** A ustar archive of files owned by root; `modified` in seconds since 1970. */
export const tarArchive = (files: TarFile[], modified: number): Buffer =>
  Buffer.concat([
    ...files.flatMap((file) => [
      header(file, modified),
      file.content,
      Buffer.alloc((block - (file.content.length % block)) % block),
    ]),
    Buffer.alloc(2 * block),
  ]);
