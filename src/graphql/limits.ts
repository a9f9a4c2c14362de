import { maxAliasesPlugin } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthPlugin } from '@escape.tech/graphql-armor-max-depth';
import { type GraphQLError, parse } from 'graphql';
import type { Plugin } from 'graphql-yoga';

const MAX_DEPTH = 10;
const MAX_ALIASES = 15;
const MAX_TOKENS = 2_000;

/** What a document may ask for, checked before it is carried out, subscriptions included. */
export function documentLimits(): Plugin[] {
  return [
    limitTokens(),
    maxDepthPlugin({ n: MAX_DEPTH, propagateOnRejection: false, onReject: [markAsLimit] }),
    maxAliasesPlugin({ n: MAX_ALIASES, allowList: [], propagateOnRejection: false, onReject: [markAsLimit] }),
  ] as Plugin[];
}

function limitTokens(): Plugin {
  return {
    onParse({ setParseFn }) {
      setParseFn((source, options) => parse(source, { ...options, maxTokens: MAX_TOKENS }));
    },
  };
}

function markAsLimit(_context: unknown, error: GraphQLError): void {
  error.extensions.code = 'LIMIT_EXCEEDED';
}
