// An OpenID provider for the end-to-end tests: the certified `oidc-provider`
// with one confidential client and its built-in login and consent pages, which
// take any login name and any password.
//
//   PORT           port on 127.0.0.1; 0, the default, takes a free one
//   REDIRECT_URI   where the client receives authorization responses
//   CLIENT_ID, CLIENT_SECRET
//
// Prints `listening on http://127.0.0.1:PORT`, which is also its issuer.

import { createServer } from 'node:http';

import { Provider } from 'oidc-provider';

function required(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`provider.mjs needs ${name} in its environment`);
    process.exit(2);
  }
  return value;
}

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
  ],
  claims: {
    openid: ['sub'],
    email: ['email', 'email_verified'],
    profile: ['name', 'preferred_username'],
  },
  features: { devInteractions: { enabled: true } },
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
