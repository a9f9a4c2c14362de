/** Writes the table of settings into docs/operations.md, between the two lines that name this script. */
import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { MODE_DEFAULTS, type Mode, settings } from '../src/config/settings.ts';

const PAGE = 'docs/operations.md';
const TABLE = /(<!-- from scripts\/print-settings\.ts -->\n)[\s\S]*?(<!-- end -->)/;

const { embedded, production }: Record<Mode, Record<string, string>> = MODE_DEFAULTS;

function defaultOf(name: string, field: z.ZodType): string {
  if (field instanceof z.ZodPrefault) return `\`${field.def.defaultValue}\``;
  const byMode = [
    ...(embedded[name] ? [`\`${embedded[name]}\` in embedded mode`] : []),
    ...(production[name] ? [`\`${production[name]}\` with \`DATABASE_URL\``] : []),
  ];
  return byMode.length > 0 ? byMode.join(', ') : '–';
}

function markdownTable([header = [], ...rows]: string[][]): string {
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (cells: string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |\n`;
  return [header, widths.map((width) => '-'.repeat(width)), ...rows].map(line).join('');
}

const described = Object.entries(settings.shape).filter(([, field]) => field.description !== undefined);
const rows = described.map(([name, field]) => [`\`${name}\``, defaultOf(name, field), field.description ?? '']);
const table = markdownTable([['name', 'default', 'meaning'], ...rows]);
writeFileSync(
  PAGE,
  readFileSync(PAGE, 'utf8').replace(TABLE, (_match, start: string, end: string) => `${start}\n${table}\n${end}`),
);
