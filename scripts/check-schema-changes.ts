import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { latestRelease, schemaProblem } from './schema-changes.ts';

const FOLDER = 'releases';
const EXTENSION = '.graphql';

const releases = readdirSync(FOLDER)
  .filter((file) => file.endsWith(EXTENSION))
  .map((file) => ({ version: basename(file, EXTENSION), schema: readFileSync(`${FOLDER}/${file}`, 'utf8') }));
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

const latest = latestRelease(releases);
const problem = latest && (await schemaProblem(latest, { version, schema: readFileSync('schema.graphql', 'utf8') }));
if (problem) {
  process.stderr.write(`${problem}\n`);
  process.exit(1);
}
