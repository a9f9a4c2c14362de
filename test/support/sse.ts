import { Inbox } from './inbox.ts';
import { QUOTA_UPDATED, type QuotaMessage } from './operations.ts';
import type { GraphQLBody, TestService } from './service.ts';

/** One event of a stream, as the HTML standard's "Server-sent events" has it. */
export interface StreamEvent {
  readonly event: string;
  readonly data: GraphQLBody<{ quotaUpdated: QuotaMessage }> | null;
}

/** quotaUpdated over SSE. Disposing hangs up. */
export async function openStream(
  { url }: Pick<TestService, 'url'>,
  token: string,
  variables: { avatarSessionId?: string } = {},
) {
  const hangUp = new AbortController();
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify({ query: QUOTA_UPDATED, variables }),
    signal: hangUp.signal,
  });
  const events = new Inbox<StreamEvent>();
  read(response, events).then(
    () => events.end(),
    (error) => events.end(error),
  );
  return {
    response,
    events,
    async [Symbol.asyncDispose]() {
      hangUp.abort();
      await events.ended();
    },
  };
}

async function read({ body }: Response, events: Inbox<StreamEvent>): Promise<void> {
  let unread = '';
  for await (const text of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const blocks = (unread + text).split('\n\n');
    unread = blocks.pop() ?? '';
    for (const block of blocks) {
      const { event, data } = fieldsOf(block);
      if (event) events.deliver({ event, data: data ? JSON.parse(data) : null });
    }
  }
}

/** The fields of a block; none in a comment, which keeps the connection alive. */
function fieldsOf(block: string): Record<string, string> {
  const lines = block.split('\n').filter((line) => !line.startsWith(':'));
  return Object.fromEntries(lines.map((line) => line.split(/: ?(.*)/s, 2)));
}
