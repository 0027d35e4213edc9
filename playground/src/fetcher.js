// How GraphiQL reaches the server: queries and mutations by POST, subscriptions over graphql-transport-ws.
import { Kind, parse } from 'graphql';
import { createClient } from 'graphql-ws';

import { fillIn, remember } from './placeholders.js';

const PATH = '/graphql';
const EARLIER_EVENTS = 200;
const SIGN_IN_FIRST = 'Sign in first, with one of the buttons above.';

export function makeFetcher(session) {
  return async (params, { headers = {} } = {}) => {
    if (!session && !hasAuthorization(headers)) {
      return { errors: [{ message: SIGN_IN_FIRST }] };
    }
    try {
      const operation = chosenOperation(params);
      const request = { ...params, operationName: operation?.name?.value, variables: fillIn(params.variables) };
      const authorization = await authorize(session, headers);
      return operation?.operation === 'subscription' ? listen(request, session, authorization) : await post(request, authorization);
    } catch (error) {
      return { errors: [{ message: error.message }] };
    }
  };
}

// GraphiQL's own notion of the operation lags behind when a tab has just been changed.
function chosenOperation({ query, operationName }) {
  const operations = parse(query).definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  return operations.find(({ name }) => name?.value === operationName) ?? operations[0];
}

async function post(request, headers) {
  const response = await fetch(PATH, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/graphql-response+json, application/json', ...headers },
    body: JSON.stringify(request),
  });
  const answer = await response.json().catch(() => null);
  return remember(answer ?? { errors: [{ message: `The server answered ${response.status} without JSON.` }] });
}

// GraphiQL shows the last result only, so each carries the ones before it, newest first.
async function* listen(request, session, headers) {
  const client = connect(session, headers);
  let earlierEvents = [];
  try {
    for await (const result of client.iterate(request)) {
      yield { ...remember(result), ...(earlierEvents.length > 0 && { earlierEvents }) };
      earlierEvents = [result.data ?? result, ...earlierEvents].slice(0, EARLIER_EVENTS);
    }
  } catch (error) {
    yield { ...told(error), ...(earlierEvents.length > 0 && { earlierEvents }) };
  } finally {
    client.dispose();
  }
}

function connect(session, headers) {
  const url = new URL(PATH, window.location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  // Asked for at each connection, since a token ends sooner than a subscription may.
  return createClient({ url: url.href, connectionParams: () => authorize(session, headers), retryAttempts: 3 });
}

async function authorize(session, headers) {
  return hasAuthorization(headers) ? headers : { ...headers, Authorization: `Bearer ${await session.token()}` };
}

function hasAuthorization(headers) {
  return Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
}

// graphql-ws throws the server's errors as a list, and the socket's end as a CloseEvent.
function told(error) {
  if (Array.isArray(error)) {
    return { errors: error };
  }
  const closed = error?.code ? `The server closed the socket: ${error.code} ${error.reason ?? ''}`.trim() : null;
  return { errors: [{ message: closed ?? error?.message ?? 'The subscription failed.' }] };
}
