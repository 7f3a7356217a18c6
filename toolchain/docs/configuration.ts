import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import { type Documentation, documentationOf, unwrap } from "../../components/fleet-config/documentation.ts";
import { managedVariables } from "../../components/fleet-config/environment.ts";
import { rules } from "../../components/fleet-config/rules.ts";
import { stackSchema } from "../../components/fleet-config/schema.ts";

/** `npm run docs` writes docs/configuration.md from the schema that parses the config; a test asserts it is current. */
export const referenceFile = resolve(import.meta.dirname, "../../docs/configuration.md");

/** A field of the schema with the place a reader writes it at. */
interface Field {
  /** `tenants.<name>.memory.limit` */
  path: string;
  schema: z.core.$ZodType;
}

/** The reference, whole. */
export const configurationReference = (): string =>
  [
    readFileSync(resolve(import.meta.dirname, "configuration-preface.md"), "utf8"),
    "## The stack\n",
    table("", fieldsOf("", stackSchema, sectionPaths)),
    ...sections().flatMap(({ path, schema }) => [
      `## \`${path}\`\n`,
      `${documentationOf(schema).description}\n`,
      table(path, fieldsOf(path, schema, [])),
    ]),
    "## Rules across entries\n",
    ...rules.map(({ says }) => `- ${says}`),
    "",
    "## Variables the fleet sets\n",
    "They are refused under `environment`.\n",
    ...Object.entries(managedVariables).map(([variable, instead]) => `- \`${variable}\`: ${instead}`),
    "",
  ].join("\n");

const sectionPaths = ["hosts.<name>", "tenants.<name>", "sync"];

const sections = (): Field[] =>
  fieldsOf("", stackSchema, sectionPaths).filter(({ path }) => sectionPaths.includes(path));

/** Every field below a schema, depth first; what has a section of its own is listed but not entered. */
function fieldsOf(prefix: string, schema: z.core.$ZodType, closed: readonly string[]): Field[] {
  return childrenOf(prefix, unwrap(schema)).flatMap((field) => [
    field,
    ...(closed.includes(field.path) ? [] : fieldsOf(field.path, field.schema, closed)),
  ]);
}

function childrenOf(prefix: string, schema: z.core.$ZodType): Field[] {
  if (schema instanceof z.ZodObject)
    return Object.entries(schema.shape).map(([key, field]) => ({
      path: prefix === "" ? key : `${prefix}.${key}`,
      schema: field,
    }));
  if (schema instanceof z.ZodRecord) return [{ path: `${prefix}.<name>`, schema: schema.valueType }];
  if (schema instanceof z.ZodArray) return [{ path: `${prefix}[]`, schema: schema.element }];
  return [];
}

const table = (section: string, fields: Field[]): string =>
  [
    "| field | type | default | meaning |",
    "|---|---|---|---|",
    ...fields.map((field) => row(section, field)),
    "",
  ].join("\n");

function row(section: string, { path, schema }: Field): string {
  const doc = documentationOf(schema);
  const meaning = [
    doc.description,
    ...(doc.example === undefined ? [] : [`Example: \`${doc.example}\`.`]),
    ...(isEntry(path, schema) ? [] : [`When refused: ${doc.remedy}.`]),
  ].join("<br>");
  const name = section === "" ? path : path.slice(section.length + 1);
  return `| \`${name}\` | ${doc.type ?? typeOf(unwrap(schema))} | ${defaultOf(doc, path, schema)} | ${meaning} |`;
}

/** Structures speak through their fields. */
const isEntry = (path: string, schema: z.core.$ZodType): boolean =>
  childrenOf(path, unwrap(schema)).length > 0;

function typeOf(schema: z.core.$ZodType): string {
  if (schema instanceof z.ZodLiteral) return [...schema.values].map((value) => `\`${value}\``).join(" or ");
  if (schema instanceof z.ZodEnum) return schema.options.map((value) => `\`${value}\``).join(", ");
  if (schema instanceof z.ZodBoolean) return "`true` or `false`";
  if (schema instanceof z.ZodNumber) return schema.isInt ? "whole number" : "number";
  if (schema instanceof z.ZodArray) return "list";
  if (schema instanceof z.ZodRecord) return "entries by name";
  return schema instanceof z.ZodObject ? "entry" : "text";
}

function defaultOf(doc: Documentation, path: string, schema: z.core.$ZodType): string {
  if (doc.default !== undefined) return doc.default;
  if (schema instanceof z.ZodPrefault) {
    const value = JSON.stringify(schema.def.defaultValue);
    return value === "{}" && schema.unwrap() instanceof z.ZodObject
      ? ""
      : `\`${value.replace(/^"|"$/g, "")}\``;
  }
  if (schema instanceof z.ZodOptional) return "none";
  return /[>\]]$/.test(path) ? "" : "**required**";
}

if (import.meta.main) {
  writeFileSync(referenceFile, configurationReference());
  console.log("docs/configuration.md was written from the schema.");
}
