// What our provider issues: JWT access tokens (RFC 9068) that name the account of the systems in the claim `username`.
import Provider, { errors } from 'oidc-provider';

import { makeAdapter } from './storage.mjs';

const USERNAME = /^[a-z_][a-z0-9_-]{0,31}$/;

export function makeProvider(config) {
  const provider = new Provider(config.issuer, {
    adapter: makeAdapter(config.storage),
    clients: config.clients,
    jwks: config.jwks,
    cookies: { keys: config.cookie_keys },
    scopes: ['openid', 'offline_access', config.scope],
    claims: { openid: ['sub', 'username'] },
    ttl: lifetimes(config.token_seconds),
    features: features(config),
    responseTypes: ['code'],
    pkce: { required: () => true },
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    extraClientMetadata: { properties: ['username'], validator: checkUsername },
    extraTokenClaims: (ctx, token) => ({ username: token.accountId ?? ctx.oidc.client.username }),
    findAccount: (ctx, id) => findAccount(config.users, id),
    clientBasedCORS: (ctx, origin) => config.origins.includes(origin),
  });
  provider.on('server_error', (ctx, error) => console.error(error));
  return provider;
}

function features(config) {
  return {
    devInteractions: { enabled: false }, // they let anybody in as anybody
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    registration: { enabled: true, initialAccessToken: config.registration_token },
    registrationManagement: { enabled: true, rotateRegistrationAccessToken: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: (ctx, client, oneOf) => oneOf ?? config.resource,
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx, resource) => describeApi(ctx, resource, config),
    },
  };
}

function describeApi(ctx, resource, config) {
  if (resource !== config.resource) {
    throw new errors.InvalidTarget();
  }
  const { params } = ctx.oidc;
  if (params?.grant_type === 'client_credentials') {
    params.scope ??= config.scope; // RFC 6749, 3.3: without a scope in the request, our default
  }
  return {
    scope: config.scope,
    audience: config.audience,
    accessTokenTTL: config.token_seconds,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: 'RS256' } },
  };
}

// Whoever holds the registration token says for whom a client acts; the client itself cannot change it (RFC 7592).
function checkUsername(ctx, key, value) {
  if (value !== undefined && !(typeof value === 'string' && USERNAME.test(value))) {
    throw new errors.InvalidClientMetadata(`${key} must be a user name`);
  }
  const registered = ctx?.oidc?.entities?.Client;
  if (registered && registered.username !== value) {
    throw new errors.InvalidClientMetadata(`${key} cannot be changed`);
  }
}

function findAccount(users, id) {
  if (!users.some((user) => user.username === id)) {
    return undefined;
  }
  return { accountId: id, claims: () => ({ sub: id, username: id }) };
}

function lifetimes(tokenSeconds) {
  const hour = 3600;
  return {
    AccessToken: tokenSeconds,
    ClientCredentials: tokenSeconds,
    DeviceCode: 600,
    IdToken: hour,
    Interaction: hour,
    Session: 8 * hour,
    Grant: 14 * 24 * hour,
    RefreshToken: 14 * 24 * hour,
  };
}
