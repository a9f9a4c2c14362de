import type { GraphiQLOptions } from 'graphql-yoga';
import { GRAPHIQL_EXAMPLES } from './graphiql-examples.ts';
import { FAVICON, LOGO } from './logo.ts';

/**
 * GraphiQL with one tab per operation, subscriptions over WebSocket, and the demo token, if there is one, in every tab's
 * headers. Headers are never stored in the browser, so that a token of an earlier start does not come back.
 */
export function graphiqlOptions(demoToken: string | null): GraphiQLOptions {
  return {
    title: 'Avatar Quota',
    logo: LOGO,
    favicon: FAVICON,
    subscriptionsProtocol: 'WS',
    shouldPersistHeaders: false,
    defaultEditorToolsVisibility: 'headers',
    headers: JSON.stringify({ Authorization: `Bearer ${demoToken ?? 'PASTE_A_TOKEN'}` }, null, 2),
    defaultTabs: GRAPHIQL_EXAMPLES.map((query) => ({ query })),
  };
}
