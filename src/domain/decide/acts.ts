import type { Admission } from '../admission.ts';
import type { LimitChange } from '../limits.ts';
import type { Instant } from '../state.ts';
import type {
  AttachRequest,
  CloseRequest,
  ConfirmedStop,
  EndRequest,
  FailedStart,
  HeartbeatRequest,
  HoldRequest,
  OpenRequest,
  RecordOutcome,
  SessionCap,
  SessionName,
  StartedRecord,
  StartRequest,
} from '../store.ts';
import { attach } from './attach.ts';
import { changeLimits } from './change-limits.ts';
import type { Draft } from './draft.ts';
import { close, end, failStart } from './end.ts';
import { heartbeat } from './heartbeat.ts';
import { hold } from './hold.ts';
import { type Listed, reconcileActive, reconcileEnded, reconcileUnknown } from './reconcile.ts';
import { open, start } from './start.ts';
import { sweep } from './sweep.ts';
import { cap, confirmStart, confirmStop, name } from './vendor-word.ts';

/** Everything that can be done to a user's quotas and records: what it takes, and what it answers. */
interface ActTypes {
  hold: [HoldRequest, Admission];
  attach: [AttachRequest, boolean];
  start: [StartRequest, RecordOutcome<'started' | 'already_started' | 'ended'>];
  open: [OpenRequest, 'started' | 'taken' | 'ended'];
  name: [SessionName, boolean];
  failStart: [FailedStart, undefined];
  confirmStart: [StartedRecord, boolean];
  confirmStop: [ConfirmedStop, undefined];
  cap: [SessionCap, undefined];
  heartbeat: [HeartbeatRequest, RecordOutcome<'alive' | 'ended'>];
  end: [EndRequest, RecordOutcome<'ended' | 'already_ended'>];
  close: [CloseRequest, undefined];
  changeLimits: [LimitChange, undefined];
  sweep: [{ readonly lapsesFrom: Instant }, boolean];
  reconcileEnded: [Listed, 'corrected' | 'confirmed' | 'known'];
  reconcileActive: [Listed & { readonly readAt: Instant }, 'running' | 'started' | 'stopped' | 'unused' | 'known'];
  reconcileUnknown: [
    { readonly vendor: string; readonly avatarSessionId: string },
    'corrected' | 'confirmed' | 'running' | 'known',
  ];
}

export type Act = keyof ActTypes;
export type Request<Name extends Act> = ActTypes[Name][0];
export type Answer<Name extends Act> = ActTypes[Name][1];

interface Surroundings {
  readonly takenSessions: ReadonlySet<string>;
}

type Acts = {
  readonly [Name in Act]: (draft: Draft, request: Request<Name>, surroundings: Surroundings) => Answer<Name>;
};

export const ACTS: Acts = {
  hold,
  attach,
  start: (draft, request, { takenSessions }) => start(draft, request, takenSessions.has(request.avatarSessionId)),
  open,
  name,
  failStart,
  confirmStart,
  confirmStop,
  cap,
  heartbeat,
  end,
  close,
  changeLimits,
  sweep: (draft, { lapsesFrom }) => sweep(draft, lapsesFrom),
  reconcileEnded,
  reconcileActive,
  reconcileUnknown,
};
