/** What can be asked for by its id. */
const NODE_ID = /^(Quota|UsageRecord):(.+)$/s;

/** A key that no quota has. */
const NOTHING = { typename: 'Quota', id: '' };

/** Reads an id that this API has given out. Anything else is the id of nothing, and nothing is what it finds. */
export function parseNodeId(nodeId: string): { typename: string; id: string } {
  const [, typename, id] = NODE_ID.exec(Buffer.from(nodeId, 'base64').toString()) ?? [];
  return typename && id ? { typename, id } : NOTHING;
}
