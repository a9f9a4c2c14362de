import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { codeBlocks, ROOT, readReadme } from '../support/readme.ts';

const CLIENTS = join(ROOT, 'src/client');
const readme = readReadme();
const blocks = codeBlocks(readme);

describe('the README', () => {
  it.for(['apollo', 'urql', 'liveavatar', 'rest'])('names the packages to install for %s', (client) => {
    const shown = blocks.findIndex(({ lead }) => lead.includes(`<!-- from src/client/${client}.ts -->`));
    const [, packages = ''] = /^npm install (.+)\n$/.exec(blocks[shown - 1]?.code ?? '') ?? [];
    expect(packages.split(' ').sort()).toEqual([...withPeers(imports(join(CLIENTS, `${client}.ts`)))].sort());
  });

  it('shows no other commands than those that tests type', () => {
    const commands = blocks.filter(({ language }) => language === 'sh').map(({ code }) => code.trim());
    const others = commands.filter((command) => !command.startsWith('npm install '));
    expect(others).toEqual(['npm ci\nnpm start', 'npm run example', expect.stringMatching(/^curl /)]);
  });

  it('names settings that a production start accepts', () => {
    const block = blocks.find(({ language }) => language === 'dotenv');
    const lines = (block?.code ?? '').trim().split('\n');
    const settings = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s, 2)));
    expect(loadConfig(settings)).toMatchObject({ mode: 'production', vendor: { kind: 'liveavatar' } });
  });

  it('links to what exists', () => {
    const targets = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target);
    expect(targets.length).toBeGreaterThan(5);
    expect(targets.filter((target) => !exists(target))).toEqual([]);
  });
});

/** The packages that a module imports, directly or through files of the project. */
function imports(path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path)) return new Set();
  seen.add(path);
  const sources = [...readFileSync(path, 'utf8').matchAll(/^(?:import|\}) .*?from '([^']+)';$/gm)];
  return new Set(
    sources.flatMap(([, source = '']) =>
      source.startsWith('.') ? [...imports(join(dirname(path), source), seen)] : [packageName(source)],
    ),
  );
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** The packages, and those that they require beside themselves. */
function withPeers(packages: ReadonlySet<string>): Set<string> {
  const peers = [...packages].flatMap((name) => {
    const { peerDependencies = {}, peerDependenciesMeta = {} } = JSON.parse(
      readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8'),
    );
    return Object.keys(peerDependencies).filter((peer) => !peerDependenciesMeta[peer]?.optional);
  });
  return new Set([...packages, ...peers]);
}

function exists(target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = join(ROOT, path || 'README.md');
  if (!existsSync(file)) return false;
  if (anchor === undefined) return true;
  const headings = [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)];
  return headings.some(([, heading = '']) => slug(heading) === anchor);
}

/** A heading's anchor on GitHub. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
