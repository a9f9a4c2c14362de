import type { OpeningDeps } from './sdk-outcome.ts';
import type { SteerableSession } from './steerable-session.ts';

/** The query of the SDK's chat socket, each parameter once. */
export interface ChatQuery {
  readonly session_token?: string;
  readonly session_id?: string;
}

/**
 * The vendor's address for the chat socket of a running session. It contains a token of the vendor: never log it, never send it to
 * a page. A token of this service is replaced by one that the vendor mints for the purpose: its key does not open the socket, and
 * each of its tokens opens that of any session.
 *
 * @throws VendorFailure if the vendor mints no token
 */
export async function chatUrl(
  { vendor, sdk, policy }: OpeningDeps,
  { record: { avatarName, isProxied } }: SteerableSession,
  query: ChatQuery,
): Promise<string> {
  const mint = { avatarName, maxSessionSeconds: policy.maxSessionSeconds };
  const session_token = isProxied ? (await vendor.mint(mint)).token : (query.session_token ?? '');
  return sdk.chatUrl(String(new URLSearchParams({ ...query, session_token })));
}
