import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** What an answer can be written as, wildcards included, in UTF-8 only. */
const ANSWERABLE =
  /^(\*\/\*|application\/(\*|json|graphql-response\+json)|text\/(\*|event-stream)|multipart\/(\*|mixed))(?!.*;charset=(?!utf-8(;|$)))(;|$)/;

const SENTENCES: Readonly<Record<number, string>> = {
  406: 'Accept application/json, or text/event-stream for a subscription.',
  415: 'Send the operation as JSON, with the content type application/json.',
};

/**
 * Refuses a request that cannot be read, or whose answer its sender would not take, before anything of it is carried
 * out; and gives every such refusal its sentence.
 */
export function requestChecks(): Plugin {
  return {
    onRequestParse({ request, requestParser, setRequestParser, endResponse, fetchAPI }) {
      if (!isAnswerable(request)) return endResponse(new fetchAPI.Response(null, { status: 406 }));
      if (requestParser) {
        setRequestParser(async (readable) => {
          try {
            return await requestParser(readable);
          } catch (error) {
            throw error instanceof SyntaxError ? notJson() : error;
          }
        });
      }
    },
    onResponse({ response, setResponse, fetchAPI }) {
      const message = SENTENCES[response.status];
      if (!message || response.body !== null) return;
      const headers = { ...Object.fromEntries(response.headers), 'content-type': 'application/json; charset=utf-8' };
      const body = JSON.stringify({ errors: [{ message, extensions: { code: 'BAD_USER_INPUT' } }] });
      setResponse(new fetchAPI.Response(body, { status: response.status, headers }));
    },
  };
}

function isAnswerable(request: Request): boolean {
  const ranges = (request.headers.get('accept') || '*/*').replace(/\s/g, '').toLowerCase().split(',');
  return ranges.some((range) => ANSWERABLE.test(range));
}

function notJson(): GraphQLError {
  return new GraphQLError('The variables and extensions of an operation must be JSON.', {
    extensions: { code: 'BAD_USER_INPUT', http: { status: 400 } },
  });
}
