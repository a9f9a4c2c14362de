import { createHash } from 'node:crypto';
import type { BillingPeriod } from '../domain/period.ts';
import { packUuid, unpackUuid } from '../inputs/uuid-bytes.ts';

/** A node as Pothos names it: its type, and its key within that type. */
export interface NodeKey {
  readonly typename: string;
  readonly id: string;
}

interface NodeForm {
  readonly typename: string;
  readonly prefix: string;
  readonly bytes: number;
  pack(key: string): Buffer;
  unpack(bytes: Buffer): string;
}

/** Fits the month of the year 9999. */
const MONTH_BYTES = 3;
const DIGEST_BYTES = 15;

/** The types that have ids. A key is packed, so that an id is short and nobody is tempted to build one. */
const FORMS: readonly NodeForm[] = [
  { typename: 'Quota', prefix: 'Q', bytes: MONTH_BYTES + DIGEST_BYTES, pack: packQuotaKey, unpack: unpackQuotaKey },
  { typename: 'UsageRecord', prefix: 'UR', bytes: 16, pack: packUuid, unpack: unpackUuid },
];

const NODE_ID = /^([A-Z]+)_([\w-]+)$/;

/** The key of no quota. */
const NOTHING: NodeKey = { typename: 'Quota', id: '' };

/**
 * The key of a user's quota, as it goes into its id. The user is in it as a digest: enough to recognize the caller's own
 * quota, and short even for a user id of 255 characters.
 */
export function quotaKey(period: BillingPeriod, userId: string): string {
  return `${period}:${createHash('sha256').update(userId).digest().toString('hex', 0, DIGEST_BYTES)}`;
}

/** The opaque id of a node. */
export function formatNodeId(typename: string, key: string): string {
  const form = FORMS.find((candidate) => candidate.typename === typename);
  if (!form) throw new Error(`The type ${typename} has no node ids`);
  return `${form.prefix}_${form.pack(key).toString('base64url')}`;
}

/** Reads an id that {@link formatNodeId} returned. Any other string is the id of nothing. */
export function parseNodeId(nodeId: string): NodeKey {
  const [, prefix, packed = ''] = NODE_ID.exec(nodeId) ?? [];
  const form = FORMS.find((candidate) => candidate.prefix === prefix);
  const bytes = Buffer.from(packed, 'base64url');
  if (bytes.length !== form?.bytes || bytes.toString('base64url') !== packed) return NOTHING;
  return { typename: form.typename, id: form.unpack(bytes) };
}

function packQuotaKey(key: string): Buffer {
  const [month = '', digest = ''] = key.split(':');
  const [year, monthOfYear] = month.split('-').map(Number);
  const packed = Buffer.alloc(MONTH_BYTES);
  packed.writeUIntBE((year ?? 0) * 12 + (monthOfYear ?? 0) - 1, 0, MONTH_BYTES);
  return Buffer.concat([packed, Buffer.from(digest, 'hex')]);
}

function unpackQuotaKey(bytes: Buffer): string {
  const months = bytes.readUIntBE(0, MONTH_BYTES);
  const period = `${Math.floor(months / 12)}-${String((months % 12) + 1).padStart(2, '0')}`;
  return `${period}:${bytes.toString('hex', MONTH_BYTES)}`;
}
