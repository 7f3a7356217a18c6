/** Ranges the fake gives addresses from; all of 198.18.0.0/15, which is set apart for tests. */
export interface AddressPlan {
  /** /24 or larger: droplets from its lower half, reserved addresses from its upper. The first is the way out. */
  public: string;
  /** Of which each VPC that asks for no range of its own gets a /24. */
  private: string;
}

export const defaultPlan: AddressPlan = { public: "198.18.0.0/17", private: "198.19.0.0/17" };

const toNumber = (address: string): number =>
  address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);

const toAddress = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");

const parts = (range: string): { start: number; size: number } => {
  const [address = "", bits = "32"] = range.split("/");
  return { start: toNumber(address), size: 2 ** (32 - Number(bits)) };
};

/** The address at a place of a range; throws past its end. */
export const addressAt = (range: string, place: number): string => {
  const { start, size } = parts(range);
  if (place >= size - 1) throw new Error(`${range} has no address left`);
  return toAddress(start + place);
};

/** Places 0 to 15 are the range itself, its gateway and room for tests' own containers. */
const firstPlace = 16;

export const dropletAddress = (plan: AddressPlan, count: number): string => {
  const { size } = parts(plan.public);
  if (firstPlace + count >= size / 2) throw new Error(`${plan.public} has no address left`);
  return addressAt(plan.public, firstPlace + count);
};

export const reservedAddress = (plan: AddressPlan, count: number): string =>
  addressAt(plan.public, parts(plan.public).size / 2 + count);

export const privateAddress = (range: string, count: number): string =>
  addressAt(range, firstPlace + (count % Math.max(1, parts(range).size - firstPlace - 2)));

/** The range of a VPC that asks for none. */
export const vpcRange = (plan: AddressPlan, count: number): string =>
  `${addressAt(plan.private, count * 256)}/24`;

/** Whether two ranges share an address. */
export const overlap = (one: string, other: string): boolean => {
  const [a, b] = [parts(one), parts(other)];
  return a.start < b.start + b.size && b.start < a.start + a.size;
};
