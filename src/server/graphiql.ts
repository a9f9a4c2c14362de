import type { GraphiQLOptions } from 'graphql-yoga';

const EXAMPLES = [
  `# Your quota. Run it with the play button, or Ctrl-Enter.
query Quota {
  quota {
    period
    usedMinutes
    limitMinutes
    remainingMinutes
    usedCost
    limitCost
    percentUsed
    warning { level message }
    openSessions { id status sessionId expiresAt }
    resetsAt
    version
  }
}
`,
  `# Leave this one running and use the other tabs: every change arrives here, the 80 % warning among them.
subscription QuotaUpdated {
  quotaUpdated {
    reason
    at
    quota { version usedSeconds usedMinutes heldSeconds percentUsed }
    warning { level limit thresholdPercent percentUsed message }
    record { id status durationSeconds endReason }
  }
}
`,
  `# Holds quota, then gets a token. Copy record.avatarSessionId into the next tabs.
mutation CreateToken {
  createToken(input: { sessionId: "my-conversation" }) {
    __typename
    ... on CreateTokenSuccess {
      token
      expiresAt
      maxDurationSeconds
      heartbeatSeconds
      record { id avatarSessionId status }
    }
    ... on QuotaExceededError { message limit resetsAt fallback }
    ... on ConcurrencyLimitError { message openSessions { avatarSessionId status } }
    ... on VendorError { message code retryAfterSeconds fallback }
  }
}
`,
  `# Starts the session's clock. Paste the avatarSessionId of createToken.
mutation TrackStart {
  trackStart(input: { sessionId: "my-conversation", avatarSessionId: "PASTE" }) {
    __typename
    ... on TrackStartSuccess { record { status startedAt expiresAt maxDurationSeconds } quota { nextWarningAt } }
    ... on Error { message code }
  }
}
`,
  `# Optional: says that the session is alive. Once sent, three missing ones end it.
mutation TrackHeartbeat {
  trackHeartbeat(input: { avatarSessionId: "PASTE", wordsSpoken: 12, messagesCount: 2 }) {
    __typename
    ... on TrackHeartbeatSuccess { record { durationSeconds estimatedCost wordsSpoken } }
    ... on Error { message code }
  }
}
`,
  `# Ends the session and settles it.
mutation TrackEnd {
  trackEnd(input: { avatarSessionId: "PASTE", wordsSpoken: 120, messagesCount: 8 }) {
    __typename
    ... on TrackEndSuccess {
      record { status endReason durationSeconds estimatedCost }
      quota { usedMinutes remainingMinutes percentUsed }
    }
    ... on Error { message code }
  }
}
`,
  `# What you have used, newest first. Pass endCursor as "after" for the next page.
query UsageHistory {
  usageHistory(first: 10, filter: { status: [COMPLETED, ACTIVE] }) {
    edges { node { id avatarName status startedAt durationSeconds estimatedCost endReason } }
    pageInfo { hasNextPage endCursor }
  }
}
`,
  `# The month in figures.
query UsageSummary {
  usageSummary {
    period
    sessionCount
    completedCount
    errorCount
    successRate
    totalSeconds
    totalCost
    averageSessionSeconds
    byAvatar { avatarName sessionCount totalSeconds totalCost }
    byDay { date sessionCount totalSeconds totalCost }
  }
}
`,
  `# Whether a token would be granted now. Holds nothing.
query CanCreateSession {
  canCreateSession(sessionId: "my-conversation") {
    allowed
    reason
    message
    maxDurationSeconds
    fallback
  }
}
`,
];

/**
 * GraphiQL from this process alone, without a CDN; subscriptions over WebSocket; one tab per operation.
 *
 * A demo token, if there is one, stands in every tab's headers. Headers that a developer enters are not stored.
 */
export function graphiqlOptions(demoToken: string | null): GraphiQLOptions {
  const headers = JSON.stringify({ Authorization: `Bearer ${demoToken ?? 'PASTE A TOKEN'}` }, null, 2);
  return {
    title: 'Avatar Quota – GraphiQL',
    subscriptionsProtocol: 'WS',
    shouldPersistHeaders: false,
    defaultEditorToolsVisibility: 'headers',
    headers,
    defaultHeaders: headers,
    defaultTabs: EXAMPLES.map((query) => ({ query, headers })),
    schemaDescription: true,
  };
}
