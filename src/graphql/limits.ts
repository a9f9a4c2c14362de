import { maxAliasesPlugin } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthPlugin } from '@escape.tech/graphql-armor-max-depth';
import { GraphQLError, parse } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { shorten } from './errors.ts';

const MAX_DEPTH = 10;
const MAX_ALIASES = 15;
const MAX_TOKENS = 1_000;

/** What the validator says when fields that repeat would cost it too much. */
const GAVE_UP = 'Validation aborted.';

/** What a document may ask for, checked before it is carried out, subscriptions included. */
export function documentLimits(): Plugin[] {
  return [
    limitTokens(),
    maxDepthPlugin({ n: MAX_DEPTH, ...reject(`An operation may be ${MAX_DEPTH} levels deep, not more.`) }),
    maxAliasesPlugin({
      n: MAX_ALIASES,
      allowList: [],
      ...reject(`An operation may have ${MAX_ALIASES} aliases, not more.`),
    }),
    limitMessages(),
  ] as Plugin[];
}

function limitTokens(): Plugin {
  return {
    onParse({ setParseFn }) {
      setParseFn((source, options) => {
        try {
          return parse(source, { ...options, maxTokens: MAX_TOKENS });
        } catch (error) {
          // The parser descends with every bracket, to the end of the stack.
          if (error instanceof RangeError) throw limitExceeded('This document is nested too deep.');
          if (error instanceof GraphQLError && error.message.includes(`more than ${MAX_TOKENS} tokens`)) {
            throw limitExceeded(`A document may have ${MAX_TOKENS} tokens, not more.`);
          }
          throw error;
        }
      });
    },
  };
}

interface Reporter {
  reportError(error: GraphQLError): void;
}

/** The plugins only tell of what they find: without a report the document would pass. */
function reject(message: string) {
  return {
    propagateOnRejection: false,
    onReject: [(context: Reporter | null) => context?.reportError(limitExceeded(message))],
  };
}

/** What validation finds quotes the document, each time anew. */
function limitMessages(): Plugin {
  return {
    onValidate() {
      return ({ result, setResult }) => {
        setResult((result as readonly GraphQLError[]).map(toReadable));
      };
    },
  };
}

function toReadable({ message, nodes, extensions }: GraphQLError): GraphQLError {
  return message === GAVE_UP
    ? limitExceeded('This document repeats its fields too often. Ask for each field once.')
    : new GraphQLError(shorten(message), { nodes, extensions });
}

function limitExceeded(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'LIMIT_EXCEEDED' } });
}
