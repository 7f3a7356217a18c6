import type { PacketPolicy } from "./packet-policy.ts";

/** What a machine needs to boot. */
export interface Machine {
  /** The droplet's number; the driver's name for it, too. */
  id: number;
  hostname: string;
  image: string;
  /** MB. */
  memory: number;
  vcpus: number;
  /** Public address, the same for life. */
  address: string;
  /** In its VPC. */
  privateAddress: string;
  vpc: { id: string; ipRange: string };
  /** OpenSSH public keys that open root. */
  publicKeys: string[];
  /** cloud-init's; may hold secrets. */
  userData: string;
}

/** A block device as the cloud makes it. */
export interface BlockDevice {
  id: string;
  name: string;
  /** GiB. */
  size: number;
  /** Made on it at creation; "" leaves it raw. */
  filesystem: "ext4" | "xfs" | "";
  label: string;
}

/**
 * Makes machines of droplets. Every operation may be repeated: after a restart the fake asks again for what it does not
 * know to be done. A failure ends the action as errored.
 */
export interface DropletDriver {
  /** Whatever must be there before the first machine. */
  prepare(): Promise<void>;
  /** A machine that runs; one of that id that is there already is started. */
  create(machine: Machine): Promise<void>;
  /** Whether it is on; false for one that is not there. */
  runs(id: number): Promise<boolean>;
  powerOn(id: number): Promise<void>;
  /** Gracefully: the machine is asked to shut down; else its power goes. */
  powerOff(id: number, gracefully: boolean): Promise<void>;
  /** Only while it is off. MB. */
  resize(id: number, memory: number, vcpus: number): Promise<void>;
  rename(id: number, hostname: string): Promise<void>;
  /** Its disk is lost, its volumes are not. Nothing if there is none. */
  remove(id: number): Promise<void>;
  /** The reserved address it answers on, or none; kept over reboots. */
  reserve(id: number, address: string | undefined): Promise<void>;
  createVolume(volume: BlockDevice): Promise<void>;
  /** Makes the device larger; the file system on it stays as it is. */
  growVolume(volume: BlockDevice): Promise<void>;
  removeVolume(id: string): Promise<void>;
  /** Shows it at /dev/disk/by-id/scsi-0DO_Volume_<name>; kept over reboots. */
  attach(machine: number, volume: BlockDevice): Promise<void>;
  detach(machine: number, volume: BlockDevice): Promise<void>;
  /** All droplets' packet rules, in place of those before. */
  filter(policies: readonly PacketPolicy[]): Promise<void>;
}

const nothing = async (): Promise<void> => {};

/** No machines at all: droplets that are active at once and answer nothing. For tests of what only asks the API. */
export const noMachines: DropletDriver = {
  prepare: nothing,
  create: nothing,
  runs: async () => true,
  powerOn: nothing,
  powerOff: nothing,
  resize: nothing,
  rename: nothing,
  remove: nothing,
  reserve: nothing,
  createVolume: nothing,
  growVolume: nothing,
  removeVolume: nothing,
  attach: nothing,
  detach: nothing,
  filter: nothing,
};
