import { randomUUID } from "node:crypto";
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Identity } from "../protocol/message.ts";

/** The name under which a data directory shows whose it is. */
const IDENTITY = ".owui-identity.json";

/**
 * A tenant's directory on its host. The tenant writes to `data` as it likes and sees nothing else: what is made here is
 * made outside of it and comes in by a rename, which follows no link.
 */
export class TenantHome {
  readonly #home: string;
  readonly #data: string;
  readonly #kept: string;
  readonly #staging: string;

  constructor(home: string) {
    this.#home = home;
    this.#data = join(home, "data");
    this.#kept = join(home, "config/identity.json");
    this.#staging = join(home, "restore");
  }

  /** Where a database can be made that nobody else sees; empty. */
  stage(): string {
    rmSync(this.#staging, { recursive: true, force: true });
    mkdirSync(this.#staging, { mode: 0o700 });
    return join(this.#staging, "webui.db");
  }

  /** Whether the data has the identity that was made with it. A link or a FIFO is neither followed nor read. */
  get identified(): boolean {
    const shown = join(this.#data, IDENTITY);
    const found = lstatSync(shown, { throwIfNoEntry: false });
    if (!found?.isFile() || found.size > 4096) return false;
    const descriptor = openSync(shown, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      return readFileSync(descriptor).equals(readFileSync(this.#kept));
    } finally {
      closeSync(descriptor);
    }
  }

  /** Whether there is more than the identity: Open WebUI ran here. */
  get used(): boolean {
    return readdirSync(this.#data).some((name) => ![IDENTITY, "lost+found", "webui.db"].includes(name));
  }

  /** Makes the data that of an identity: a replica's, or of new data. What was made for it before is kept as it is. */
  identify(fleet: string, tenant: string, id: string = randomUUID()): void {
    const known = Identity.safeParse(JSON.parse(readFileSync(this.#kept, "utf8"))).data;
    const created = `${new Date().toISOString().slice(0, 19)}Z`;
    const text =
      known?.id === id
        ? readFileSync(this.#kept, "utf8")
        : `${JSON.stringify({ fleet, tenant, id, created })}\n`;
    mkdirSync(this.#staging, { recursive: true, mode: 0o700 });
    for (const target of [this.#kept, join(this.#data, IDENTITY)]) {
      const staged = join(this.#staging, "identity.json");
      writeFileSync(staged, text);
      chmodSync(staged, 0o444);
      this.#moveIn(staged, target);
    }
  }

  /** Puts a database that was made in {@link stage} in its place; what is left of the old one is set aside. */
  putBack(database: string): void {
    this.#setAside();
    // As Open WebUI's own: it runs as root without any capability, the agent reads as group 8050.
    chownSync(database, 0, statGroup(this.#data));
    chmodSync(database, 0o640);
    this.#moveIn(database, join(this.#data, "webui.db"));
  }

  /** Removes what was only needed on the way. */
  tidy(): void {
    rmSync(this.#staging, { recursive: true, force: true });
  }

  /** SQLite would mix the journal of the lost database with the one that is put back. */
  #setAside(): void {
    const left = readdirSync(this.#data).filter((name) => /^webui\.db(-(wal|shm|journal))?$/.test(name));
    if (left.length === 0) return;
    const aside = join(this.#home, `set-aside-${new Date().toISOString().replaceAll(/[:.]/g, "-")}`);
    mkdirSync(aside, { mode: 0o700 });
    for (const name of left) move(join(this.#data, name), join(aside, name));
  }

  #moveIn(from: string, to: string): void {
    move(from, to);
    const directory = openSync(join(to, ".."), "r");
    fsyncSync(directory);
    closeSync(directory);
  }
}

const statGroup = (path: string): number => lstatSync(path).gid;

/** Renames; into a directory that is a volume of its own it copies to a name that nobody can have foreseen. */
function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    const { mode, uid, gid } = lstatSync(from);
    const beside = join(to, `../.${randomUUID()}.restoring`);
    copyFileSync(from, beside, constants.COPYFILE_EXCL);
    chownSync(beside, uid, gid);
    chmodSync(beside, mode);
    const descriptor = openSync(beside, "r");
    fsyncSync(descriptor);
    closeSync(descriptor);
    renameSync(beside, to);
    rmSync(from);
  }
}
