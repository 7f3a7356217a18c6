import { setTimeout as sleep } from "node:timers/promises";
import type { Faults } from "../http/faults.ts";
import { StateFile } from "../http/state-file.ts";
import { type AddressPlan, defaultPlan } from "./addresses.ts";
import { type Image, images, type Region, regions, type Size, sizes } from "./catalog.ts";
import { notFound, unprocessable } from "./dialect.ts";
import type { BlockDevice, DropletDriver, Machine } from "./driver.ts";
import { type Account, type Action, type Droplet, emptyAccount, type Volume } from "./model.ts";
import { packetPolicies } from "./packet-policy.ts";

export interface CloudSettings {
  /** Where the state is kept; absent: in memory alone. */
  stateFile?: string | undefined;
  driver: DropletDriver;
  /** What an action takes at least, in ms. Default 0. */
  actionTime?: number;
  plan?: AddressPlan;
  now?: () => Date;
}

/** What an action is about. */
export interface Subject {
  type: string;
  of: string;
  resourceType: Action["resourceType"];
  resourceId: number;
  region: string;
  /** Also busy while it lasts: a volume's attachment keeps its droplet. */
  also?: string;
}

/** One account: its state, its machines and the actions that are under way. */
export class Cloud {
  readonly driver: DropletDriver;
  readonly plan: AddressPlan;
  readonly #file: StateFile<Account>;
  readonly #actionTime: number;
  readonly #now: () => Date;
  readonly #faults: Faults;
  /** What an action is changing now: nothing else may. */
  readonly #busy = new Map<string, number>();
  readonly #running = new Set<Promise<void>>();
  #filtering: Promise<void> = Promise.resolve();
  #filterFailed = false;

  constructor(settings: CloudSettings, faults: Faults) {
    this.driver = settings.driver;
    this.plan = settings.plan ?? defaultPlan;
    this.#file = new StateFile(settings.stateFile, emptyAccount());
    this.#actionTime = settings.actionTime ?? 0;
    this.#now = settings.now ?? (() => new Date());
    this.#faults = faults;
  }

  get account(): Account {
    return this.#file.state;
  }

  save(): void {
    this.#file.save();
  }

  time(): string {
    return `${this.#now().toISOString().slice(0, 19)}Z`;
  }

  nextId(): number {
    this.account.lastId += 1;
    return this.account.lastId;
  }

  /**
   * Goes on after a restart: actions that were under way have failed, but what was to boot or to go still does. Machines that
   * the restart took with it are started again, since no cloud goes off with its customer's machine.
   */
  async resume(): Promise<void> {
    await this.driver.prepare();
    for (const action of this.account.actions) {
      if (action.status !== "in-progress") continue;
      if (action.type === "destroy") await this.driver.remove(action.resourceId);
      this.#end(action, action.type === "destroy" ? "completed" : "errored");
    }
    for (const droplet of this.account.droplets) {
      if (droplet.status === "new") this.boot(droplet);
      else if (droplet.status === "active" && !(await this.driver.runs(droplet.id)))
        await this.assemble(droplet);
    }
    await this.filter();
    this.save();
  }

