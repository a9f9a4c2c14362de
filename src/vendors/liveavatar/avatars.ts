import type { MintRequest } from '../../domain/vendor.ts';

/** FULL: the vendor listens, thinks and speaks. LITE: the vendor only shows the face. */
export type LiveAvatarMode = 'FULL' | 'LITE';

/** What the deployment has bought or built at LiveAvatar under one avatar name. */
export interface LiveAvatarAvatar {
  /** A UUID from the vendor's list of avatars. */
  readonly avatarId: string;
  readonly voiceId?: string | null | undefined;
  readonly contextId?: string | null | undefined;
  /** @default 'en' */
  readonly language?: string | null | undefined;
  /** @default the mode of the vendor */
  readonly mode?: LiveAvatarMode | null | undefined;
  /** Sandbox sessions cost nothing and end after about 60 seconds, whatever the grant. @default false */
  readonly sandbox?: boolean | undefined;
}

/** The one avatar that every LiveAvatar account has (LiveAvatar documentation, sandbox mode). */
export const SANDBOX_AVATAR_ID = 'dd73ea75-1218-4ef3-92ce-606d5f7fbc0a';

/**
 * The body of a mint (LiveAvatar API reference, sessions/create-session-token).
 *
 * FULL wants exactly one of `avatar_persona` and `voice_agent`, else the vendor answers 422; LITE wants neither.
 * The cap is a whole number of seconds, rounded down so that the vendor never runs past the grant.
 */
export function mintBody(avatar: LiveAvatarAvatar, mode: LiveAvatarMode, request: MintRequest): object {
  const common = {
    mode,
    avatar_id: avatar.avatarId,
    max_session_duration: Math.floor(request.maxSessionSeconds),
    ...(avatar.sandbox && { is_sandbox: true }),
  };
  if (mode === 'LITE') return common;
  return {
    ...common,
    avatar_persona: {
      ...(avatar.voiceId && { voice_id: avatar.voiceId }),
      ...(avatar.contextId && { context_id: avatar.contextId }),
      language: avatar.language ?? 'en',
    },
  };
}
