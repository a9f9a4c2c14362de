import { FAVICON, LOGO } from './logo.ts';
import type { Offer } from './start-page.ts';

export const STYLE = `
  :root {
    color-scheme: light dark;
    --text: #1d1f2b; --soft: #5b6072; --line: #dfe1ea; --page: #f6f7fa; --card: #ffffff; --accent: #b5047a; --on-accent: #ffffff;
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --text: #eceef5; --soft: #a4a9bb; --line: #343849; --page: #14161f; --card: #1d202c; --accent: #ff7ac8; --on-accent: #2a0019;
    }
  }
  * { box-sizing: border-box; }
  body { margin: 0; padding: 6vh 1.25rem; background: var(--page); color: var(--text); font: 1rem/1.6 system-ui, sans-serif; }
  main { max-width: 44rem; margin: 0 auto; padding: 2.25rem clamp(1.25rem, 5vw, 2.75rem); background: var(--card);
    border: 1px solid var(--line); border-radius: 1rem; }
  h1 { display: flex; align-items: center; gap: 0.75rem; margin: 0; font-size: 1.75rem; line-height: 1.2; }
  h1 svg { width: 2.25rem; height: 2.25rem; flex: none; }
  h2 { margin: 2.25rem 0 0.5rem; font-size: 1.05rem; }
  p { margin: 0.75rem 0; }
  .lead { margin-top: 1rem; font-size: 1.1rem; }
  .soft { color: var(--soft); }
  a { color: var(--accent); text-underline-offset: 0.2em; }
  a:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: 0.25rem; }
  .button { display: inline-block; margin-top: 0.5rem; padding: 0.6rem 1.2rem; border-radius: 0.6rem; background: var(--accent);
    color: var(--on-accent); font-weight: 600; text-decoration: none; }
  .button:hover { text-decoration: underline; }
  code { padding: 0.1em 0.35em; border-radius: 0.3rem; background: var(--page); font: 0.9em ui-monospace, monospace;
    overflow-wrap: anywhere; }
  dl { display: grid; grid-template-columns: 8.5rem 1fr; margin: 0; border-bottom: 1px solid var(--line); }
  dt, dd { margin: 0; padding: 0.55rem 0; border-top: 1px solid var(--line); }
  dt { font-weight: 600; }
  @media (max-width: 34rem) { dl { grid-template-columns: 1fr; } dd { padding-top: 0; border-top: 0; } }
`;

/** A page without scripts or external assets. */
export function renderStartPage({ graphiql, metrics, sdkPrefix }: Offer): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Avatar Quota</title>
<link rel="icon" href="${FAVICON}">
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${LOGO}Avatar Quota</h1>
<p class="lead">This service holds quota before it issues a token for a streaming avatar, meters the session by the server’s clock,
and warns the user live before the quota runs out.</p>
${graphiql ? WITH_GRAPHIQL : WITHOUT_GRAPHIQL}
<h2>Endpoints</h2>
<dl>
<dt>GraphQL</dt><dd><code>POST /graphql</code></dd>
<dt>Subscriptions</dt><dd>WebSocket (<code>graphql-transport-ws</code>) or server-sent events at <code>/graphql</code></dd>
<dt>REST</dt><dd>seven calls below <code>/api/v1/</code>, described in <a href="/api/v1/openapi.json">openapi.json</a></dd>
<dt>Vendor SDK</dt><dd><code>${sdkPrefix}</code> takes the place of the vendor’s API address</dd>
<dt>Health</dt><dd><a href="/healthz">/healthz</a>, <a href="/readyz">/readyz</a></dd>
${metrics ? '<dt>Metrics</dt><dd><a href="/metrics">/metrics</a></dd>' : ''}
</dl>
<h2>Authentication</h2>
<p>Send a JWT of the user with every request: <code>Authorization: Bearer …</code>. Where <code>AUTH_JWT_SECRET</code> or the
embedded mode signs them, <code>npm run token -- --user ann</code> prints one to try.</p>
<h2>Documentation</h2>
<p>In the repository: <code>README.md</code> to begin, <code>schema.graphql</code> for every type and field,
<code>docs/protocol.md</code> for frontends, and <code>docs/operations.md</code> for settings and operation.</p>
</main>
</body>
</html>
`;
}

const WITH_GRAPHIQL = '<p><a class="button" href="/graphql">Open GraphiQL</a></p>';

const WITHOUT_GRAPHIQL =
  '<p class="soft">GraphiQL, the query editor, is off on this deployment. <code>GRAPHIQL=on</code> turns it on.</p>';
