import type { JWTPayload } from 'jose';

/**
 * Whether the claim holds the role, as its text or in its list.
 *
 * `path` is the claim's exact name (identity providers that demand a URL as name put dots into it) or else the dotted
 * path to it, such as `realm_access.roles`.
 */
export function hasRole(payload: JWTPayload, path: string, role: string): boolean {
  const claim = property(payload, path) ?? path.split('.').reduce<unknown>(property, payload);
  return Array.isArray(claim) ? claim.includes(role) : claim === role;
}

/** The claims that put the role where {@link hasRole} finds it. */
export function roleClaims(path: string, role: string): JWTPayload {
  const [name = '', ...inner] = path.split('.');
  return { [name]: inner.reduceRight<unknown>((value, key) => ({ [key]: value }), role) };
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
