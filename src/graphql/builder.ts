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
import type { GraphQLContext } from './context.ts';
import { parseNodeId } from './node-id.ts';

export type Prisma = PrismaReads;

/** A usage record as Prisma reads it. */
export type UsageRecordRow = PrismaTypes['UsageRecord']['Shape'];

/** The one builder: every type and field adds itself to it. */
export const builder = new SchemaBuilder<{
  Context: GraphQLContext;
  PrismaTypes: PrismaTypes;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date };
    Decimal: { Input: Micros; Output: Micros };
    BillingPeriod: { Input: BillingPeriod; Output: BillingPeriod };
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
    nodesQueryOptions: false,
    decodeGlobalID: parseNodeId,
    nodeQueryOptions: {
      description: 'One of the caller’s own objects by its id; null for anything else.',
      args: { id: { description: 'An id as any object of this API gives it.' } },
    },
    idFieldOptions: { description: 'The object’s id within this API.' },
    nodeTypeOptions: { description: 'An object with an id that is unique within this API.' },
    edgesFieldOptions: { nullable: { list: false, items: false }, description: 'The page’s entries.' },
    nodeFieldOptions: { nullable: false, description: 'The entry itself.' },
    cursorFieldOptions: { description: 'Where this entry stands: pass it as `after` to go on behind it.' },
    pageInfoTypeOptions: { description: 'Whether there is more, and where to go on.' },
    pageInfoFieldOptions: { description: 'Whether there is more, and where to go on.' },
    hasNextPageFieldOptions: { description: 'Whether entries follow behind this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether entries stand before this page, as far as it is known.' },
    startCursorFieldOptions: { description: 'The cursor of the page’s first entry.' },
    endCursorFieldOptions: { description: 'The cursor of the page’s last entry: the `after` of the next page.' },
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

builder.queryType({ description: 'What can be read. Everything is the caller’s own.' });
builder.mutationType({ description: 'The life of a session: token, start, heartbeats, end.' });
builder.subscriptionType({ description: 'What is pushed.' });
