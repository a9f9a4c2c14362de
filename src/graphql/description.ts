/** The entry page of the schema's documentation, which GraphiQL shows first. In Markdown. */
export const SCHEMA_DESCRIPTION = `
The quota of streaming avatars: hold it, meter it, and watch it live.

**Authentication.** Every operation needs a JWT whose \`sub\` claim names the user: \`Authorization: Bearer <JWT>\` over HTTP,
the same value as \`connectionParams.authorization\` over WebSocket. All data is the caller's own.

**Getting started.** Call \`createToken\` and pass the token to the vendor's SDK. Call \`trackStart\` when the stream starts,
and \`trackEnd\` when it ends. Read \`quota\` for what is left, \`usageHistory\` for past sessions, and \`usageSummary\` for
the totals of a month.

**Refusals are results.** An expected outcome, such as a used-up quota, is a member of the result union that implements
\`UserError\`. Select \`... on UserError { message code }\`, show \`message\`, and decide by \`code\`. Everything else is a
GraphQL error with \`extensions.code\`. For \`BAD_USER_INPUT\`, \`extensions.argumentPath\` names the argument.

**Live updates.** Subscribe to \`quotaUpdated\` for the current state and every change, including the warning at 80%.
`.trim();
