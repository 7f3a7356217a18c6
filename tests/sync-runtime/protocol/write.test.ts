import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeValue } from "../../../sync-runtime/protocol/value.ts";
import {
  fromWire,
  schemaDigest,
  toWire,
  WireValue,
  WriteRequest,
} from "../../../sync-runtime/protocol/write.ts";
import { sqliteValue } from "./arbitrary.ts";

const digest = "ab".repeat(32);
const row = {
  table: "chat",
  key: [{ text: "c1" }],
  before: digest,
  after: { id: { text: "c1" } },
  afterDigest: digest,
};
const request = {
  epoch: "7",
  identity: "0b9f5e0e-6a53-4f0e-8d0c-6a1b1f1f9f10",
  schema: { chat: digest },
  rows: [row],
};

describe("a value in JSON", () => {
  it("is the same value of the same storage class when it was read again", () => {
    fc.assert(
      fc.property(sqliteValue, (value) => {
        const sent = JSON.stringify(toWire(value));
        const read = fromWire(WireValue.parse(JSON.parse(sent)));
        expect(encodeValue(read).equals(encodeValue(value))).toBe(true);
      }),
    );
  });

  it.each<[string, unknown]>([
    ["a bare number", 1],
    ["a bare text", "a"],
    ["no class", {}],
    ["two classes", { integer: "1", text: "1" }],
    ["an integer of more than 64 bits", { integer: "9223372036854775808" }],
    ["an integer with a zero before it", { integer: "01" }],
    ["an integer that is a number", { integer: 1 }],
    ["a real in decimal", { real: "0.5" }],
    ["a real that is no number", { real: "7ff8000000000000" }],
    ["half a character", { text: "\ud800" }],
    ["a blob that is not base64", { blob: "ä" }],
  ])("is refused with %s", (_, value) => {
    expect(WireValue.safeParse(value).success).toBe(false);
  });
});

describe("a request to write", () => {
  it("is taken as the contract has it: changed, added and deleted rows", () => {
    const added = { ...row, before: null };
    const deleted = { ...row, after: null, afterDigest: null };
    expect(WriteRequest.parse({ ...request, rows: [row, added, deleted] })).toBeTruthy();
  });

  it("may be without rows: it then says that claims before this one are past", () => {
    expect(WriteRequest.parse({ ...request, schema: {}, rows: [] })).toBeTruthy();
  });

  it.each<[string, unknown]>([
    ["more rows than one transaction takes", { ...request, rows: Array(1001).fill(row) }],
    ["a row without a key", { ...request, rows: [{ ...row, key: [] }] }],
    [
      "a row that neither was nor is to be",
      { ...request, rows: [{ ...row, before: null, after: null, afterDigest: null }] },
    ],
    ["a row to be without its digest", { ...request, rows: [{ ...row, afterDigest: null }] }],
    ["a deleted row with a digest", { ...request, rows: [{ ...row, after: null }] }],
    ["an epoch below zero", { ...request, epoch: "-1" }],
    ["an epoch that is a number", { ...request, epoch: 7 }],
    ["an identity that is none", { ...request, identity: "acme" }],
    ["half a digest", { ...request, schema: { chat: "ab" } }],
    ["a member that nobody knows", { ...request, force: true }],
    ["a table of the replica's own", { ...request, rows: [{ ...row, table: "_replica_tables" }] }],
  ])("is refused with %s", (_, body) => {
    expect(WriteRequest.safeParse(body).success).toBe(false);
  });
});

describe("the digest of a schema", () => {
  it("tells tables, statements and their borders apart", () => {
    const digests = [
      { name: "t", ddl: ["CREATE TABLE t (a)"] },
      { name: "t", ddl: ["CREATE TABLE t (a)", "CREATE INDEX i ON t (a)"] },
      { name: "t", ddl: ["CREATE TABLE t (a)CREATE INDEX i ON t (a)"] },
      { name: "u", ddl: ["CREATE TABLE t (a)"] },
      { name: "t", ddl: ["CREATE TABLE t (b)"] },
    ].map(schemaDigest);
    expect(new Set(digests).size).toBe(digests.length);
  });
});
