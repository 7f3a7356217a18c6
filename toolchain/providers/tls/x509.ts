// The library's dependency injection wants this before it is loaded.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { cryptoProvider } from "@peculiar/x509";

cryptoProvider.set(webcrypto);

/** The X.509 library, ready for use: certificates' code imports it from here alone. */
export * from "@peculiar/x509";
