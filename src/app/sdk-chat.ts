import type { OpeningDeps, SdkRefused } from './sdk-outcome.ts';
import { steerableSession } from './steerable-session.ts';

export interface VendorChat {
  readonly type: 'chat';
  /** The vendor's address for the socket. It contains a token of the vendor: never log it, never send it to a page. */
  readonly url: string;
}

/** The query of the SDK's chat socket, each parameter once. */
export interface ChatQuery {
  readonly session_token?: string;
  readonly session_id?: string;
}

/**
 * Where the chat socket of a running session is at the vendor. A token of this service is replaced by one that the vendor mints
 * for the purpose: its key does not open the socket, and each of its tokens opens that of any session.
 *
 * @throws ServiceUnavailableError without the database
 * @throws VendorFailure if the vendor mints no token
 */
export async function sdkChat(deps: OpeningDeps, query: ChatQuery): Promise<VendorChat | SdkRefused> {
  const { vendor, sdk, policy } = deps;
  const token = query.session_token ?? '';
  const session = await steerableSession(deps, token, query.session_id ?? '');
  if (session.type === 'refused') return session;
  const { avatarName, isProxied } = session;
  const mint = { avatarName, maxSessionSeconds: policy.maxSessionSeconds };
  const session_token = isProxied ? (await vendor.mint(mint)).token : token;
  return { type: 'chat', url: sdk.chatUrl(String(new URLSearchParams({ ...query, session_token }))) };
}
