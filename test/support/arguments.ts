import {
  BAD_AVATARS,
  BAD_COUNTS,
  BAD_CURSORS,
  BAD_ERROR_MESSAGES,
  BAD_ID_LISTS,
  BAD_IDS,
  BAD_INSTANTS,
  BAD_NAMES,
  BAD_PAGE_SIZES,
  BAD_PERIODS,
  BAD_STATUSES,
  type BadValues,
} from './bad-values.ts';
import { printLiteral } from './literal.ts';

/** An argument: its field, its path, its type, what it must not be, and what the field needs besides. */
export type ArgumentRow = [
  field: string,
  path: [string, string?],
  type: string,
  bad: BadValues,
  besides?: Record<string, string>,
];

const QUERIES: ArgumentRow[] = [
  ['node', ['id'], 'ID!', BAD_IDS],
  ['nodes', ['ids'], '[ID!]!', BAD_ID_LISTS],
  ['quota', ['period'], 'BillingPeriod', BAD_PERIODS],
  ['usageSummary', ['period'], 'BillingPeriod', BAD_PERIODS],
  ['canCreateSession', ['sessionId'], 'ID', BAD_NAMES],
  ['canCreateSession', ['avatarName'], 'String', BAD_AVATARS],
  ['usageHistory', ['first'], 'Int', BAD_PAGE_SIZES],
  ['usageHistory', ['after'], 'String', BAD_CURSORS],
  ['usageHistory', ['filter', 'period'], 'BillingPeriod', BAD_PERIODS],
  ['usageHistory', ['filter', 'statuses'], '[UsageStatus!]', BAD_STATUSES],
  ['usageHistory', ['filter', 'avatarName'], 'String', BAD_NAMES],
  ['usageHistory', ['filter', 'from'], 'DateTime', BAD_INSTANTS],
  ['usageHistory', ['filter', 'to'], 'DateTime', BAD_INSTANTS],
];
const session = { avatarSessionId: 'some-session' };
const MUTATIONS: ArgumentRow[] = [
  ['createToken', ['input', 'sessionId'], 'ID!', BAD_NAMES],
  ['createToken', ['input', 'avatarName'], 'String', BAD_AVATARS, { sessionId: 'chat' }],
  ['trackStart', ['input', 'sessionId'], 'ID!', BAD_NAMES, session],
  ['trackStart', ['input', 'avatarSessionId'], 'ID!', BAD_NAMES, { sessionId: 'chat' }],
  ['trackStart', ['input', 'avatarName'], 'String', BAD_NAMES, { sessionId: 'chat', ...session }],
  ['trackHeartbeat', ['input', 'avatarSessionId'], 'ID!', BAD_NAMES],
  ['trackHeartbeat', ['input', 'wordsSpoken'], 'Int', BAD_COUNTS, session],
  ['trackHeartbeat', ['input', 'messagesCount'], 'Int', BAD_COUNTS, session],
  ['trackEnd', ['input', 'avatarSessionId'], 'ID!', BAD_NAMES],
  ['trackEnd', ['input', 'wordsSpoken'], 'Int', BAD_COUNTS, session],
  ['trackEnd', ['input', 'messagesCount'], 'Int', BAD_COUNTS, session],
  ['trackEnd', ['input', 'errorMessage'], 'String', BAD_ERROR_MESSAGES, session],
];
const SUBSCRIPTIONS: ArgumentRow[] = [['quotaUpdated', ['avatarSessionId'], 'ID', BAD_NAMES]];

type Kind = 'query' | 'mutation' | 'subscription';

/** Every argument of every operation. */
export const ARGUMENTS: [kind: Kind, ...ArgumentRow][] = [
  ...QUERIES.map((row): ['query', ...ArgumentRow] => ['query', ...row]),
  ...MUTATIONS.map((row): ['mutation', ...ArgumentRow] => ['mutation', ...row]),
  ...SUBSCRIPTIONS.map((row): ['subscription', ...ArgumentRow] => ['subscription', ...row]),
];

/** The field called with this text as the argument's value, and what it needs besides. */
export function callField([field, [outer, inner], , , besides = {}]: ArgumentRow, value: string): string {
  const rest = Object.entries(besides).map(([key, given]) => `${key}: ${printLiteral(given)}`);
  const argument = inner ? `${outer}: { ${[...rest, `${inner}: ${value}`].join(', ')} }` : `${outer}: ${value}`;
  return `${field}(${argument}) { __typename }`;
}
