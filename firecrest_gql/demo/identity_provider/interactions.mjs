// The two pages between a user and a token: who are you, and may this client act for you.
import { createHash, timingSafeEqual } from 'node:crypto';
import { text } from 'node:stream/consumers';

const MAX_FORM_BYTES = 4096;
const HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
};
const PAGES = { login: loginPage, consent: consentPage };
const STEPS = { login: logIn, consent: allow };

export function makeInteractions(provider, users) {
  return async (request, response) => {
    try {
      await interact(provider, users, request, response);
    } catch (error) {
      send(response, error.statusCode ?? 500, page('That did not work', `<p>${escape(error.error_description ?? 'Begin again.')}</p>`));
    }
  };
}

async function interact(provider, users, request, response) {
  const details = await provider.interactionDetails(request, response);
  const { name } = details.prompt;
  if (request.method !== 'POST') {
    send(response, 200, PAGES[name](details));
    return;
  }
  const result = await STEPS[name](provider, users, details, await readForm(request));
  if (result) {
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: name === 'consent' });
  } else {
    send(response, 403, PAGES[name](details, 'Wrong user name or password.'));
  }
}

async function logIn(provider, users, details, form) {
  const user = users.find(({ username }) => username === form.get('username'));
  return user && same(user.password, form.get('password') ?? '') ? { login: { accountId: user.username } } : null;
}

async function allow(provider, users, details, form) {
  if (form.get('answer') !== 'allow') {
    return { error: 'access_denied', error_description: 'the user said no' };
  }
  const { prompt, params, session, grantId } = details;
  const found = grantId ? await provider.Grant.find(grantId) : undefined;
  const grant = found ?? new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  const { missingOIDCScope = [], missingOIDCClaims = [], missingResourceScopes = {} } = prompt.details;
  grant.addOIDCScope(missingOIDCScope.join(' '));
  grant.addOIDCClaims(missingOIDCClaims);
  for (const [resource, scopes] of Object.entries(missingResourceScopes)) {
    grant.addResourceScope(resource, scopes.join(' '));
  }
  return { consent: { grantId: await grant.save() } };
}

async function readForm(request) {
  if (Number(request.headers['content-length'] ?? Infinity) > MAX_FORM_BYTES) {
    throw Object.assign(new Error('form too large'), { statusCode: 413, error_description: 'The form is too large.' });
  }
  return new URLSearchParams(await text(request));
}

function same(one, other) {
  const [a, b] = [one, other].map((value) => createHash('sha256').update(value).digest());
  return timingSafeEqual(a, b);
}

function loginPage(details, complaint = '') {
  return page('Sign in', `<p class="complaint">${escape(complaint)}</p><form method="post">
    <label>User name <input name="username" autocomplete="username" required autofocus></label>
    <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
    <button>Sign in</button></form>`);
}

function consentPage({ params, session }) {
  const [client, account] = [params.client_id, session.accountId].map(escape);
  return page('Allow access?', `<p><b>${client}</b> asks to act as <b>${account}</b> (${escape(params.scope ?? '')}).</p>
    <form method="post"><button name="answer" value="allow">Allow</button>
    <button name="answer" value="deny">Deny</button></form>`);
}

function page(title, body) {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title>
  <style>body{font:16px system-ui;max-width:24rem;margin:15vh auto}label{display:block;margin:1rem 0}
  input{width:100%;font:inherit;padding:.4rem}button{font:inherit;padding:.4rem 1rem}.complaint{color:#b00020}</style>
  <h1>${title}</h1>${body}</html>`;
}

function escape(value) {
  return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function send(response, status, html) {
  response.writeHead(status, HEADERS).end(html);
}
