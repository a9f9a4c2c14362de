import SchemaBuilder from '@pothos/core';
import PrismaPlugin from '@pothos/plugin-prisma';
import RelayPlugin from '@pothos/plugin-relay';
import ValidationPlugin from '@pothos/plugin-validation';
import type PrismaTypes from '../database/generated/pothos-types.ts';
import { getDatamodel } from '../database/generated/pothos-types.ts';
import type { Prisma as PrismaReads } from '../database/prisma.ts';
import { BadUserInputError } from '../domain/errors.ts';
import type { Micros } from '../domain/money.ts';
import type { BillingPeriod } from '../domain/period.ts';
import { MAX_PAGE_SIZE, nodeIds } from '../inputs/fields.ts';
import type { GraphQLContext } from './context.ts';
import { formatNodeId, parseNodeId } from './node-id.ts';

export type Prisma = PrismaReads;

type RecordTypes = PrismaTypes['UsageRecord'];
type Amount = 'estimatedCost' | 'settledCost' | 'pricePerMinute' | 'pricedCost';

/** Prisma's types, with the amounts of a record as our client reads them. */
interface ReadTypes extends Omit<PrismaTypes, 'UsageRecord'> {
  readonly UsageRecord: Omit<RecordTypes, 'Shape'> & {
    readonly Shape: Omit<RecordTypes['Shape'], Amount | 'actualCost'> &
      Record<Amount, Micros> & { actualCost: Micros | null };
  };
}

/** The one builder: every type and field adds itself to it. */
export const builder = new SchemaBuilder<{
  Context: GraphQLContext;
  PrismaTypes: ReadTypes;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date };
    Date: { Input: string; Output: string };
    Decimal: { Input: Micros; Output: Micros };
    BillingPeriod: { Input: BillingPeriod; Output: BillingPeriod };
    CurrencyCode: { Input: string; Output: string };
  };
  DefaultFieldNullability: false;
  DefaultEdgesNullability: { list: false; items: false };
  DefaultNodeNullability: false;
}>({
  plugins: [RelayPlugin, PrismaPlugin, ValidationPlugin],
  defaultFieldNullability: false,
  prisma: {
    client: ({ prisma }) => prisma,
    dmmf: getDatamodel(),
    onUnusedQuery: 'error',
  },
  relay: {
    encodeGlobalID: (typename, id) => formatNodeId(typename, String(id)),
    decodeGlobalID: parseNodeId,
    nodeQueryOptions: {
      description: "The caller's object with the given ID. Null if the caller has no such object.",
      args: { id: { description: 'The `id` of an object of this API.' } },
    },
    nodesQueryOptions: {
      description:
        "The caller's objects with the given IDs, in the order of the IDs. Null for each ID that the caller has no object for.",
      args: {
        ids: { description: `The \`id\`s of objects of this API, at most ${MAX_PAGE_SIZE}.`, validate: nodeIds },
      },
    },
    idFieldOptions: { description: 'The opaque ID of the object, unique within this API.' },
    nodeTypeOptions: { description: 'An object that `node` and `nodes` look up by its ID.' },
    edgesFieldOptions: {
      nullable: { list: false, items: false },
      description: 'The entries of the page, each with its cursor.',
    },
    nodesOnConnection: { description: 'The entries of the page.' },
    nodeFieldOptions: { nullable: false, description: 'The entry.' },
    cursorFieldOptions: { description: 'The opaque position of the entry in the list, for `after`.' },
    pageInfoTypeOptions: { description: 'The position of a page in its list.' },
    pageInfoFieldOptions: { description: 'The position of the page in the list.' },
    hasNextPageFieldOptions: { description: 'Whether there are entries after this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether there are entries before this page, as far as is known.' },
    startCursorFieldOptions: { description: 'The cursor of the first entry. Null for an empty page.' },
    endCursorFieldOptions: {
      description: 'The cursor of the last entry: pass it as `after` to get the next page. Null for an empty page.',
    },
  },
  validation: {
    validationError: ({ issues: [issue] }) => {
      const path = (issue?.path ?? []).map((key) => (typeof key === 'object' ? key.key : key));
      return new BadUserInputError(
        issue?.message ?? 'This argument is not valid.',
        path.filter((key) => typeof key !== 'symbol'),
      );
    },
  },
});

builder.queryType({ description: "Queries for the caller's quota, sessions, and usage. They never write anything." });
builder.mutationType({ description: 'The life of an avatar session: its token, start, heartbeats, and end.' });
builder.subscriptionType({
  description: 'Live updates, over WebSocket (`graphql-transport-ws`) or server-sent events.',
});
