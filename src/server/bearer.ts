/** The token of an Authorization header: `Bearer`, then one word. Null for any other. */
export function bearerToken(header: string | undefined): string | null {
  return /^Bearer +(\S+)$/i.exec(header?.trim() ?? '')?.[1] ?? null;
}
