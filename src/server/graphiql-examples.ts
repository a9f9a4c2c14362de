/** One document per operation, in the order in which to try them. */
export const GRAPHIQL_EXAMPLES: readonly string[] = [
  `# Your quota.
# Press the play button, or Ctrl-Enter.
query Quota {
  quota {
    period
    usedMinutes
    limitMinutes
    remainingMinutes
    usedCost
    limitCost
    currency
    pricePerMinute
    percentUsed
    warning { level message }
    openSessions {
      status
      sessionId
      avatarSessionId
      expiresAt
    }
    resetsAt
    version
  }
}
`,
  `# Every change of your quota as it happens,
# including the warning at 80%. Run it in a second
# window: it stops when you change tabs here.
subscription QuotaUpdated {
  quotaUpdated {
    reason
    at
    quota {
      usedSeconds
      heldSeconds
      percentUsed
      nextWarningAt
    }
    warning { level limit message }
    record {
      status
      avatarSessionId
      durationSeconds
      endReason
    }
  }
}
`,
  `# Holds quota, then issues a token.
# Copy avatarSessionId into the next three tabs.
mutation CreateToken {
  createToken(
    input: { sessionId: "my-conversation" }
  ) {
    __typename
    ... on CreateTokenSuccess {
      record { avatarSessionId status }
      token
      expiresAt
      maxDurationSeconds
      heartbeatSeconds
    }
    ... on UserError { message code }
    ... on QuotaExceededError { resetsAt fallback }
    ... on ConcurrencyLimitError {
      openSessions { avatarSessionId status }
    }
    ... on VendorError { retryAfterSeconds fallback }
  }
}
`,
  `# Starts the session's clock.
mutation TrackStart {
  trackStart(
    input: {
      sessionId: "my-conversation"
      avatarSessionId: "PASTE"
    }
  ) {
    __typename
    ... on TrackStartSuccess {
      record {
        status
        startedAt
        expiresAt
        maxDurationSeconds
      }
      quota { nextWarningAt }
    }
    ... on UserError { message code }
  }
}
`,
  `# Optional: reports that the session is running.
# After the first one, three missed ones end it.
mutation TrackHeartbeat {
  trackHeartbeat(
    input: {
      avatarSessionId: "PASTE"
      wordsSpoken: 12
      messagesCount: 2
    }
  ) {
    __typename
    ... on TrackHeartbeatSuccess {
      record {
        durationSeconds
        estimatedCost
        wordsSpoken
      }
    }
    ... on UserError { message code }
  }
}
`,
  `# Ends the session and settles it.
mutation TrackEnd {
  trackEnd(
    input: {
      avatarSessionId: "PASTE"
      wordsSpoken: 120
      messagesCount: 8
    }
  ) {
    __typename
    ... on TrackEndSuccess {
      record {
        status
        endReason
        durationSeconds
        estimatedCost
      }
      quota {
        usedMinutes
        remainingMinutes
        percentUsed
      }
    }
    ... on UserError { message code }
  }
}
`,
  `# Your sessions, newest first.
# Pass endCursor as "after" for the next page.
query UsageHistory {
  usageHistory(
    first: 10
    filter: { statuses: [COMPLETED, ACTIVE] }
  ) {
    nodes {
      avatarName
      status
      startedAt
      durationSeconds
      estimatedCost
      endReason
    }
    pageInfo { hasNextPage endCursor }
  }
}
`,
  `# The totals of the month.
query UsageSummary {
  usageSummary {
    period
    currency
    sessionCount
    completedCount
    errorCount
    successRate
    totalSeconds
    totalCost
    averageSessionSeconds
    byAvatar {
      avatarName
      sessionCount
      totalSeconds
      totalCost
    }
    byDay {
      date
      sessionCount
      totalSeconds
      totalCost
    }
  }
}
`,
  `# Whether createToken would issue a token now,
# and the refusal if not. Holds nothing.
query CanCreateSession {
  canCreateSession(sessionId: "my-conversation") {
    allowed
    reason
    message
    maxDurationSeconds
    fallback
    refusal {
      __typename
      ... on QuotaExceededError { limit resetsAt }
      ... on ConcurrencyLimitError {
        openSessions { avatarSessionId status }
      }
    }
  }
}
`,
];