  /** Waits for what is under way; its outcome is in the actions. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    await this.#filtering;
  }

  /** Starts what takes time and can fail. Work changes the state only when it has succeeded. */
  act(subject: Subject, work: () => Promise<void>): Action {
    const subjects = [subject.of, ...(subject.also === undefined ? [] : [subject.also])];
    const taken = subjects.find((of) => this.#busy.has(of));
    if (taken?.startsWith("droplet:")) throw unprocessable("Droplet already has a pending event.");
    if (taken !== undefined) throw unprocessable("Resource already has a pending event.");
    const action: Action = {
      id: this.nextId(),
      status: "in-progress",
      type: subject.type,
      startedAt: this.time(),
      completedAt: null,
      resourceId: subject.resourceId,
      resourceType: subject.resourceType,
      of: subject.of,
      region: subject.region,
    };
    this.account.actions.unshift(action);
    for (const of of subjects) this.#busy.set(of, action.id);
    this.save();
    const running = this.#run(action, work).finally(() => {
      for (const of of subjects) this.#busy.delete(of);
      this.#running.delete(running);
    });
    this.#running.add(running);
    return action;
  }

  async #run(action: Action, work: () => Promise<void>): Promise<void> {
    const failing = this.#faults.ofAction(action.type);
    try {
      await sleep(this.#actionTime, undefined, { ref: false });
      if (!failing) await work();
      this.#end(action, failing ? "errored" : "completed");
    } catch (error) {
      process.stderr.write(
        `digitalocean fake: ${action.type} of ${action.of}: ${(error as Error).message}\n`,
      );
      this.#end(action, "errored");
    }
    this.save();
  }

  #end(action: Action, status: Action["status"]): void {
    action.status = status;
    action.completedAt = this.time();
  }

  isBusy(of: string): boolean {
    return this.#busy.has(of);
  }

  /** Puts the firewalls' present rules in force; several changes at once end in the last one's rules. */
  filter(): Promise<void> {
    this.#filtering = this.#filtering.then(async () => {
      try {
        await this.driver.filter(packetPolicies(this.account));
        this.#filterFailed = false;
      } catch (error) {
        this.#filterFailed = true;
        process.stderr.write(`digitalocean fake: firewalls: ${(error as Error).message}\n`);
      }
    });
    return this.#filtering;
  }

  /** Whether the last firewall rules could not be put in force. */
  get filterFailed(): boolean {
    return this.#filterFailed;
  }

  /** Boots a droplet that is new. Like the real one, a droplet whose creation fails stays `new`. */
  boot(droplet: Droplet): Action {
    return this.act(this.subject("create", droplet), async () => {
      await this.assemble(droplet);
      droplet.status = "active";
    });
  }

  /** A machine with all that belongs to the droplet; its volumes and rules are there before it first looks. */
  async assemble(droplet: Droplet): Promise<void> {
    for (const volume of this.account.volumes.filter((each) => each.droplet === droplet.id)) {
      await this.driver.attach(droplet.id, this.device(volume));
    }
    const reserved = this.account.reservedIps.find((each) => each.droplet === droplet.id);
    if (reserved) await this.driver.reserve(droplet.id, reserved.ip);
    await this.filter();
    await this.driver.create(this.machine(droplet));
  }

  subject(type: string, droplet: Droplet): Subject {
    return {
      type,
      of: `droplet:${droplet.id}`,
      resourceType: "droplet",
      resourceId: droplet.id,
      region: droplet.region,
    };
  }

  machine(droplet: Droplet): Machine {
    const size = this.size(droplet.size);
    const { id, ipRange } = this.vpc(droplet.vpc);
    return {
      id: droplet.id,
      hostname: droplet.name,
      image: droplet.image,
      memory: size.memory,
      vcpus: size.vcpus,
      address: droplet.address,
      privateAddress: droplet.privateAddress,
      vpc: { id, ipRange },
      publicKeys: this.account.keys
        .filter((key) => droplet.keys.includes(key.id))
        .map((key) => key.publicKey),
      userData: droplet.userData,
    };
  }

  device({ id, name, size, filesystem, label }: Volume): BlockDevice {
    return { id, name, size, filesystem, label };
  }

  droplet(id: string | number | undefined): Droplet {
    return found(this.account.droplets.find((droplet) => droplet.id === Number(id)));
  }

  volume(id: string | undefined): Volume {
    return found(this.account.volumes.find((volume) => volume.id === id));
  }

  vpc(id: string | undefined) {
    return found(this.account.vpcs.find((vpc) => vpc.id === id));
  }

  size(slug: string): Size {
    const size = sizes.find((each) => each.slug === slug);
    if (!size) throw unprocessable("You specified an invalid size for Droplet creation.");
    return size;
  }

  region(slug: string): Region {
    const region = regions.find((each) => each.slug === slug);
    if (!region) throw unprocessable("You specified an invalid region for Droplet creation.");
    return region;
  }

  image(of: string | number): Image {
    const image = images.find((each) => each.slug === of || each.id === Number(of));
    if (!image) throw unprocessable("You specified an invalid image for Droplet creation.");
    return image;
  }

  /** Tags exist from their first use. */
  knowTags(tags: readonly string[]): string[] {
    for (const tag of tags) {
      if (!/^[a-zA-Z0-9:\-_]{1,255}$/.test(tag)) throw unprocessable("Tag name is invalid.");
      if (!this.account.tags.includes(tag)) this.account.tags.push(tag);
    }
    return [...new Set(tags)];
  }
}

/** What was looked for, or the answer that there is none. */
export const found = <T>(value: T | undefined): T => {
  if (value === undefined) throw notFound();
  return value;
};
