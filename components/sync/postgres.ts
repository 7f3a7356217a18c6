import { statSync } from "node:fs";
import type { Subject } from "../certificate-authority.ts";
import { dockerName } from "../container.ts";
import { type LayoutEntry, type Owner, root } from "../host/layout.ts";
import type { TlsDirectory } from "../host/tls-files.ts";

/** User `postgres` of upstream's image. The server runs as it from the start and never as root. */
export const postgresUser: Owner = "999:999";

/** The only database of a fleet's Postgres that holds anything. */
export const fleetDatabase = "fleet";

/** Name of the server on the network it shares with the nodes. */
export const postgresHost = (stack: string): string => dockerName({ stack, role: "postgres" });

/** Nodes reach it by its container's name, the program that declares the fleet by the host's loopback. */
export const postgresSubject = (stack: string): Subject => ({
  dns: [postgresHost(stack), "localhost"],
  ip: ["127.0.0.1"],
  uses: ["server_auth"],
});

/** Over a network only with TLS and a password; inside the container as whoever one is. */
const clientAuthentication = `local   all all     peer
hostssl all all all scram-sha-256
`;

/** Where its certificates lie, for it alone to read. */
export const postgresTls: TlsDirectory = { path: "postgres/config", group: 999 };

/** What {@link postgresTls} lies in. */
export const postgresDirectories: LayoutEntry[] = [
  { kind: "directory", path: "postgres", mode: "0755", owner: root },
  { kind: "directory", path: "postgres/config", mode: "0750", owner: "0:999" },
];

/** What the server reads at its start and never again. */
export const postgresFiles = (start: string): LayoutEntry[] => {
  const file = (name: string, content: string): LayoutEntry => ({
    kind: "file",
    path: `postgres/config/${name}`,
    mode: "0440",
    owner: "0:999",
    content,
  });
  return [file("pg_hba.conf", clientAuthentication), file("start.sh", start)];
};

/**
 * Directories and files of the embedded Postgres, its certificates aside. Nothing here starts with the environment
 * variables of upstream's entry point: it leaves the superuser's password in the server's environment.
 */
export const postgresLayout = (files: LayoutEntry[]): LayoutEntry[] => [
  ...postgresDirectories,
  { kind: "directory", path: "postgres/data", mode: "0700", owner: postgresUser },
  { kind: "secret", path: "postgres/config/superuser-password", mode: "0440", owner: "0:999" },
  ...files,
  { kind: "print", path: "postgres/config/superuser-password" },
];

/** Whether a server ever ran over a data directory. Where that cannot be seen, it may have. */
export function serverHasRun(directory: string): boolean {
  try {
    return statSync(`${directory}/PG_VERSION`, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}

/** Settings of the server, as arguments. */
export const postgresArguments = (): string[] =>
  Object.entries({
    listen_addresses: "*",
    // The only writable directory besides the data.
    unix_socket_directories: "/tmp",
    hba_file: "/etc/fleet/pg_hba.conf",
    ssl: "on",
    ssl_cert_file: "/etc/fleet/tls.crt",
    ssl_key_file: "/etc/fleet/tls.key",
    ssl_min_protocol_version: "TLSv1.2",
    password_encryption: "scram-sha-256",
    // Compressing long texts the default way takes four times as long as all the rest of a bulk load.
    default_toast_compression: "lz4",
    shared_buffers: "128MB",
    // A statement or a row in the log would be a tenant's content, or a new password.
    log_error_verbosity: "terse",
    log_min_error_statement: "panic",
  }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);

/** Asks over the socket that {@link postgresArguments} puts in /tmp. */
export const postgresHealthTest: string[] = ["CMD", "pg_isready", "-q", "-h", "/tmp", "-U", "postgres"];
