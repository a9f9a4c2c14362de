import type { SecretAuth } from '../config.ts';
import type { Clock } from '../domain/clock.ts';
import { issueToken } from './issue-token.ts';

const TTL_SECONDS = 7 * 86_400;

export interface DemoTokens {
  readonly userId: string;
  readonly userToken: string;
  readonly adminToken: string;
}

/** Tokens for trying things, of a user and an administrator that exist in embedded mode only. */
export async function issueDemoTokens(auth: SecretAuth, clock: Clock): Promise<DemoTokens> {
  const userId = 'demo-user';
  const issue = (subject: string, admin: boolean) =>
    issueToken({ ...auth, userId: subject, admin, ttlSeconds: TTL_SECONDS }, clock);
  return { userId, userToken: await issue(userId, false), adminToken: await issue('demo-admin', true) };
}
