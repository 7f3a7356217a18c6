import { type Certificate, fingerprintOf } from "./certificate.ts";

/** A certificate as one page that prints on paper, with the certificate itself in it. Pure. */
export function certificatePage(certificate: Certificate): string {
  const { statement, signature } = certificate;
  const { tenant, stack, identity, operation, askedBy, askedAt, waitedUntil, completedAt } = statement;
  const facts: [string, string][] = [
    ["Tenant", tenant],
    ["Identity of its data", identity ?? "none was found"],
    ["Fleet", stack],
    ["Asked for", `${askedAt} by ${askedBy}, operation ${operation}`],
    ["Waiting time", waitedUntil === null ? "none" : `could be taken back until ${waitedUntil}`],
    ["Completed", completedAt],
  ];
  const rows = (cells: readonly (readonly string[])[]) =>
    cells.map((row) => `<tr>${row.map((cell) => `<td>${escaped(cell)}</td>`).join("")}</tr>`).join("\n");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Certificate of erasure: ${escaped(tenant)}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; color: #111; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid #ccc; padding: .35rem .6rem .35rem 0; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
code { overflow-wrap: anywhere; font-size: .8rem; }
@media (max-width: 40rem) { thead { display: none; } td { display: block; border: 0; padding: .1rem 0; } tr { display: block; border-bottom: 1px solid #ccc; padding: .5rem 0; } }
@media print { body { margin: 0; max-width: none; } tr { break-inside: avoid; } }
</style>
</head>
<body>
<h1>Certificate of erasure</h1>
<table><tbody>
${rows(facts)}
</tbody></table>
<h2>What was erased</h2>
<table><thead><tr><th>What</th><th>Where</th><th>What was there</th><th>Erased</th><th>Seen by</th></tr></thead><tbody>
${rows(statement.things.map(({ what, where, found, erased, verified }) => [what, where, found, erased, verified]))}
</tbody></table>
<h2>What this does not reach</h2>
<table><thead><tr><th>What</th><th>Where</th><th>Until</th></tr></thead><tbody>
${rows(statement.remains.map(({ what, where, until }) => [what, where, until]))}
</tbody></table>
<h2>Signature</h2>
<p>Ed25519, by the key with SHA-256 fingerprint <code>${fingerprintOf(signature.publicKey)}</code>:<br>
<code>${escaped(signature.value)}</code></p>
<p>This page holds the signed statement. <code>npx fleet erase --verify &lt;this file&gt;</code> checks it; the same fingerprint is told by
<code>npx fleet erase --signer</code> of the fleet that signed.</p>
<script type="application/json" id="certificate">${JSON.stringify(certificate).replaceAll("<", "\\u003c")}</script>
</body>
</html>
`;
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
