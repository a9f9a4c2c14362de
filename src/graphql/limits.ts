import { maxAliasesPlugin } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthPlugin } from '@escape.tech/graphql-armor-max-depth';
import { GraphQLError, parse } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { toValidationError } from './errors.ts';

const MAX_DEPTH = 10;
const MAX_ALIASES = 15;
const MAX_TOKENS = 1_000;

/** What the validator says when fields that repeat would cost it too much. */
const GAVE_UP = 'Validation aborted.';

/** What a document may ask for, checked before it is carried out, subscriptions included. */
export function documentLimits(): Plugin[] {
  return [
    limitTokens(),
    maxDepthPlugin({
      n: MAX_DEPTH,
      ...reject(`The operation is nested too deep. It can have at most ${MAX_DEPTH} levels.`),
    }),
    maxAliasesPlugin({
      n: MAX_ALIASES,
      allowList: [],
      ...reject(`The operation has too many aliases. It can have at most ${MAX_ALIASES}.`),
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
          if (error instanceof RangeError) throw limitExceeded('The document is nested too deep.');
          if (error instanceof GraphQLError && error.message.includes(`more than ${MAX_TOKENS} tokens`)) {
            throw limitExceeded(`The document is too long. It can have at most ${MAX_TOKENS} tokens.`);
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

/** What validation finds quotes the document, each time again. */
function limitMessages(): Plugin {
  return {
    onValidate() {
      return ({ result, setResult }) => {
        setResult((result as readonly GraphQLError[]).map(toReadable));
      };
    },
  };
}

function toReadable(error: GraphQLError): GraphQLError {
  return error.message === GAVE_UP
    ? limitExceeded('The document repeats its fields too often. Select each field once.')
    : toValidationError(error);
}

function limitExceeded(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'LIMIT_EXCEEDED' } });
}
