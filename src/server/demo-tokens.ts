import type { SecretAuth } from '../config.ts';
import type { Clock } from '../domain/clock.ts';
import { issueToken } from './issue-token.ts';

const TTL_SECONDS = 7 * 86_400;

export interface DemoTokens {
  readonly userToken: string;
  readonly adminToken: string;
}

/** Tokens for the demo user and for an administrator, in embedded mode only. */
export async function issueDemoTokens(auth: SecretAuth, userId: string, clock: Clock): Promise<DemoTokens> {
  const issue = (subject: string, admin: boolean) =>
    issueToken({ ...auth, userId: subject, admin, ttlSeconds: TTL_SECONDS }, clock);
  return { userToken: await issue(userId, false), adminToken: await issue('demo-admin', true) };
}
