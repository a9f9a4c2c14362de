import { type ASTNode, BREAK, type DocumentNode, type GraphQLError, Kind, parse, type Source, visit } from 'graphql';

export type ArgumentPath = (string | number)[];

/** Where a node is in a document. */
interface Place {
  /** The names and indexes on the way from its argument to it; empty outside of arguments. */
  readonly path: ArgumentPath;
  readonly operation: ASTNode | undefined;
  /** The name of the variable that it defines, or is the default value of. */
  readonly variable: string | undefined;
}

/** The errors of one request share their document. */
const documents = new WeakMap<Source, DocumentNode>();

/**
 * The path of the argument that an error of a request is about, such as `['input', 'sessionId']`. It is the same for a
 * value in the document and for one in a variable. Null for an error about no argument.
 */
export function argumentPathOf(error: GraphQLError): ArgumentPath | null {
  const node = error.nodes?.[0];
  const document = node && documentOf(node);
  const place = document && findPlace(document, (candidate) => isSame(candidate, node));
  if (!place) return null;

  const named = node.kind === Kind.OBJECT_FIELD ? [] : namedIn(error);
  if (place.variable === undefined) return nullIfEmpty([...place.path, ...named]);
  const { variable, operation } = place;
  const usage = findPlace(
    document,
    (candidate, other) =>
      candidate.kind === Kind.VARIABLE &&
      candidate.name.value === variable &&
      other.variable === undefined &&
      (other.operation === undefined || other.operation === operation),
  );
  return nullIfEmpty([...(usage?.path ?? []), ...place.path, ...pathInVariable(error), ...named]);
}

function documentOf({ loc }: ASTNode): DocumentNode | undefined {
  if (!loc) return undefined;
  const document = documents.get(loc.source) ?? parse(loc.source);
  documents.set(loc.source, document);
  return document;
}

function findPlace(document: DocumentNode, isIt: (node: ASTNode, place: Place) => boolean): Place | null {
  let found: Place | null = null;
  visit(document, {
    enter(node, _key, parent, keys, ancestors) {
      const place = placeOf(parent ? [...ancestors, parent, node] : [node], keys);
      if (!isIt(node, place)) return undefined;
      found = place;
      return BREAK;
    },
  });
  return found;
}

type Step = ASTNode | readonly ASTNode[];

/** Each of the keys leads from one of the steps to the next one. */
function placeOf(steps: readonly Step[], keys: readonly (string | number)[]): Place {
  const path = steps.flatMap((step, index): ArgumentPath => {
    if (isNode(step)) return step.kind === Kind.ARGUMENT || step.kind === Kind.OBJECT_FIELD ? [step.name.value] : [];
    const list = steps[index - 1];
    const key = keys[index];
    return list && isNode(list) && list.kind === Kind.LIST && key !== undefined ? [key] : [];
  });
  const nodes = steps.filter(isNode);
  const definition = nodes.find((node) => node.kind === Kind.VARIABLE_DEFINITION);
  return {
    path,
    operation: nodes.find((node) => node.kind === Kind.OPERATION_DEFINITION),
    variable: definition?.variable.name.value,
  };
}

function isNode(step: Step): step is ASTNode {
  return !Array.isArray(step);
}

function isSame(a: ASTNode, b: ASTNode): boolean {
  return a.kind === b.kind && a.loc?.start === b.loc?.start && a.loc?.end === b.loc?.end;
}

/** The input field or argument that is missing or unknown, which only the message names. */
function namedIn({ message, originalError }: GraphQLError): string[] {
  const [, field] =
    /^Expected value of type "[^"]+" (?:not )?to include (?:required|unknown) field "(\w+)"/.exec(
      originalError?.message ?? message,
    ) ?? [];
  const [, argument] = /^Argument "[\w.]+\((\w+):\)" .+ was not provided\.$/.exec(message) ?? [];
  return [field ?? argument ?? []].flat();
}

/** Where in the variable's value the error is: `at "input.ids[1]"`, ahead of the cause's message. */
function pathInVariable({ message, originalError }: GraphQLError): ArgumentPath {
  const head = originalError ? message.slice(0, -`; ${originalError.message}`.length) : message;
  const [, place = ''] = / at "\w+((?:\.\w+|\[\d+\])+)"$/.exec(head) ?? [];
  return [...place.matchAll(/\w+/g)].map(([key]) => (/^\d+$/.test(key) ? Number(key) : key));
}

function nullIfEmpty(path: ArgumentPath): ArgumentPath | null {
  return path.length > 0 ? path : null;
}
