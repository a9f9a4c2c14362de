import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';

const GENERATED = [
  'README.md',
  'schema.graphql',
  'docs/openapi.json',
  'docs/operations.md',
  'src/client/generated/**/*.ts',
  'src/database/generated/**/*.ts',
];

/** The generated files as they are, by path. */
function read(): Map<string, string> {
  return new Map(globSync(GENERATED).map((path) => [path, readFileSync(path, 'utf8')]));
}

const before = read();
execFileSync('npm', ['run', '--silent', 'generate'], { stdio: 'pipe' });
const after = read();

const stale = [...new Set([...before.keys(), ...after.keys()])].filter((path) => before.get(path) !== after.get(path));
if (stale.length > 0) {
  process.stderr.write(
    `These were out of date and have been regenerated. Review and commit them:\n${stale.join('\n')}\n`,
  );
  process.exit(1);
}
