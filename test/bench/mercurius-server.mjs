// Baseline 2: Mercurius with its JIT over the same SQL as the bare server.
import { createRequire } from 'node:module';
import { answersFrom } from './answers.mjs';

const require = createRequire(import.meta.url);
const { Pool } = require('pg');
const Fastify = require('fastify');
const mercurius = require('mercurius');
const { url, ids } = JSON.parse(process.argv[2]);
const answers = answersFrom(new Pool({ connectionString: url, max: 20 }), ids);

const fastify = Fastify();
fastify.register(mercurius, {
  jit: 1,
  schema: `
    type Money { amount: String! currency: String! }
    type Price { interval: String! amount: Money! }
    type Addon { code: String! name: String! subscriberCount: Int prices: [Price!]! }
    type AddonConnection { nodes: [Addon!]! }
    type Entitlement { allowed: Boolean! reason: String! limit: String used: String remaining: String }
    type ProrationPreview { unusedCredit: Money! newCharge: Money! net: Money! }
    type Refused { message: String! }
    union ProrationPreviewResult = ProrationPreview | Refused
    input PlanChangeInput { plan: ID! }
    type Query {
      entitlementCheck(feature: ID!): Entitlement!
      addons(first: Int): AddonConnection!
      prorationPreview(input: PlanChangeInput!): ProrationPreviewResult!
    }`,
  resolvers: {
    Query: {
      entitlementCheck: (_root, { feature }) => answers.entitlementCheck(feature),
      addons: () => answers.addons(),
      prorationPreview: (_root, { input }) => answers.prorationPreview(input.plan),
    },
    ProrationPreviewResult: { resolveType: () => 'ProrationPreview' },
  },
});
process.send({ url: await fastify.listen({ host: '127.0.0.1', port: 0 }) });
