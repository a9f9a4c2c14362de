
      export type PossibleTypesResultData = {
  "possibleTypes": {
    "CreateTokenResult": [
      "ConcurrencyLimitError",
      "CreateTokenSuccess",
      "QuotaExceededError",
      "VendorError"
    ],
    "Node": [
      "Quota",
      "UsageRecord"
    ],
    "TrackEndResult": [
      "SessionNotFoundError",
      "TrackEndSuccess"
    ],
    "TrackHeartbeatResult": [
      "SessionEndedError",
      "SessionNotFoundError",
      "TrackHeartbeatSuccess"
    ],
    "TrackStartResult": [
      "SessionEndedError",
      "SessionNotFoundError",
      "TrackStartSuccess"
    ],
    "UserError": [
      "ConcurrencyLimitError",
      "QuotaExceededError",
      "SessionEndedError",
      "SessionNotFoundError",
      "VendorError"
    ]
  }
};
      const result: PossibleTypesResultData = {
  "possibleTypes": {
    "CreateTokenResult": [
      "ConcurrencyLimitError",
      "CreateTokenSuccess",
      "QuotaExceededError",
      "VendorError"
    ],
    "Node": [
      "Quota",
      "UsageRecord"
    ],
    "TrackEndResult": [
      "SessionNotFoundError",
      "TrackEndSuccess"
    ],
    "TrackHeartbeatResult": [
      "SessionEndedError",
      "SessionNotFoundError",
      "TrackHeartbeatSuccess"
    ],
    "TrackStartResult": [
      "SessionEndedError",
      "SessionNotFoundError",
      "TrackStartSuccess"
    ],
    "UserError": [
      "ConcurrencyLimitError",
      "QuotaExceededError",
      "SessionEndedError",
      "SessionNotFoundError",
      "VendorError"
    ]
  }
};
      export default result;
    