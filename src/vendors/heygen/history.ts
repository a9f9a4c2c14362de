import type { OnUnreadable, Patience, VendorSession } from '../../domain/vendor.ts';
import type { Call } from '../http/client.ts';
import { checkPage, readEntries } from '../http/entries.ts';
import { endedSession, HistoryPage, PastEntry } from './answers.ts';

const PAGE_SIZE = 100;

/** What the reference names as the states of a session. What the history calls one that has ended is not documented. */
const RUNNING = new Set(['new', 'connecting', 'connected']);

/**
 * Ended sessions, newest first, down to those created at `since`.
 *
 * How pages are asked for is not documented: both by number and by the token of the page before. Reading ends with the
 * page that brings nothing new, or nothing young enough.
 *
 * @param activeIds asks for the sessions that run at this moment
 */
export async function* listHistory(
  call: Call,
  since: Date,
  activeIds: (patience: Patience) => Promise<ReadonlySet<string>>,
  patience: Patience,
  onUnreadable?: OnUnreadable,
): AsyncGenerator<VendorSession> {
  const seen = new Set<string>();
  let token: string | null | undefined;
  for (let page = 1; ; page += 1) {
    checkPage(page, 'HeyGen');
    const query = `page=${page}&page_size=${PAGE_SIZE}${token ? `&token=${encodeURIComponent(token)}` : ''}`;
    const path = `/v2/streaming.list?${query}`;
    const { data, next_pagination_token } = await patience(() => call('GET', path, HistoryPage));
    const entries = readEntries(data, { schema: PastEntry, idKey: 'session_id', onUnreadable });
    const wanted = entries.filter((entry) => !seen.has(entry.session_id) && entry.created_at >= since);
    for (const entry of wanted) seen.add(entry.session_id);
    yield* (await endedOf(wanted, () => activeIds(patience))).map(endedSession);
    const hasUnreadable = entries.length < data.length;
    if ((wanted.length === 0 && !hasUnreadable) || data.length < PAGE_SIZE) return;
    token = next_pagination_token;
  }
}

/**
 * A session has ended if its state is none of a running one, or if it is not among the active ones. Those are asked for
 * after the page: a session that has begun in between does not pass for one that has ended.
 */
async function endedOf(
  entries: readonly PastEntry[],
  activeIds: () => Promise<ReadonlySet<string>>,
): Promise<readonly PastEntry[]> {
  if (!entries.some(({ status }) => RUNNING.has(status))) return entries;
  const active = await activeIds();
  return entries.filter((entry) => !RUNNING.has(entry.status) || !active.has(entry.session_id));
}
