import { randomUUID } from "node:crypto";
import { encodeFrame, encodeJsonFrame, FrameType } from "../../sync-runtime/protocol/frame.ts";
import type { Header, Identity, Manifest } from "../../sync-runtime/protocol/message.ts";
import { RowDigester } from "../../sync-runtime/protocol/row-digest.ts";
import { TableSum } from "../../sync-runtime/protocol/table-sum.ts";
import { encodeValue } from "../../sync-runtime/protocol/value.ts";
import type { Template } from "./template.ts";

/** What was sent in one sync: how often the chat had been renamed by then. */
interface Sent {
  sync: string;
  revision: number;
}

/** What all simulated tenants have in common, ready to be sent. */
export class TemplateFrames {
  readonly template: Template;
  /** Table and row frames of every table. */
  readonly contents: Buffer;
  readonly rows: number;
  readonly #values: Buffer[];
  readonly #digester: RowDigester;

  constructor(template: Template) {
    this.template = template;
    const { tables, manifest, changing } = template;
    this.contents = Buffer.concat(
      tables.flatMap(({ name, rows }) => [
        encodeJsonFrame(FrameType.table, { table: name }),
        ...rows.map((bytes) => encodeFrame(FrameType.rows, Buffer.from(bytes, "base64"))),
      ]),
    );
    this.rows = manifest.tables.reduce((sum, { rows }) => sum + rows, 0);
    this.#values = changing.values.map((value) => Buffer.from(value, "base64"));
    const names = changing.table.columns.map(({ name }) => name);
    this.#digester = new RowDigester(changing.table.name, names);
  }

  /** The changing row and its digest, behind so many renames. */
  row(revision: number): { bytes: Buffer; digest: Buffer } {
    const { title } = this.template.changing;
    const values = this.#values.map((value, index) =>
      index === title && revision > 0 ? encodeValue(`Renamed ${revision} times`) : value,
    );
    const bounds = [0];
    for (const value of values) bounds.push((bounds.at(-1) as number) + value.length);
    const bytes = Buffer.concat(values);
    return { bytes, digest: this.#digester.digest(bytes, bounds) };
  }
}

/** Answers as an agent does for one tenant whose application renames a chat now and then. */
export class SimulatedTenant {
  readonly #frames: TemplateFrames;
  readonly #identity: Identity;
  #revision = 0;
  #committed: Sent | undefined;
  #pending: Sent | undefined;

  constructor(tenant: string, frames: TemplateFrames) {
    this.#frames = frames;
    this.#identity = { ...frames.template.header.identity, tenant, id: randomUUID() };
  }

  /** The application renames its chat. */
  rename(): void {
    this.#revision++;
  }

  /** The frames that answer a request, plain. */
  answer(committed: string | null): Buffer {
    if (this.#pending && this.#pending.sync === committed) this.#committed = this.#pending;
    if (!this.#committed || this.#committed.sync !== committed) return this.#full();
    if (this.#committed.revision === this.#revision) return this.#unchanged(this.#committed.sync);
    return this.#delta(this.#committed);
  }

  #offer(): string {
    this.#pending = { sync: randomUUID(), revision: this.#revision };
    return this.#pending.sync;
  }

  #unchanged(sync: string): Buffer {
    const { rows, template } = this.#frames;
    return encodeJsonFrame(FrameType.unchanged, { sync, tables: template.manifest.tables.length, rows });
  }

  /** As the template is: renames begin with the first delta. */
  #full(): Buffer {
    this.#revision = 0;
    const sync = this.#offer();
    const header: Header = { ...this.#frames.template.header, sync, identity: this.#identity };
    return Buffer.concat([
      encodeJsonFrame(FrameType.header, header),
      this.#frames.contents,
      encodeJsonFrame(FrameType.manifest, this.#manifest(sync)),
    ]);
  }

  #delta({ sync: base, revision }: Sent): Buffer {
    const { header, changing } = this.#frames.template;
    const { name: table } = changing.table;
    const [gone, come] = [this.#frames.row(revision), this.#frames.row(this.#revision)];
    const sync = this.#offer();
    const work = [{ table, whole: false, rows: 1, removed: 1, bytes: come.bytes.length }];
    const delta: Header = { ...header, sync, mode: "delta", base, identity: this.#identity, work };
    return Buffer.concat([
      encodeJsonFrame(FrameType.header, delta),
      encodeJsonFrame(FrameType.table, { table }),
      encodeFrame(FrameType.rows, come.bytes),
      encodeFrame(FrameType.removed, gone.digest),
      encodeJsonFrame(FrameType.manifest, this.#manifest(sync)),
    ]);
  }

  #manifest(sync: string): Manifest {
    const { manifest, changing } = this.#frames.template;
    const tables = manifest.tables.map((table) => {
      if (table.name !== changing.table.name) return table;
      const sum = TableSum.parse(table.sum, table.rows);
      sum.remove(this.#frames.row(0).digest);
      sum.add(this.#frames.row(this.#revision).digest);
      return { ...table, sum: sum.toString() };
    });
    return { sync, tables };
  }
}
