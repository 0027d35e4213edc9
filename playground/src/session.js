// A session is a source of access tokens, kept in memory alone: a reload of the page forgets it.

const RENEW_SECONDS = 30; // before it expires
const CONFIG_URL = '/playground/config.json';

// Which demo users there are; an installation that offers none has people paste a token.
export async function loadConfig() {
  const response = await fetch(CONFIG_URL).catch(() => null);
  const config = response?.ok ? await response.json().catch(() => null) : null;
  return { token_url: config?.token_url ?? null, clients: config?.clients ?? [] };
}

export function pastedSession(token) {
  const { username, preferred_username: preferred, sub, exp } = claims(token);
  return { name: username ?? preferred ?? sub ?? 'a pasted token', expiresAt: exp ?? null, token: async () => token };
}

// Client credentials (RFC 6749, 4.4), asked for again when the token is about to end.
export async function clientSession(tokenUrl, client, secret) {
  let current = await requestToken(tokenUrl, client.client_id, secret);
  let pending = null;
  const renew = async () => {
    try {
      current = await requestToken(tokenUrl, client.client_id, secret);
    } finally {
      pending = null;
    }
  };
  return {
    name: client.username,
    expiresAt: null,
    async token() {
      if (current.endsAt - Date.now() < RENEW_SECONDS * 1000) {
        pending ??= renew();
        await pending;
      }
      return current.token;
    },
  };
}

async function requestToken(tokenUrl, clientId, secret) {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: secret });
  const response = await fetch(tokenUrl, { method: 'POST', body, credentials: 'omit' }).catch(() => null);
  const answer = await response?.json().catch(() => null);
  if (!response?.ok || !answer?.access_token) {
    throw new Error(answer?.error_description ?? 'the identity provider gave no token');
  }
  return { token: answer.access_token, endsAt: Date.now() + (answer.expires_in ?? 300) * 1000 };
}

// For display only: it is the server that checks tokens.
function claims(token) {
  try {
    const payload = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(payload), (byte) => byte.charCodeAt(0))));
  } catch {
    return {};
  }
}
