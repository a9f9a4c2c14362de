import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';

/** The schema of a released version. */
export interface SchemaRelease {
  /** Such as `1.4.0`. */
  readonly version: string;
  /** In SDL. */
  readonly schema: string;
}

/** The release with the highest version, compared as numbers. Undefined before the first release. */
export function latestRelease(releases: readonly SchemaRelease[]): SchemaRelease | undefined {
  return releases.toSorted((a, b) => compareVersions(a.version, b.version)).at(-1);
}

/**
 * What breaks the clients of a release, and what to do about it. Null if the next version may be released with this
 * schema: nothing breaks, or the major version is a new one.
 */
export async function schemaProblem(release: SchemaRelease, next: SchemaRelease): Promise<string | null> {
  if (majorOf(next.version) > majorOf(release.version)) return null;
  const changes = await diff(buildSchema(release.schema), buildSchema(next.schema));
  const breaking = changes.filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking);
  if (breaking.length === 0) return null;
  return [
    `schema.graphql breaks clients of release ${release.version}:`,
    ...breaking.map(({ path, message }) => `- ${path ? `${path}: ` : ''}${message}`),
    'A breaking change needs a new major release. Undo it: keep the old element, mark it @deprecated, and add the new one',
    `beside it. Or set the version in package.json to ${majorOf(release.version) + 1}.0.0.`,
  ].join('\n');
}

function majorOf(version: string): number {
  return Number.parseInt(version, 10);
}

function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
