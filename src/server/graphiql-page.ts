import { createHash } from 'node:crypto';
import type { GraphiQLOptions } from 'graphql-yoga';

/** GraphiQL 5 moves a tab away under the pointer that presses it, and the click is lost. Also, the title wraps. */
const STYLE = '.graphiql-tab { transform: none !important; } .graphiql-logo { white-space: nowrap; }';

/**
 * Runs before GraphiQL does. GraphiQL keeps its tabs in the browser, per origin. Here, tabs that stem from another
 * program on this port or from older examples make way for the examples; and where one's own tabs are kept, the page
 * opens on the one that was open last, not on a new empty one.
 */
const openingScript = (examples: string) => `
  const marker = 'avatar-quota:examples';
  if (localStorage.getItem(marker) !== '${examples}') {
    for (const key of Object.keys(localStorage)) if (key.startsWith('graphiql:')) localStorage.removeItem(key);
    localStorage.setItem(marker, '${examples}');
  }
  const url = new URL(location.href);
  const { tabs = [], activeTabIndex } = JSON.parse(localStorage.getItem('graphiql:tabState') ?? '{}');
  const query = tabs[activeTabIndex]?.query;
  if (query && !url.searchParams.has('query')) {
    url.searchParams.set('query', query);
    history.replaceState({}, '', url);
  }
`;

/**
 * Renders GraphiQL out of this process alone, without a CDN. Its 9 MB are loaded when the page is first asked for, and
 * the page is kept.
 */
export function createGraphiqlPage(): (options: GraphiQLOptions) => Promise<Buffer<ArrayBuffer>> {
  let page: Promise<Buffer<ArrayBuffer>> | undefined;
  return (options) => {
    page ??= renderPage(options);
    return page;
  };
}

async function renderPage(options: GraphiQLOptions): Promise<Buffer<ArrayBuffer>> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const examples = createHash('sha256').update(JSON.stringify(options.defaultTabs)).digest('base64url');
  const head = `<style>${STYLE}</style><script>{${openingScript(examples)}}</script></head>`;
  return Buffer.from(renderGraphiQL(options).replace('</head>', () => head));
}
