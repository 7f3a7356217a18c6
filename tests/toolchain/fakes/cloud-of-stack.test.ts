import { expect, test } from "vitest";
import { freePlan, networkOf } from "../../../toolchain/fakes/cloud-of-stack.ts";

test("a fake cloud stands where nothing else on this machine does", () => {
  expect(freePlan(["127.0.0.0/8", "10.0.0.0/8"])).toEqual({
    public: "198.18.0.0/20",
    private: "198.19.0.0/20",
  });
  // Another's droplets, and another's private network, which takes the whole part.
  expect(freePlan(["198.18.0.0/20", "198.19.17.0/24"])).toEqual({
    public: "198.18.32.0/20",
    private: "198.19.32.0/20",
  });
});

test("where nothing is free it says how to make room", () => {
  expect(() => freePlan(["198.18.0.0/15"])).toThrow("remove one with `npm run down");
});

test("an address of this machine stands for its whole network", () => {
  expect(networkOf("198.18.17.1", "255.255.240.0")).toBe("198.18.16.0/20");
  expect(networkOf("172.17.0.1", "255.255.0.0")).toBe("172.17.0.0/16");
});
