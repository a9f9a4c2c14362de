import type { GraphiQLOptions } from 'graphql-yoga';
import { GRAPHIQL_EXAMPLES } from './graphiql-examples.ts';

/** A ring, four fifths of it full. */
const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="24" height="24" fill="none" stroke-width="4">' +
  '<circle cx="12" cy="12" r="9" stroke="#c9cbd6"/><path d="M12 3A9 9 0 1 1 3.44 9.22" stroke="#d60590"/></svg>';

/**
 * GraphiQL with one tab per operation, subscriptions over WebSocket, and the demo token, if there is one, in every tab's
 * headers. Headers are never stored in the browser, so that a token of an earlier start does not come back.
 */
export function graphiqlOptions(demoToken: string | null): GraphiQLOptions {
  return {
    title: 'Avatar Quota',
    logo: LOGO,
    favicon: `data:image/svg+xml;base64,${btoa(LOGO)}`,
    subscriptionsProtocol: 'WS',
    shouldPersistHeaders: false,
    defaultEditorToolsVisibility: 'headers',
    headers: JSON.stringify({ Authorization: `Bearer ${demoToken ?? 'PASTE_A_TOKEN'}` }, null, 2),
    defaultTabs: GRAPHIQL_EXAMPLES.map((query) => ({ query })),
  };
}
