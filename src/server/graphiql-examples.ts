/** One document per operation of the graph, in the order in which one tries them. */
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
  `# Every change of your quota while it happens,
# the 80 % warning among them. Run this in a
# second window: changing tabs here stops it.
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
  `# Holds quota, then gets a token.
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
    ... on QuotaExceededError {
      message
      limit
      resetsAt
      fallback
    }
    ... on ConcurrencyLimitError {
      message
      openSessions { avatarSessionId status }
    }
    ... on VendorError {
      message
      code
      retryAfterSeconds
      fallback
    }
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
    ... on Error { message code }
  }
}
`,
  `# Optional: says that the session is alive. Once
# one has come, three missing ones end it.
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
    ... on Error { message code }
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
    ... on Error { message code }
  }
}
`,
  `# What you have used, newest first.
# Pass endCursor as "after" for the next page.
query UsageHistory {
  usageHistory(
    first: 10
    filter: { status: [COMPLETED, ACTIVE] }
  ) {
    edges {
      node {
        avatarName
        status
        startedAt
        durationSeconds
        estimatedCost
        endReason
      }
    }
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
  `# Whether a token would be granted now.
# Holds nothing.
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
