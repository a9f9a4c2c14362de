import type { Call, Decision } from '../domain/decide/decide.ts';
import type { UserState } from '../domain/state.ts';
import type { LoadRequest } from './load.ts';
import type { UserCalls } from './user-batcher.ts';

/** A call that waits for its answer. */
export interface PendingCall {
  readonly call: Call;
  /** Called once the decision is saved. */
  readonly resolve: (answer: never, decision: Decision) => void;
  readonly reject: (error: unknown) => void;
}

/** The users of a batch, and the records that their calls name. */
export function namedBy(
  users: readonly UserCalls<PendingCall>[],
): Pick<LoadRequest, 'userIds' | 'recordIds' | 'avatarSessionIds'> {
  const named = users.flatMap(({ calls }) => calls.map(({ call }) => recordNamedBy(call)));
  return {
    userIds: users.map(({ userId }) => userId),
    recordIds: [...new Set(named.flatMap(({ recordId }) => recordId ?? []))],
    avatarSessionIds: [...new Set(named.flatMap(({ avatarSessionId }) => avatarSessionId ?? []))],
  };
}

/** Whether every record that calls name is an open one of the user. */
export function namesOnlyOpenRecords({ records }: UserState, calls: readonly PendingCall[]): boolean {
  return calls.every(({ call }) => {
    const { recordId, avatarSessionId } = recordNamedBy(call);
    if (recordId === null && avatarSessionId === null) return true;
    return records.some(
      (record) =>
        (recordId !== null && record.id === recordId) ||
        (avatarSessionId !== null && record.avatarSessionId === avatarSessionId),
    );
  });
}

function recordNamedBy({ act, request }: Call): { recordId: string | null; avatarSessionId: string | null } {
  if (act === 'hold') return { recordId: null, avatarSessionId: null };
  const named = 'figures' in request ? request.figures : request;
  return {
    recordId: 'recordId' in request ? request.recordId : null,
    avatarSessionId: 'avatarSessionId' in named ? named.avatarSessionId : null,
  };
}
