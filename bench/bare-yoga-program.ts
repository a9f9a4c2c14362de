import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql';
import { createYoga } from 'graphql-yoga';

// Run by servers.ts: GraphQL Yoga as it comes, with a schema of one field.

const query = new GraphQLObjectType({ name: 'Query', fields: { name: { type: GraphQLString } } });
const server = createServer(createYoga({ schema: new GraphQLSchema({ query }) }));
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
