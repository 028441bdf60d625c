// An OpenID provider for the end-to-end tests: the certified `oidc-provider`
// with one confidential client and its built-in login and consent pages, which
// take any login name and any password.
//
//   PORT           port on 127.0.0.1; 0, the default, takes a free one
//   REDIRECT_URI   where the client receives authorization responses
//   CLIENT_ID, CLIENT_SECRET
//   RESOURCES      optional: a JSON array of the resources of others for which it
//                  gives out access tokens, with the scope `notes:read`
//   MACHINES       optional: a JSON object of clients that act for themselves, each
//                  name with the format of its tokens, `jwt` or `opaque`; all of them
//                  and the other client have one secret, and may introspect anything
//
// Prints `listening on http://127.0.0.1:PORT`, which is also its issuer.

import { createServer } from 'node:http';

import { errors, Provider } from 'oidc-provider';

function required(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`provider.mjs needs ${name} in its environment`);
    process.exit(2);
  }
  return value;
}

const resources = JSON.parse(process.env.RESOURCES ?? '[]');
const machines = JSON.parse(process.env.MACHINES ?? '{}');

// What makes it an authorization server for resource servers of others.
const forResources = {
  resourceIndicators: {
    enabled: true,
    getResourceServerInfo: (_context, resource, client) => {
      if (!resources.includes(resource)) throw new errors.InvalidTarget();
      return {
        scope: 'notes:read',
        audience: resource,
        accessTokenFormat: machines[client.clientId] ?? 'jwt',
      };
    },
    useGrantedResource: () => true,
  },
  clientCredentials: { enabled: true },
  introspection: { enabled: true, allowedPolicy: () => true },
  revocation: { enabled: true },
};

const configuration = {
  clients: [
    {
      client_id: required('CLIENT_ID'),
      client_secret: required('CLIENT_SECRET'),
      redirect_uris: [required('REDIRECT_URI')],
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    },
    ...Object.keys(machines).map((name) => ({
      client_id: name,
      client_secret: required('CLIENT_SECRET'),
      redirect_uris: [],
      grant_types: ['client_credentials'],
      response_types: [],
    })),
  ],
  claims: {
    openid: ['sub'],
    email: ['email', 'email_verified'],
    profile: ['name', 'preferred_username'],
  },
  features: {
    devInteractions: { enabled: true },
    ...(resources.length > 0 ? forResources : {}),
  },
  scopes: ['openid', 'offline_access', ...(resources.length > 0 ? ['notes:read'] : [])],
  pkce: { required: () => true },
  findAccount: (_context, login) => ({
    accountId: login,
    claims: () => ({
      sub: login,
      email: `${login}@example.com`,
      email_verified: true,
      name: login,
      preferred_username: login,
    }),
  }),
};

// The issuer holds the port, so the socket comes before the provider.
const server = createServer();
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  server.on('request', new Provider(issuer, configuration).callback());
  console.log(`listening on ${issuer}`);
});
