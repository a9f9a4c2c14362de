/** What stands in `extensions.code` of a GraphQL error and in `code` of a REST answer. */
export type ErrorCode = 'UNAUTHENTICATED' | 'FORBIDDEN' | 'BAD_USER_INPUT' | 'LIMIT_EXCEEDED' | 'SERVICE_UNAVAILABLE';

/** What is said of an error that was not written for the caller. */
export const MASKED_MESSAGE = 'Something went wrong on our side. Try again; if it happens again, tell the operator.';

/** An error whose message is written for the caller and says what to do next. */
export abstract class PublicError extends Error {
  abstract readonly code: ErrorCode;
}

/** Why a caller is unknown. A fresh token helps against `expired`; nothing but another token against `invalid`. */
export type UnauthenticatedReason = 'missing' | 'expired' | 'invalid';

/** No token, or one that does not prove who the caller is. */
export class UnauthenticatedError extends PublicError {
  readonly code = 'UNAUTHENTICATED';
  readonly reason: UnauthenticatedReason;

  constructor(reason: UnauthenticatedReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Something that this caller may not do. */
export class ForbiddenError extends PublicError {
  readonly code = 'FORBIDDEN';
}

/** An argument that can never be right, whatever the state of the service. */
export class BadUserInputError extends PublicError {
  readonly code = 'BAD_USER_INPUT';
  /** The argument's path, such as `['input', 'sessionId']`. */
  readonly argumentPath: readonly (string | number)[];

  constructor(message: string, argumentPath: readonly (string | number)[]) {
    super(message);
    this.argumentPath = argumentPath;
  }
}

/** The caller did too much at once. */
export class LimitExceededError extends PublicError {
  readonly code = 'LIMIT_EXCEEDED';
  readonly retryAfterSeconds: number;

  constructor(message: string, retryAfterSeconds: number) {
    super(message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The database, or another service without which nothing may be granted, cannot be asked. */
export class ServiceUnavailableError extends PublicError {
  readonly code = 'SERVICE_UNAVAILABLE';
  readonly retryAfterSeconds = 5;

  constructor(options?: ErrorOptions & { message?: string }) {
    super(options?.message ?? 'The service cannot reach its database right now. Try again in a few seconds.', options);
  }
}

/** How a vendor's refusal or silence is to be understood. */
export type VendorFailureKind =
  | 'concurrency'
  | 'no_funds'
  | 'rate_limited'
  | 'invalid'
  | 'unauthorized'
  | 'gone'
  | 'retired'
  | 'unavailable'
  | 'unknown';

/** A call to the vendor that did not succeed. Never shown as the user's quota. */
export class VendorFailure extends Error {
  readonly kind: VendorFailureKind;
  /** When to try again, if the vendor said so. */
  readonly retryAfterSeconds: number | null;

  constructor(
    kind: VendorFailureKind,
    message: string,
    options?: ErrorOptions & { retryAfterSeconds?: number | null },
  ) {
    super(message, options);
    this.kind = kind;
    this.retryAfterSeconds = options?.retryAfterSeconds ?? null;
  }
}
